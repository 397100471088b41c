import Pixels
import Testing

/// A row of 16-bit brightness.
private func row(_ values: [Int]) -> Frame {
    Frame(
        format: RB_PIXELS_Y16, width: Int32(values.count), height: 1, stride: 2 * Int32(values.count),
        bytes: values.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
}

/// The grey of each of its pixels, from column `left` on.
private func greys(_ values: [Int], _ levels: rb_pixels_levels, left: Int32 = 0) throws -> [Int] {
    let frame = row(values)
    var view = rb_pixels_view(whole: frame, resizedTo: frame.width - left, 1)
    (view.left, view.width) = (left, frame.width - left)
    let pixels = try convert(frame, view, levels: levels)
    return stride(from: 0, to: pixels.count, by: 4).map { pixel in
        #expect(pixels[pixel] == pixels[pixel + 1] && pixels[pixel] == pixels[pixel + 2])
        return Int(pixels[pixel])
    }
}

private func fixed(_ low: UInt16, _ high: UInt16) -> rb_pixels_levels {
    rb_pixels_levels(kind: RB_PIXELS_LEVELS_FIXED, low: low, high: high)
}

private let automatic = rb_pixels_levels(kind: RB_PIXELS_LEVELS_AUTOMATIC, low: 0, high: 0)

@Suite struct LevelsOfBrightness {
    @Test(arguments: [(0, 1), (7600, 8700), (100, 355), (0, 65535), (65534, 65535)] as [(UInt16, UInt16)])
    func ofAFixedRangeAreItsShareRounded(low: UInt16, high: UInt16) throws {
        let (low16, high16) = (Int(low), Int(high))
        var values = Array(Swift.stride(from: low16, through: high16, by: max((high16 - low16) / 5000, 1)))
        values += [0, 65535, max(low16 - 1, 0), min(high16 + 1, 65535)]
        let expected = values.map { value in
            let share = 255 * Double(min(max(value, low16), high16) - low16) / Double(high16 - low16)
            return Int(share.rounded())
        }
        #expect(try greys(values, fixed(low, high)) == expected)
    }

    @Test func ofAnEmptyRangeAreRefused() {
        var plan = rb_pixels_plan()
        #expect(!rb_pixels_set_levels(&plan, fixed(5, 5)) && !rb_pixels_set_levels(&plan, fixed(6, 5)))
        #expect(rb_pixels_set_levels(&plan, fixed(5, 6)))
    }

    @Test func thatAreAutomaticLeaveAThousandthOut() throws {
        // Of 4000 pixels, 4 on either side may be anything.
        var values = (0..<4000).map { 8000 + $0 % 500 }
        let plain = try greys(values, automatic)
        for index in 0..<4 { (values[500 * index], values[500 * index + 499]) = (0, 65535) }
        let withDeadPixels = try greys(values, automatic)
        #expect(plain == (0..<4000).map { Int((255 * Double($0 % 500) / 499).rounded()) })
        for (index, grey) in withDeadPixels.enumerated() where (8000...8499).contains(values[index]) {
            #expect(grey == plain[index])
        }
    }

    @Test func thatAreAutomaticAreThoseOfWhatIsSeen() throws {
        #expect(try greys([0, 65535, 5000, 5100, 5200], automatic, left: 2) == [0, 128, 255])
    }

    @Test(arguments: [0, 3, 32, 4000, 65520, 65535])
    func ofAnEvenPictureMakeNoNoise(value: Int) throws {
        let values = (0..<64).map { min(value + $0 % 4, 65535) }
        let grey = try greys(values, automatic)
        #expect(grey.max()! - grey.min()! <= 255 * 3 / 64 + 1)
    }

    @Test func areAskedOf16BitBrightnessAlone() throws {
        var (low, high) = (UInt16(0), UInt16(0))
        for format in [RB_PIXELS_Y16, RB_PIXELS_Y10, RB_PIXELS_YUYV] {
            var frame = Frame.noise(format, 4, 1)
            frame.bytes = [1, 2, 200, 1, 0, 9, 7, 0]
            var view = rb_pixels_view(whole: frame, resizedTo: 4, 1)
            var quantisation = rb_pixels_quantisation.identity
            let bytes = rb_pixels_workspace_bytes(format, 4, 1, &view)
            let workspace = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
            defer { workspace.deallocate() }
            var plan = rb_pixels_plan()
            try #require(
                rb_pixels_configure(
                    &plan, format, 4, 1, rb_pixels_colour(), &view, &quantisation, workspace.baseAddress))
            var description = rb_pixels_frame()
            try frame.bytes.withUnsafeBufferPointer {
                try #require(rb_pixels_frame_in(format, 4, 1, 8, $0.baseAddress, 8, &description))
                #expect(rb_pixels_used_levels(&plan, &description, &low, &high) == (format == RB_PIXELS_Y16))
            }
        }
        #expect(low == 7 && high == 0x900)
    }
}
