import Pixels
import Testing

private let allFormats = (0..<RB_PIXELS_FORMAT_COUNT.rawValue).map { rb_pixels_format(rawValue: $0) }

/// BT.601 limited range to RGB in double precision, clamped, not rounded.
private func bt601(_ y: UInt8, _ u: UInt8, _ v: UInt8) -> [Double] {
    let luma = 255.0 / 219 * (Double(y) - 16)
    let (u, v) = (255.0 / 224 * (Double(u) - 128), 255.0 / 224 * (Double(v) - 128))
    return [luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u].map { min(max($0, 0), 255) }
}

/// Pixel (x, y) of a frame, from the definition of its format.
private func pixel(_ frame: Frame, _ x: Int, _ y: Int) -> [Double] {
    let row = y * Int(frame.stride)
    switch frame.format {
    case RB_PIXELS_YUYV:
        let pair = row + x / 2 * 4
        return bt601(frame.bytes[row + 2 * x], frame.bytes[pair + 1], frame.bytes[pair + 3])
    case RB_PIXELS_NV12:
        let chroma = (Int(frame.height) + y / 2) * Int(frame.stride) + x / 2 * 2
        return bt601(frame.bytes[row + x], frame.bytes[chroma], frame.bytes[chroma + 1])
    case RB_PIXELS_GREY:
        return Array(repeating: Double(frame.bytes[row + x]), count: 3)
    default:
        return (0..<3).map { Double(frame.bytes[row + 3 * x + $0]) }
    }
}

@Test(
    "every format converts to RGB within one level of its definition, odd sizes and padded rows included",
    arguments: allFormats, [(16, 8, 0), (17, 9, 0), (1, 1, 0), (33, 7, 5), (2, 5, 64)] as [(Int32, Int32, Int32)])
func colours(format: rb_pixels_format, size: (width: Int32, height: Int32, padding: Int32)) throws {
    let frame = Frame.noise(format, size.width, size.height, padding: size.padding)
    let rgb = try asRGB(frame)
    for y in 0..<Int(size.height) {
        for x in 0..<Int(size.width) {
            for (channel, expected) in pixel(frame, x, y).enumerated() {
                let got = Double(rgb.bytes[3 * (y * Int(size.width) + x) + channel])
                #expect(abs(got - expected) < 1)
            }
        }
    }
}

@Test("black, white and the primaries of limited-range YUV are exact")
func primaries() throws {
    let colours: [(yuv: (UInt8, UInt8, UInt8), rgb: [UInt8])] = [
        ((16, 128, 128), [0, 0, 0]), ((235, 128, 128), [255, 255, 255]), ((126, 128, 128), [128, 128, 128]),
        ((0, 128, 128), [0, 0, 0]), ((255, 128, 128), [255, 255, 255]), ((81, 90, 240), [255, 0, 0]),
        ((41, 240, 110), [0, 0, 255]),
    ]
    for (yuv, rgb) in colours {
        let frame = Frame(
            format: RB_PIXELS_YUYV, width: 2, height: 1, stride: 4, bytes: [yuv.0, yuv.1, yuv.0, yuv.2])
        for (got, expected) in zip(try asRGB(frame).bytes, rgb + rgb) { #expect(abs(Int(got) - Int(expected)) <= 1) }
    }
}

@Test("a region that starts on an odd column and row takes the chroma of its own pair", arguments: allFormats)
func oddRegion(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 24, 18, padding: 3)
    let view = rb_pixels_view(
        left: 5, top: 3, width: 14, height: 12, resized_width: 6, resized_height: 5, crop_left: 0, crop_top: 0,
        output_width: 6, output_height: 5)
    #expect(try convert(frame, view) == convert(asRGB(frame), view))
}

@Test("resizing a camera format is resizing its RGB picture", arguments: allFormats)
func resizedFormat(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 47, 35)
    for size in [11, 80] as [Int32] {
        let view = rb_pixels_model_view(47, 35, size, size, size)
        #expect(try convert(frame, view) == convert(asRGB(frame), view))
    }
}

/// These sums change only when what a model sees changes: then models must be calibrated anew. FNV-1a, 64 bits.
private let fingerprints: [rb_pixels_format.RawValue: UInt64] = [
    RB_PIXELS_YUYV.rawValue: 10_900_458_691_372_314_081, RB_PIXELS_NV12.rawValue: 11_193_634_420_970_408_010,
    RB_PIXELS_RGB24.rawValue: 1_522_907_725_113_166_893, RB_PIXELS_GREY.rawValue: 10_086_092_815_566_984_385,
]

@Test("the bytes are the same on every processor", arguments: allFormats)
func fingerprint(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 640, 480)
    let quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0.485, 0.456, 0.406), std: (0.229, 0.224, 0.225), scale: 0.0187, zero_point: 114)
    let pixels = try convert(frame, rb_pixels_model_view(640, 480, 32, 32, 32), quantisation)
    let hash = pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    #expect(hash == fingerprints[format.rawValue])
}

@Test("a format is found by its fourcc, and only by its own")
func fourccs() {
    let expected = ["YUYV", "NV12", "RGB3", "GREY"]
    for (format, name) in zip(allFormats, expected) {
        let fourcc = rb_pixels_fourcc(Int32(format.rawValue))
        #expect(String(decoding: (0..<4).map { UInt8(truncatingIfNeeded: fourcc >> (8 * $0)) }, as: UTF8.self) == name)
        #expect(rb_pixels_format_of(fourcc) == format)
    }
    #expect(rb_pixels_fourcc(-1) == 0)
    #expect(rb_pixels_fourcc(Int32(RB_PIXELS_FORMAT_COUNT.rawValue)) == 0)
    #expect(rb_pixels_format_of(0x4745_504A) == RB_PIXELS_FORMAT_COUNT)  // "JPEG"
}

@Test(
    "a buffer one byte too short is refused",
    arguments: [
        (RB_PIXELS_YUYV, 640, 480, 1280, 614_400), (RB_PIXELS_YUYV, 640, 480, 1300, 479 * 1300 + 1280),
        (RB_PIXELS_NV12, 640, 480, 640, 460_800), (RB_PIXELS_NV12, 5, 3, 8, 3 * 8 + 8 + 6),
        (RB_PIXELS_GREY, 7, 3, 7, 21), (RB_PIXELS_RGB24, 7, 3, 24, 69),
    ] as [(rb_pixels_format, Int32, Int32, Int32, Int)])
func shortBuffer(format: rb_pixels_format, width: Int32, height: Int32, stride: Int32, bytes: Int) {
    let buffer = [UInt8](repeating: 0, count: bytes)
    var frame = rb_pixels_frame()
    #expect(rb_pixels_frame_in(format, width, height, stride, buffer, bytes, &frame))
    #expect(!rb_pixels_frame_in(format, width, height, stride, buffer, bytes - 1, &frame))
    let tooNarrow = rb_pixels_min_stride(Int32(format.rawValue), width) - 1
    #expect(!rb_pixels_frame_in(format, width, height, tooNarrow, buffer, bytes, &frame))
}
