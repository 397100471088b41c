import ImageEncoders
import Images
import Pixels
import Testing

private typealias Factors = (horizontal: (UInt8, UInt8, UInt8), vertical: (UInt8, UInt8, UInt8))

/// The last takes the most memory that one scan can.
private let samplings: [Factors] = [
    ((1, 1, 1), (1, 1, 1)), ((2, 1, 1), (1, 1, 1)), ((2, 1, 1), (2, 1, 1)), ((1, 1, 1), (2, 1, 1)),
    ((4, 1, 1), (1, 1, 1)), ((2, 2, 1), (2, 1, 2)), ((1, 1, 1), (4, 4, 2)),
]

private func jpeg(_ picture: Frame, _ change: (inout rb_jpeg_form) -> Void = { _ in }) -> [UInt8] {
    var form = rb_jpeg_form()
    (form.horizontal, form.vertical) = ((2, 1, 1), (1, 1, 1))
    change(&form)
    return [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = rb_encode_jpeg_form(
            picture.bytes, picture.width, picture.height, &form, buffer.baseAddress, buffer.count)
    }
}

/// What classifying the file would begin with.
private func decoded(_ file: [UInt8], like picture: Frame) throws -> Frame {
    var frame = picture
    var message = [CChar](repeating: 0, count: Int(RB_IMAGE_MESSAGE_BYTES))
    try #require(
        rb_image_decode(file, file.count, false, &frame.bytes, frame.bytes.count, &message) == RB_IMAGE_OK)
    return frame
}

/// The decoder for frames of one size, kept from frame to frame, seeing them pixel by pixel unless a view is given.
private final class Decoder {
    private let size: (width: Int32, height: Int32)
    private let view: rb_pixels_view
    private let workspace: UnsafeMutableRawBufferPointer
    private var plan = rb_pixels_plan()

    init(_ width: Int32, _ height: Int32, _ view: rb_pixels_view? = nil) throws {
        size = (width, height)
        var view = view ?? rb_pixels_view(wholeWidth: width, height: height, resizedTo: width, height)
        self.view = view
        let bytes = rb_pixels_workspace_bytes(RB_PIXELS_MJPEG, width, height, &view)
        workspace = .allocate(byteCount: bytes + 64, alignment: 64)
        workspace.initializeMemory(as: UInt8.self, repeating: 0xA5)
        var quantisation = rb_pixels_quantisation.identity
        // JPEG pictures have a colour of their own.
        let colour = rb_pixels_colour(matrix: RB_PIXELS_BT709, range: RB_PIXELS_RANGE_LIMITED)
        try #require(
            rb_pixels_configure(
                &plan, RB_PIXELS_MJPEG, width, height, colour, &view, &quantisation, workspace.baseAddress))
    }

    deinit {
        #expect(workspace.suffix(64).allSatisfy { $0 == 0xA5 }, "bytes past the workspace changed")
        workspace.deallocate()
    }

    /// Of the frame decoded last.
    var header: rb_pixels_jpeg_header { rb_pixels_last_header(&plan) }

    /// nil where the frame is none. It ends where memory ends.
    func decode(_ file: some Collection<UInt8>) throws -> [UInt8]? {
        let memory = GuardedMemory(file, atEnd: true)
        var frame = rb_pixels_frame()
        guard rb_pixels_frame_in(RB_PIXELS_MJPEG, size.width, size.height, 0, memory.bytes, file.count, &frame) else {
            return nil
        }
        var output = [UInt8](repeating: 0, count: Int(view.output_width * view.output_height) * 4)
        return rb_pixels_run(&plan, &frame, &output) ? output : nil
    }
}

