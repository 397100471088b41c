import Pixels
import Testing

/// The triangle filter along one axis, straight from its definition in double precision.
private func weights(from source: Int, to resized: Int, at output: Int) -> [(index: Int, weight: Double)] {
    let scale = Double(source) / Double(resized)
    let radius = max(1, scale)
    let centre = (Double(output) + 0.5) * scale
    let all = (0..<source).map { (index: $0, weight: max(0, 1 - abs(Double($0) + 0.5 - centre) / radius)) }
    let total = all.reduce(0) { $0 + $1.weight }
    return all.filter { $0.weight > 0 }.map { ($0.index, $0.weight / total) }
}

/// What the view of an RGB24 frame is in real numbers: `[y][x][channel]` without the fourth byte.
private func reference(_ frame: Frame, _ view: rb_pixels_view) -> [Double] {
    var result: [Double] = []
    let columns = (0..<Int(view.output_width)).map {
        weights(from: Int(view.width), to: Int(view.resized_width), at: $0 + Int(view.crop_left))
    }
    for y in 0..<Int(view.output_height) {
        let rows = weights(from: Int(view.height), to: Int(view.resized_height), at: y + Int(view.crop_top))
        for column in columns {
            for channel in 0..<3 {
                var sum = 0.0
                for (row, rowWeight) in rows {
                    for (x, weight) in column {
                        let pixel = (row + Int(view.top)) * Int(frame.stride) + 3 * (x + Int(view.left))
                        sum += rowWeight * weight * Double(frame.bytes[pixel + channel])
                    }
                }
                result.append(sum)
            }
        }
    }
    return result
}

private func channels(_ pixels: [UInt8]) -> [UInt8] {
    pixels.enumerated().filter { $0.offset % 4 != 3 }.map(\.element)
}

@Test(
    "resizing is within rounding of the triangle filter in double precision",
    arguments: [
        (40, 30, 10, 8), (33, 21, 7, 5), (64, 48, 32, 32), (17, 13, 16, 12), (6, 5, 23, 31), (1, 1, 4, 3),
        (5, 1, 3, 9), (1, 300, 2, 2), (300, 2, 1, 1), (31, 9, 31, 4),
    ] as [(Int32, Int32, Int32, Int32)])
