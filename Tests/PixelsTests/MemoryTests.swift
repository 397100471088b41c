import Foundation
import Pixels
import Testing

/// Memory whose last byte is followed, and whose first page is preceded, by a page that must not be touched.
final class GuardedMemory {
    private let start: UnsafeMutableRawPointer
    private let length: Int
    let bytes: UnsafeMutablePointer<UInt8>

    /// A copy of `contents`, at the end of the readable pages or at their beginning.
    init(_ contents: some Collection<UInt8>, atEnd: Bool) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let readable = (contents.count + page - 1) / page * page
        length = readable + 2 * page
        start = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        mprotect(start + page, readable, PROT_READ | PROT_WRITE)
        bytes = (start + page + (atEnd ? readable - contents.count : 0)).assumingMemoryBound(to: UInt8.self)
        for (index, byte) in contents.enumerated() { bytes[index] = byte }
    }

    deinit { munmap(start, length) }
}

/// The bytes of each plane of a frame, the padding behind its last row left out.
private func planeBytes(_ frame: Frame) -> [ArraySlice<UInt8>] {
    var offset = 0
    return planes(of: frame.format, frame.width, frame.height, frame.stride).map { plane in
        defer { offset += plane.stride * plane.rows }
        return frame.bytes[offset..<offset + plane.stride * (plane.rows - 1) + plane.used]
    }
}

private let sizes = [(17, 9, 3), (16, 8, 0), (1, 1, 0), (70, 5, 1)] as [(Int32, Int32, Int32)]

@Test("nothing outside a frame's bytes is read", arguments: rawFormats, sizes)
func guardedFrame(format: rb_pixels_format, size: (width: Int32, height: Int32, padding: Int32)) throws {
    let frame = Frame.noise(format, size.width, size.height, padding: size.padding)
    let lastPadding = planes(of: format, size.width, size.height, frame.stride).last!
    let contents = frame.bytes.dropLast(lastPadding.stride - lastPadding.used)
    let view = rb_pixels_view(whole: frame, resizedTo: size.width, size.height)
    let expected = try convert(frame, view)
    for atEnd in [true, false] {
        let memory = GuardedMemory(contents, atEnd: atEnd)
        var description = rb_pixels_frame()
        try #require(
            rb_pixels_frame_in(
                format, frame.width, frame.height, frame.stride, memory.bytes, contents.count, &description))
        let got = try convert(description, of: frame, view, .identity, colour: rb_pixels_colour())
        #expect(got == expected)
    }
}

@Test("planes in memories of their own, behind an offset, are the same picture", arguments: rawFormats, sizes)
func memories(format: rb_pixels_format, size: (width: Int32, height: Int32, padding: Int32)) throws {
    let frame = Frame.noise(format, size.width, size.height, padding: size.padding)
    let planes = planes(of: format, size.width, size.height, frame.stride)
    let count = Int(rb_pixels_memories(Int32(format.rawValue)))
    #expect(
        count
            == ([RB_PIXELS_NV12M, RB_PIXELS_NV21M, RB_PIXELS_YUV420M, RB_PIXELS_YVU420M].contains(format)
                ? planes.count : 1))
    let parts = count == 1 ? [frame.bytes.dropLast(planes.last!.stride - planes.last!.used)] : planeBytes(frame)
    let offsets = [5, 0, 64]
    let guarded = zip(parts, offsets).map { part, offset in
        GuardedMemory(Array(repeating: 0xA5, count: offset) + part, atEnd: true)
    }
    var memories = zip(guarded.indices, parts).map { index, part in
        rb_pixels_memory(
            data: guarded[index].bytes, bytes_used: offsets[index] + part.count, data_offset: offsets[index],
            stride: Int32(planes[index].stride))
    }
    func describe(_ frame: Frame, _ description: inout rb_pixels_frame) -> Bool {
        rb_pixels_frame_in_memories(
            format, frame.width, frame.height, memories, Int32(memories.count), &description)
    }
    var description = rb_pixels_frame()
    try #require(describe(frame, &description))
    let view = rb_pixels_view(whole: frame, resizedTo: size.width, size.height)
    #expect(
        try convert(description, of: frame, view, .identity, colour: rb_pixels_colour()) == convert(frame, view))

    for index in memories.indices {
        let whole = memories[index]
        memories[index].bytes_used -= 1
        #expect(!describe(frame, &description), "one byte is missing")
        memories[index] = whole
        memories[index].data_offset += 1
        #expect(!describe(frame, &description), "the offset leaves one byte too few")
        memories[index].data_offset = .max
        #expect(!describe(frame, &description))
        memories[index] = whole
        memories[index].stride = Int32(planes[index].used) - 1
        #expect(!describe(frame, &description), "rows would overlap")
        memories[index].stride = .min
        #expect(!describe(frame, &description))
        memories[index] = whole
    }
    memories.append(memories[0])
    #expect(!describe(frame, &description), "one memory too many")
    memories = []
    #expect(!describe(frame, &description))
}

@Test("a size out of range is no frame", arguments: rawFormats)
func impossibleSize(format: rb_pixels_format) {
    let memory = [UInt8](repeating: 0, count: 64)
    for (width, height) in [(0, 1), (1, 0), (-1, 1), (1, .min), (16385, 1), (1, 16385)] as [(Int32, Int32)] {
        var frame = rb_pixels_frame()
        #expect(!rb_pixels_frame_in(format, width, height, .max, memory, 64, &frame))
    }
    #expect(rb_pixels_memories(-1) == 0 && rb_pixels_memories(Int32(RB_PIXELS_FORMAT_COUNT.rawValue)) == 0)
}

@Test(
    "a buffer one byte too short is refused",
    arguments: [
        (RB_PIXELS_YUYV, 640, 480, 1280, 614_400), (RB_PIXELS_YUYV, 640, 480, 1300, 479 * 1300 + 1280),
        (RB_PIXELS_NV12, 640, 480, 640, 460_800), (RB_PIXELS_NV12, 5, 3, 8, 3 * 8 + 8 + 6),
        (RB_PIXELS_YUV420, 640, 480, 640, 460_800), (RB_PIXELS_YVU420, 5, 3, 8, 3 * 8 + 2 * 4 + 4 + 3),
        (RB_PIXELS_GREY, 7, 3, 7, 21), (RB_PIXELS_RGB24, 7, 3, 24, 69), (RB_PIXELS_XBGR32, 7, 3, 28, 84),
    ] as [(rb_pixels_format, Int32, Int32, Int32, Int)])
func shortBuffer(format: rb_pixels_format, width: Int32, height: Int32, stride: Int32, bytes: Int) {
    let buffer = [UInt8](repeating: 0, count: bytes)
    var frame = rb_pixels_frame()
    #expect(rb_pixels_frame_in(format, width, height, stride, buffer, bytes, &frame))
    #expect(!rb_pixels_frame_in(format, width, height, stride, buffer, bytes - 1, &frame))
    #expect(!rb_pixels_frame_in(format, width, height, stride, buffer, 0, &frame))
    let tooNarrow = rb_pixels_min_stride(Int32(format.rawValue), width) - 1
    #expect(!rb_pixels_frame_in(format, width, height, tooNarrow, buffer, bytes, &frame))
}