@Test("a JPEG frame gives the bits of the same file classified, whatever its sampling", arguments: samplings.indices)
func sameAsClassified(sampling: Int) throws {
    for (width, height) in [(64, 48), (131, 37), (17, 70), (1, 1)] as [(Int32, Int32)] {
        let picture = Frame.noise(RB_PIXELS_RGB24, width, height)
        for interval in [0, 1, 5] as [Int32] {
            let file = jpeg(picture) {
                ($0.horizontal, $0.vertical, $0.restart_interval) =
                    (samplings[sampling].horizontal, samplings[sampling].vertical, interval)
            }
            let expected = try decoded(file, like: picture)
            let whole = rb_pixels_view(wholeWidth: width, height: height, resizedTo: width, height)
            #expect(try Decoder(width, height).decode(file) == convert(expected, whole))
            // Only some columns and rows are needed, from any of them on.
            for left in stride(from: 0, to: width, by: 7) {
                let view = rb_pixels_view(
                    left: left, top: height / 3, width: min(width - left, 9), height: (height + 1) / 2,
                    resized_width: 3, resized_height: 5, crop_left: 0, crop_top: 1, output_width: 3, output_height: 4,
                    pad_left: 0, pad_top: 0,
                    pad_right: 0, pad_bottom: 0, quarter_turns: 0, is_mirrored: false)
                #expect(try Decoder(width, height, view).decode(file) == convert(expected, view))
            }
        }
    }
}

@Test("a grey JPEG frame is grey")
func greyJPEG() throws {
    let picture = Frame.noise(RB_PIXELS_RGB24, 40, 30)
    let file = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = rb_encode_jpeg(picture.bytes, 40, 30, 1, false, buffer.baseAddress, buffer.count)
    }
    let expected = try convert(
        decoded(file, like: picture), rb_pixels_view(whole: picture, resizedTo: picture.width, picture.height))
    #expect(try Decoder(40, 30).decode(file) == expected)
}

@Suite struct AJPEGFrame {
    private let picture = Frame.noise(RB_PIXELS_RGB24, 48, 32)

    @Test("may be followed by anything")
    func trailingBytes() throws {
        let file = jpeg(picture)
        let decoder = try Decoder(48, 32)
        let expected = try #require(try decoder.decode(file))
        #expect(try decoder.decode(file + Array(repeating: 0, count: 5000)) == expected)
        #expect(try decoder.decode(file + [0xFF, 0xD8, 0xFF, 0xD9, 0xFF, 0xDA]) == expected)
    }

    @Test("may leave out the usual Huffman tables")
    func withoutTables() throws {
        let file = jpeg(picture) { $0.omits_huffman_tables = true }
        #expect(file.count < jpeg(picture).count - 400)
        #expect(try Decoder(48, 32).decode(file) == Decoder(48, 32).decode(jpeg(picture)))
    }

    @Test("that was cut off anywhere is none, and leaves nothing behind", arguments: [0, 1, 5000])
    func truncated(padding: Int) throws {
        let file = jpeg(picture)
        let decoder = try Decoder(48, 32)
        let expected = try decoder.decode(file)
        let zeros = [UInt8](repeating: 0, count: padding)
        for count in 0..<(file.count - 2) { #expect(try decoder.decode(file.prefix(count) + zeros) == nil) }
        #expect(try decoder.decode(file) == expected)
    }

    @Test("that lacks only its end marker is whole, whatever fills its memory up", arguments: [0, 1, 5000])
    func withoutEnd(padding: Int) throws {
        let file = jpeg(picture)
        #expect(file.suffix(2) == [0xFF, 0xD9])
        let decoder = try Decoder(48, 32)
        let expected = try #require(try decoder.decode(file))
        #expect(!decoder.header.lacks_end)
        let zeros = [UInt8](repeating: 0, count: padding)
        for missing in [1, 2] where missing == 2 || padding == 0 {
            #expect(try decoder.decode(file.dropLast(missing) + zeros) == expected)
            #expect(decoder.header.lacks_end)
        }
        #expect(try decoder.decode(file) == expected)
        #expect(!decoder.header.lacks_end)
    }

    @Test("without its end marker may end in a byte of ones, behind which a zero belongs to the picture")
    func endsInOnes() throws {
        var found = 0
        for size in 1..<400 as Range<Int32> {
            let picture = Frame.noise(RB_PIXELS_RGB24, size, 8)
            let file = jpeg(picture)
            guard file.dropLast(2).suffix(2) == [0xFF, 0] else { continue }
            found += 1
            let decoder = try Decoder(size, 8)
            let expected = try #require(try decoder.decode(file))
            #expect(try decoder.decode(file.dropLast(2)) == expected)
            #expect(try decoder.decode(file.dropLast(2) + [0, 0, 0]) == expected)
        }
        #expect(found > 0)
    }

    @Test("does not borrow tables from the frame before")
    func nothingIsRemembered() throws {
        let file = jpeg(picture)
        // The quantisation tables stand in segments FF DB, length.
        var stripped: [UInt8] = []
        var index = 0
        while index < file.count {
            if index + 4 < file.count, file[index] == 0xFF, file[index + 1] == 0xDB {
                index += 2 + Int(file[index + 2]) * 256 + Int(file[index + 3])
            } else {
                stripped.append(file[index])
                index += 1
            }
        }
        #expect(stripped.count == file.count - 2 * 69)
        let decoder = try Decoder(48, 32)
        #expect(try decoder.decode(file) != nil)
        #expect(try decoder.decode(stripped) == nil)
    }

    @Test("of several scans is refused")
    func severalScans() throws {
        let progressive = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            count = rb_encode_jpeg(picture.bytes, 48, 32, 3, true, buffer.baseAddress, buffer.count)
        }
        #expect(try Decoder(48, 32).decode(progressive) == nil)
        #expect(try Decoder(48, 32).decode(jpeg(picture) { $0.separates_scans = true }) == nil)
    }