func triangle(width: Int32, height: Int32, outputWidth: Int32, outputHeight: Int32) throws {
    let frame = Frame.noise(RB_PIXELS_RGB24, width, height)
    let view = rb_pixels_view(whole: frame, resizedTo: outputWidth, outputHeight)
    let got = channels(try convert(frame, view))
    // 0.5 for the one rounding at the end, the rest for weights of 14 bits.
    for (got, expected) in zip(got, reference(frame, view)) { #expect(abs(Double(got) - expected) < 0.6) }
}

@Test("a window of a resized region equals the same pixels of the whole resized region")
func window() throws {
    let frame = Frame.noise(RB_PIXELS_RGB24, 61, 47)
    let region = rb_pixels_view(
        left: 7, top: 5, width: 50, height: 40, resized_width: 20, resized_height: 16, crop_left: 0, crop_top: 0,
        output_width: 20, output_height: 16, pad_left: 0, pad_top: 0, pad_right: 0, pad_bottom: 0, quarter_turns: 0,
        is_mirrored: false)
    var part = region
    (part.crop_left, part.crop_top, part.output_width, part.output_height) = (3, 4, 9, 11)
    let whole = try convert(frame, region)
    let window = try convert(frame, part)
    for y in 0..<11 {
        for byte in 0..<(9 * 4) { #expect(window[y * 9 * 4 + byte] == whole[((y + 4) * 20 + 3) * 4 + byte]) }
    }
    for (got, expected) in zip(channels(whole), reference(frame, region)) { #expect(abs(Double(got) - expected) < 0.6) }
}

@Test(
    "a turned and mirrored view is the upright one, turned, then mirrored", arguments: 0..<4 as Range<Int32>,
    [false, true])
func turned(quarterTurns: Int32, isMirrored: Bool) throws {
    let frame = Frame.noise(RB_PIXELS_YUYV, 61, 47)
    var view = rb_pixels_view(
        left: 7, top: 5, width: 50, height: 40, resized_width: 20, resized_height: 16, crop_left: 3, crop_top: 2,
        output_width: 13, output_height: 7, pad_left: 0, pad_top: 0, pad_right: 0, pad_bottom: 0, quarter_turns: 0,
        is_mirrored: false)
    let upright = try convert(frame, view)
    (view.quarter_turns, view.is_mirrored) = (quarterTurns, isMirrored)
    let turned = try convert(frame, view)
    let (width, height) = (13, 7)
    for y in 0..<height {
        for x in 0..<width {
            var (column, row, columns) = (x, y, width)
            switch quarterTurns {
            case 1: (column, row, columns) = (height - 1 - y, x, height)
            case 2: (column, row) = (width - 1 - x, height - 1 - y)
            case 3: (column, row, columns) = (y, width - 1 - x, height)
            default: break
            }
            if isMirrored { column = columns - 1 - column }
            let (from, to) = (4 * (y * width + x), 4 * (row * columns + column))
            #expect(upright[from..<from + 4] == turned[to..<to + 4])
        }
    }
}

@Test("equal sizes are the exact identity", arguments: [(1, 1), (2, 3), (32, 32), (37, 19)] as [(Int32, Int32)])
func identity(width: Int32, height: Int32) throws {
    let frame = Frame.noise(RB_PIXELS_RGB24, width, height)
    #expect(channels(try convert(frame, rb_pixels_view(whole: frame, resizedTo: width, height))) == frame.bytes)
}

@Test("a picture of one colour keeps it exactly at every size", arguments: [3, 32, 100, 333] as [Int32])
func constant(size: Int32) throws {
    let frame = Frame.rgb(97, 53) { _, _, channel in [0, 255, 131][channel] }
    let pixels = try convert(frame, rb_pixels_view(whole: frame, resizedTo: size, size))
    #expect(pixels == Array(repeating: [0, 255, 131, 0], count: Int(size * size)).flatMap { $0 })
}

/// What Pillow 13.0 makes of `picture` with `Image.resize(size, Image.BILINEAR)`.
private let pillow: [(from: (Int32, Int32), to: (Int32, Int32), values: [UInt8])] = [
    (
        (13, 9), (4, 3),
        [
            107, 143, 122, 118, 137, 148, 101, 137, 158, 130, 124, 144,
            113, 134, 146, 113, 146, 161, 128, 127, 151, 145, 115, 138,
            139, 121, 136, 122, 116, 137, 121, 106, 148, 133, 121, 132,
        ]
    ),
    (
        (5, 4), (7, 6),
        [
            0, 53, 106, 21, 74, 127, 69, 122, 175, 148, 201, 254, 97, 150, 203, 78, 131, 184, 80, 133, 186,
            46, 99, 152, 75, 128, 108, 97, 150, 111, 95, 148, 201, 146, 107, 160, 119, 99, 152, 56, 109, 162,
            106, 159, 169, 122, 175, 88, 115, 168, 56, 66, 119, 129, 192, 92, 103, 166, 79, 108, 66, 76, 129,
            167, 220, 60, 97, 150, 86, 78, 131, 93, 165, 218, 58, 183, 206, 45, 196, 133, 64, 203, 43, 96,
            100, 153, 78, 89, 142, 140, 97, 150, 166, 137, 190, 115, 138, 191, 116, 171, 169, 94, 214, 139, 64,
            17, 70, 123, 88, 141, 194, 124, 177, 230, 83, 136, 189, 94, 147, 200, 138, 191, 134, 189, 242, 39,
        ]
    ),
]

@Test("resizing agrees with Pillow's within one level", arguments: 0..<2)
func agreesWithPillow(index: Int) throws {
    let example = pillow[index]
    let frame = Frame.rgb(example.from.0, example.from.1) { x, y, channel in
        UInt8((x * x * 37 + y * 91 + channel * 53 + x * y * 29) % 256)
    }
    let got = channels(try convert(frame, rb_pixels_view(whole: frame, resizedTo: example.to.0, example.to.1)))
    #expect(got.count == example.values.count)
    for (got, expected) in zip(got, example.values) { #expect(abs(Int(got) - Int(expected)) <= 1) }
}
