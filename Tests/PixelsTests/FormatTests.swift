import Pixels
import Testing

let allFormats = (0..<RB_PIXELS_FORMAT_COUNT.rawValue).map { rb_pixels_format(rawValue: $0) }
/// Those with rows that Pixels converts itself.
let rawFormats = allFormats.filter { $0.rawValue < RB_PIXELS_MJPEG.rawValue }

extension rb_pixels_colour {
    static let all = [RB_PIXELS_BT601, RB_PIXELS_BT709].flatMap { matrix in
        [RB_PIXELS_RANGE_DEFAULT, RB_PIXELS_RANGE_LIMITED, RB_PIXELS_RANGE_FULL].map { range in
            rb_pixels_colour(matrix: matrix, range: range)
        }
    }
}

/// Y, U and V to RGB in double precision, from the definition by Kr and Kb; clamped, not rounded.
private func rgb(_ y: UInt8, _ u: UInt8, _ v: UInt8, _ colour: rb_pixels_colour) -> [Double] {
    let isFull = colour.range == RB_PIXELS_RANGE_FULL
    let luma = isFull ? Double(y) / 255 : (Double(y) - 16) / 219
    let (u, v) = ((Double(u) - 128) / (isFull ? 255 : 224), (Double(v) - 128) / (isFull ? 255 : 224))
    let (kr, kb) = colour.matrix == RB_PIXELS_BT709 ? (0.2126, 0.0722) : (0.299, 0.114)
    let red = luma + 2 * (1 - kr) * v
    let blue = luma + 2 * (1 - kb) * u
    let green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return [red, green, blue].map { 255 * min(max($0, 0), 1) }
}

/// Pixel (x, y) of a frame, from the definition of its format.
private func pixel(_ frame: Frame, _ x: Int, _ y: Int, _ colour: rb_pixels_colour) -> [Double] {
    let (pair, right) = (4 * (x / 2), 2 * (x % 2))
    func packed(_ first: Int, _ u: Int, _ v: Int) -> [Double] {
        rgb(frame.byte(0, y, pair + right + first), frame.byte(0, y, pair + u), frame.byte(0, y, pair + v), colour)
    }
    func pairs(_ u: Int, _ v: Int) -> [Double] {
        rgb(frame.byte(0, y, x), frame.byte(1, y / 2, x / 2 * 2 + u), frame.byte(1, y / 2, x / 2 * 2 + v), colour)
    }
    func planes(_ u: Int, _ v: Int) -> [Double] {
        rgb(frame.byte(0, y, x), frame.byte(u, y / 2, x / 2), frame.byte(v, y / 2, x / 2), colour)
    }
    func widened(_ value: Double) -> Double {
        colour.range == RB_PIXELS_RANGE_LIMITED ? 255 * min(max((value - 16) / 219, 0), 1) : value
    }
    func bytes(_ step: Int, _ offsets: Int...) -> [Double] {
        offsets.map { widened(Double(frame.byte(0, y, step * x + $0))) }
    }
    func word() -> Int { Int(frame.byte(0, y, 2 * x)) + 256 * Int(frame.byte(0, y, 2 * x + 1)) }
    func grey(_ value: Double) -> [Double] { Array(repeating: widened(value), count: 3) }

    switch frame.format {
    case RB_PIXELS_YUYV: return packed(0, 1, 3)
    case RB_PIXELS_YVYU: return packed(0, 3, 1)
    case RB_PIXELS_UYVY: return packed(1, 0, 2)
    case RB_PIXELS_VYUY: return packed(1, 2, 0)
    case RB_PIXELS_NV16, RB_PIXELS_NV61:
        let (u, v) = frame.format == RB_PIXELS_NV16 ? (0, 1) : (1, 0)
        return rgb(frame.byte(0, y, x), frame.byte(1, y, x / 2 * 2 + u), frame.byte(1, y, x / 2 * 2 + v), colour)
    case RB_PIXELS_NV12, RB_PIXELS_NV12M: return pairs(0, 1)
    case RB_PIXELS_NV21, RB_PIXELS_NV21M: return pairs(1, 0)
    case RB_PIXELS_YUV420, RB_PIXELS_YUV420M: return planes(1, 2)
    case RB_PIXELS_YVU420, RB_PIXELS_YVU420M: return planes(2, 1)
    case RB_PIXELS_RGB24: return bytes(3, 0, 1, 2)
    case RB_PIXELS_BGR24: return bytes(3, 2, 1, 0)
    case RB_PIXELS_XBGR32, RB_PIXELS_ABGR32, RB_PIXELS_BGR32: return bytes(4, 2, 1, 0)
    case RB_PIXELS_XRGB32, RB_PIXELS_ARGB32, RB_PIXELS_RGB32: return bytes(4, 1, 2, 3)
    case RB_PIXELS_BGRX32, RB_PIXELS_BGRA32: return bytes(4, 3, 2, 1)
    case RB_PIXELS_RGBX32, RB_PIXELS_RGBA32: return bytes(4, 0, 1, 2)
    case RB_PIXELS_RGB565:
        let parts = [(word() >> 11, 31), (word() >> 5 & 63, 63), (word() & 31, 31)]
        return parts.map { widened(255 * Double($0.0) / Double($0.1)) }
    case RB_PIXELS_GREY: return grey(Double(frame.byte(0, y, x)))
    case RB_PIXELS_Y10: return grey(Double(word() & 1023) / 4)
    case RB_PIXELS_Y16: return grey(Double(word()) / 256)
    default: fatalError("a format without a definition")
    }
}