    @Test("of another size or kind is refused, and says of which size it is")
    func otherSize() throws {
        let file = jpeg(picture)
        for (width, height) in [(47, 32), (49, 32), (48, 31), (48, 33), (32, 48)] as [(Int32, Int32)] {
            let decoder = try Decoder(width, height)
            #expect(try decoder.decode(file) == nil)
            #expect(decoder.header.width == 48 && decoder.header.height == 32)
            #expect(try decoder.decode(file.prefix(10)) == nil)
            #expect(decoder.header.width == 0 && decoder.header.height == 0)
        }
        let samples = [UInt8](repeating: 100, count: 48 * 32 * 4)
        let inks = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            count = rb_encode_jpeg(samples, 48, 32, 4, false, buffer.baseAddress, buffer.count)
        }
        #expect(try Decoder(48, 32).decode(inks) == nil)
        #expect(try Decoder(48, 32).decode([UInt8](repeating: 0, count: 100)) == nil)
        #expect(try Decoder(48, 32).decode([0xFF, 0xD8, 0xFF, 0xD9]) == nil)
    }

    @Test("with damaged bytes is a picture or none, and the next one is whole")
    func damage() throws {
        let file = jpeg(picture)
        let decoder = try Decoder(48, 32)
        let expected = try decoder.decode(file)
        var noise = Noise()
        for index in file.indices {
            var damaged = file
            damaged[index] ^= noise.next() | 1
            _ = try decoder.decode(damaged)
        }
        #expect(try decoder.decode(file) == expected)
    }
}

@Test(
    "a compressed frame has no stride, one memory and at least one byte", arguments: [RB_PIXELS_MJPEG, RB_PIXELS_JPEG])
func compressedFrame(format: rb_pixels_format) {
    let number = Int32(format.rawValue)
    #expect(
        rb_pixels_is_compressed(number) && rb_pixels_min_stride(number, 640) == 0 && rb_pixels_memories(number) == 1)
    var frame = rb_pixels_frame()
    let bytes: [UInt8] = [1, 2, 3]
    #expect(rb_pixels_frame_in(format, 640, 480, 0, bytes, 3, &frame) && frame.bytes == 3)
    #expect(!rb_pixels_frame_in(format, 640, 480, 0, bytes, 0, &frame))
    let memory = bytes.withUnsafeBufferPointer {
        rb_pixels_memory(data: $0.baseAddress, bytes_used: 3, data_offset: 2, stride: 0)
    }
    #expect(rb_pixels_frame_in_memories(format, 640, 480, [memory], 1, &frame) && frame.bytes == 1)
}
