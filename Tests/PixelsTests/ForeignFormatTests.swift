import Pixels
import Testing

private func format(_ name: String) throws -> rb_pixels_format {
    let fourcc = name.unicodeScalars.reversed().reduce(UInt32(0)) { $0 << 8 | $1.value }
    let found = rb_pixels_format_of(fourcc)
    try #require(found.rawValue >= RB_PIXELS_FOREIGN.rawValue && found != RB_PIXELS_FORMAT_COUNT)
    return found
}

/// How a mosaic holds its values.
enum Depth {
    case eight, ten, tenPacked, sixteen

    func bytes(_ row: [UInt8]) -> [UInt8] {
        switch self {
        case .eight: row
        case .ten: row.flatMap { [$0 << 2, $0 >> 6] }
        case .tenPacked: stride(from: 0, to: row.count, by: 4).flatMap { Array(row[$0..<$0 + 4]) + [0] }
        case .sixteen: row.flatMap { [0, $0] }
        }
    }
}

private let mosaics: [(fourcc: String, pattern: String, depth: Depth)] = [
    ("BA81", "BGGR", .eight), ("GBRG", "GBRG", .eight), ("GRBG", "GRBG", .eight), ("RGGB", "RGGB", .eight),
    ("pBAA", "BGGR", .tenPacked), ("pGAA", "GBRG", .tenPacked), ("pgAA", "GRBG", .tenPacked),
    ("pRAA", "RGGB", .tenPacked), ("BG10", "BGGR", .ten), ("GB10", "GBRG", .ten), ("BA10", "GRBG", .ten),
    ("RG10", "RGGB", .ten), ("BYR2", "BGGR", .sixteen), ("GB16", "GBRG", .sixteen), ("GR16", "GRBG", .sixteen),
    ("RG16", "RGGB", .sixteen),
]

@Test("a mosaic of one colour is that colour, padded rows included", arguments: mosaics.indices)
func mosaic(index: Int) throws {
    let (fourcc, pattern, depth) = mosaics[index]
    let (width, height) = (24, 20)
    let colour: [Character: UInt8] = ["R": 200, "G": 100, "B": 50]
    let cells = Array(pattern)
    let padding = 6
    let rows = (0..<height).map { y in depth.bytes((0..<width).map { x in colour[cells[y % 2 * 2 + x % 2]]! }) }
    let bytes = rows.flatMap { $0 + Array(repeating: 0xEE, count: padding) }
    let frame = Frame(
        format: try format(fourcc), width: 24, height: 20, stride: Int32(rows[0].count + padding), bytes: bytes)
    #expect(rb_pixels_min_stride(Int32(frame.format.rawValue), 24) == Int32(rows[0].count))
    // A mosaic is neither Y nor RGB: no range is widened.
    let limited = rb_pixels_colour(matrix: RB_PIXELS_BT601, range: RB_PIXELS_RANGE_LIMITED)
    for meaning in [rb_pixels_colour(), limited] {
        let rgb = try asRGB(frame, colour: meaning)
        for (index, value) in rgb.bytes.enumerated() { #expect(abs(Int(value) - [200, 100, 50][index % 3]) <= 1) }
    }
    #expect(frame.bytes == bytes)
}

@Test("two rows of Y, then one of U V pairs, are the picture of the planes", arguments: rb_pixels_colour.all.indices)
func interleavedRows(colour: Int) throws {
    let planar = Frame.noise(RB_PIXELS_NV12, 32, 16)
    let bytes = stride(from: 0, to: 16, by: 2).flatMap { y in
        (0..<3).flatMap { row in (0..<32).map { row < 2 ? planar.byte(0, y + row, $0) : planar.byte(1, y / 2, $0) } }
    }
    let frame = Frame(format: try format("M420"), width: 32, height: 16, stride: 32, bytes: bytes)
    let view = rb_pixels_view(
        left: 5, top: 3, width: 20, height: 12, resized_width: 7, resized_height: 6, crop_left: 0, crop_top: 0,
        output_width: 7, output_height: 6, pad_left: 0, pad_top: 0, pad_right: 0, pad_bottom: 0, quarter_turns: 1,
        is_mirrored: false)
    let meaning = rb_pixels_colour.all[colour]
    #expect(try convert(frame, view, colour: meaning) == convert(planar, view, colour: meaning))
}

@Test("other formats of grey are grey")
func otherGreys() throws {
    let values = (0..<16 * 16).map { UInt8($0 * 37 % 256) }
    let bigEndian = Frame(
        format: try format("Y16\u{A0}"), width: 16, height: 16, stride: 32, bytes: values.flatMap { [$0, 0] })
    let packed = stride(from: 0, to: values.count, by: 4).flatMap { index -> [UInt8] in
        let bits = values[index..<index + 4].reduce(UInt64(0)) { $0 << 10 | UInt64($1) << 2 }
        return (0..<5).map { UInt8(truncatingIfNeeded: bits >> (8 * (4 - $0))) }
    }
    for frame in [
        bigEndian, Frame(format: try format("Y10B"), width: 16, height: 16, stride: 20, bytes: packed),
    ] {
        let rgb = try asRGB(frame)
        for (index, value) in values.enumerated() {
            #expect(rgb.bytes[3 * index..<3 * index + 3].allSatisfy { abs(Int($0) - Int(value)) <= 1 })
        }
    }
}

private let foreignFormats = allFormats.filter { $0.rawValue >= RB_PIXELS_FOREIGN.rawValue }

@Test(
    "nothing outside the bytes of any of these frames is read, and one byte fewer is refused", arguments: foreignFormats
)
func guardedForeignFrame(format: rb_pixels_format) throws {
    for (width, height) in [(16, 16), (48, 32), (640, 480)] as [(Int32, Int32)] {
        let stride = rb_pixels_min_stride(Int32(format.rawValue), width)
        var rows = Int(height)
        var description = rb_pixels_frame()
        let page: [UInt8] = [0]
        // The pointer is not followed until the frame is run.
        while !rb_pixels_frame_in(format, width, height, stride, page, Int(stride) * rows, &description) { rows += 1 }
        #expect(!rb_pixels_frame_in(format, width, height, stride, page, Int(stride) * rows - 1, &description))
        var noise = Noise()
        let frame = Frame(
            format: format, width: width, height: height, stride: stride,
            bytes: (0..<Int(stride) * rows).map { _ in noise.next() })
        let memory = GuardedMemory(frame.bytes, atEnd: true)
        try #require(
            rb_pixels_frame_in(format, width, height, stride, memory.bytes, frame.bytes.count, &description))
        let view = rb_pixels_model_view(width, height, RB_PIXELS_CROP, 8, 8, 8)
        let first = try convert(description, of: frame, view, .identity, colour: rb_pixels_colour())
        #expect(try convert(description, of: frame, view, .identity, colour: rb_pixels_colour()) == first)
    }
}

@Test("sizes that libv4lconvert does not round are refused", arguments: foreignFormats)
func refusedForeignSizes(format: rb_pixels_format) {
    for (width, height) in [(15, 16), (16, 15), (17, 16), (16, 17), (14, 14), (0, 16), (16386, 16)] as [(Int32, Int32)]
    {
        let bytes: [UInt8] = [0]
        var frame = rb_pixels_frame()
        #expect(!rb_pixels_frame_in(format, width, height, 100_000, bytes, .max / 2, &frame))
        var view = rb_pixels_model_view(width, height, RB_PIXELS_CROP, 8, 8, 8)
        #expect(rb_pixels_workspace_bytes(format, width, height, &view) == 0)
    }
}