/// How far a value may be from its definition: what 8 bits lose before limited range is widened is widened with it.
private func tolerance(_ format: rb_pixels_format, _ colour: rb_pixels_colour) -> Double {
    switch format {
    case RB_PIXELS_RGB565, RB_PIXELS_Y10, RB_PIXELS_Y16: colour.range == RB_PIXELS_RANGE_LIMITED ? 1.7 : 1
    default: 1
    }
}

@Test(
    "every format converts to RGB within one level of its definition, odd sizes and padded rows included",
    arguments: rawFormats, [(16, 8, 0), (17, 9, 0), (1, 1, 0), (33, 7, 5), (2, 5, 64)] as [(Int32, Int32, Int32)])
func colours(format: rb_pixels_format, size: (width: Int32, height: Int32, padding: Int32)) throws {
    let frame = Frame.noise(format, size.width, size.height, padding: size.padding)
    for colour in rb_pixels_colour.all {
        let rgb = try asRGB(frame, colour: colour)
        var furthest = 0.0
        for y in 0..<Int(size.height) {
            for x in 0..<Int(size.width) {
                for (channel, expected) in pixel(frame, x, y, colour).enumerated() {
                    let got = Double(rgb.bytes[3 * (y * Int(size.width) + x) + channel])
                    furthest = max(furthest, abs(got - expected))
                }
            }
        }
        #expect(furthest < tolerance(format, colour))
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

@Test("a region that starts on an odd column and row takes the chroma of its own pair", arguments: rawFormats)
func oddRegion(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 24, 18, padding: 3)
    let view = rb_pixels_view(
        left: 5, top: 3, width: 14, height: 12, resized_width: 6, resized_height: 5, crop_left: 0, crop_top: 0,
        output_width: 6, output_height: 5, pad_left: 0, pad_top: 0, pad_right: 0, pad_bottom: 0, quarter_turns: 0,
        is_mirrored: false)
    #expect(try convert(frame, view) == convert(asRGB(frame), view))
}

@Test("resizing a camera format is resizing its RGB picture", arguments: rawFormats)
func resizedFormat(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 47, 35)
    for size in [11, 80] as [Int32] {
        let view = rb_pixels_model_view(47, 35, RB_PIXELS_CROP, size, size, size)
        #expect(try convert(frame, view) == convert(asRGB(frame), view))
    }
}

/// These sums change only when what a model sees changes: then models must be calibrated anew. FNV-1a, 64 bits.
private let fingerprints: [rb_pixels_format.RawValue: UInt64] = [
    RB_PIXELS_YUYV.rawValue: 10_900_458_691_372_314_081, RB_PIXELS_NV12.rawValue: 11_193_634_420_970_408_010,
    RB_PIXELS_RGB24.rawValue: 1_522_907_725_113_166_893, RB_PIXELS_GREY.rawValue: 10_086_092_815_566_984_385,
]

@Test(
    "the bytes are the same on every processor",
    arguments: [RB_PIXELS_YUYV, RB_PIXELS_NV12, RB_PIXELS_RGB24, RB_PIXELS_GREY])
func fingerprint(format: rb_pixels_format) throws {
    let frame = Frame.noise(format, 640, 480)
    let quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0.485, 0.456, 0.406), std: (0.229, 0.224, 0.225), scale: 0.0187, zero_point: 114)
    let pixels = try convert(frame, rb_pixels_model_view(640, 480, RB_PIXELS_CROP, 32, 32, 32), quantisation)
    let hash = pixels.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    #expect(hash == fingerprints[format.rawValue])
}

@Test("limited range is widened before the channel values are quantised")
func widening() throws {
    let quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0.5, 0.5, 0.5), std: (0.25, 0.25, 0.25), scale: 0.02, zero_point: 128)
    let colour = rb_pixels_colour(matrix: RB_PIXELS_BT601, range: RB_PIXELS_RANGE_LIMITED)
    let frame = Frame(format: RB_PIXELS_GREY, width: 256, height: 1, stride: 256, bytes: Array(0...255))
    let got = try convert(frame, rb_pixels_view(whole: frame, resizedTo: 256, 1), quantisation, colour: colour)
    for value in 0..<256 {
        let part = min(max((Float(value) - 16) / 219, 0), 1)
        let expected = Int((((part - 0.5) / 0.25) / 0.02).rounded(.toNearestOrEven)) + 128
        #expect(Int(got[4 * value]) == min(max(expected, 0), 255))
    }
}

@Test("a format is found by its fourcc, and only by its own")
func fourccs() {
    let expected = [
        "YUYV", "UYVY", "YVYU", "VYUY", "NV16", "NV61", "NV12", "NV21", "YU12", "YV12", "NM12", "NM21", "YM12", "YM21",
        "RGB3", "BGR3",
        "XR24", "AR24", "BGR4", "BX24", "BA24", "RGB4", "RX24", "RA24", "XB24", "AB24", "RGBP", "GREY", "Y10 ", "Y16 ",
        "MJPG", "JPEG", "BA81", "GBRG", "GRBG", "RGGB", "pBAA", "pGAA", "pgAA", "pRAA", "BG10", "GB10", "BA10", "RG10",
        "BYR2", "GB16", "GR16", "RG16", "S680", "Y10B", "Y16\u{A0}", "M420", "S501", "S505", "S508", "CITV", "KONI",
        "S920",
    ]
    #expect(expected.count == allFormats.count)
    for (format, name) in zip(allFormats, expected) {
        let fourcc = rb_pixels_fourcc(Int32(format.rawValue))
        #expect(
            (0..<4).map { UInt8(truncatingIfNeeded: fourcc >> (8 * $0)) } == name.unicodeScalars.map { UInt8($0.value) }
        )
        #expect(rb_pixels_format_of(fourcc) == format)
    }
    #expect(rb_pixels_fourcc(-1) == 0)
    #expect(rb_pixels_fourcc(Int32(RB_PIXELS_FORMAT_COUNT.rawValue)) == 0)
    #expect(rb_pixels_format_of(0x3436_3248) == RB_PIXELS_FORMAT_COUNT)  // "H264"
}
