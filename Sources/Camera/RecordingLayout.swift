import Pixels

// What a file of recorded frames looks like, for `Recording`, which reads it, and `Recorder`, which writes it.
//
// Little-endian. A file can be read at any length: a frame that it ends in is left out.
//
//     offset  bytes  field
//          0      8  "RBFRAMES"
//          8      4  version: 2
//         12     52  zero
//         64         the frames, one behind the other:
//
//          0      4  "FRAM"
//          4      4  V4L2 fourcc of a format that Pixels converts
//          8      4  width, pixels
//         12      4  height, pixels
//         16      4  colour: matrix (0 BT.601, 1 BT.709) + 16 * range (0 usual for the format, 1 limited, 2 full)
//         20      4  memories, 1...3: 1 but for formats whose planes have a memory each
//         24      4  sequence number
//         28      4  zero
//         32      8  time stamp, nanoseconds of the recording machine's monotonic clock
//         40     24  three times, zero for memories that there are not:
//                      4  stride: bytes from one row to the next, of the first plane in the memory; 0 if compressed
//                      4  bytes
//         64         the bytes of each memory, then zeros up to a multiple of 64
//
// | version | change |
// |---|---|
// | 2 | frames have sizes, formats, numbers and times of their own |
enum RecordingLayout {
    static var version: UInt32 { 2 }
    /// Of the file's header, and of that of each frame.
    static var headerBytes: Int { 64 }
    static var marker: UInt32 { 0x4D41_5246 }

    static func padded<Count: FixedWidthInteger>(_ bytes: Count) -> Count { (bytes + 63) & ~63 }
}

/// The header of a recorded frame.
struct RecordedFrame {
    var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    /// As it stands in the header, even where it is no format's.
    var fourcc: UInt32 = 0
    var memoryCount = 1
    var sequence: UInt32 = 0
    var timestamp: UInt64 = 0
    /// Of each memory.
    var strides = InlineArray<3, Int32>(repeating: 0)
    var bytes = InlineArray<3, Int>(repeating: 0)

    /// Those of the memories, with what fills them up. A damaged header can state more than an Int of 32 bits holds.
    var payloadBytes: Int64 {
        var sum: Int64 = 0
        for index in 0..<memoryCount { sum += RecordingLayout.padded(Int64(bytes[index])) }
        return sum
    }
}

extension RecordedFrame {
    /// What a frame holds apart from its pixels. nil where that is none of a recorder's.
    init?(_ header: UnsafeRawBufferPointer) {
        func field(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let colour = rb_pixels_colour(
            matrix: rb_pixels_matrix(field(16) & 15), range: rb_pixels_range(field(16) >> 4))
        guard field(0) == RecordingLayout.marker, colour.isKnown, (1...3).contains(field(20)),
            let width = Int32(exactly: field(8)), let height = Int32(exactly: field(12)),
            let stride = Int32(exactly: field(40))
        else { return nil }
        geometry = FrameGeometry(
            format: rb_pixels_format_of(field(4)), width: width, height: height, stride: stride, colour: colour)
        fourcc = field(4)
        memoryCount = Int(field(20))
        sequence = field(24)
        timestamp = UInt64(field(32)) | UInt64(field(36)) << 32
        for index in 0..<memoryCount {
            guard let stride = Int32(exactly: field(40 + 8 * index)),
                let bytes = Int32(exactly: field(44 + 8 * index))
            else { return nil }
            strides[index] = stride
            self.bytes[index] = Int(bytes)
        }
    }

    /// Writes the 64 bytes of the header.
    func write(to header: UnsafeMutableRawBufferPointer) {
        func set(_ offset: Int, _ value: UInt32) {
            header.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
        }
        for offset in stride(from: 0, to: RecordingLayout.headerBytes, by: 4) { set(offset, 0) }
        set(0, RecordingLayout.marker)
        set(4, rb_pixels_fourcc(Int32(geometry.format.rawValue)))
        set(8, UInt32(geometry.width))
        set(12, UInt32(geometry.height))
        set(16, geometry.colour.matrix.rawValue | geometry.colour.range.rawValue << 4)
        set(20, UInt32(memoryCount))
        set(24, sequence)
        set(32, UInt32(truncatingIfNeeded: timestamp))
        set(36, UInt32(truncatingIfNeeded: timestamp >> 32))
        for index in 0..<memoryCount {
            set(40 + 8 * index, UInt32(strides[index]))
            set(44 + 8 * index, UInt32(bytes[index]))
        }
    }
}

extension rb_pixels_colour {
    fileprivate var isKnown: Bool {
        matrix.rawValue <= RB_PIXELS_BT709.rawValue && range.rawValue <= RB_PIXELS_RANGE_FULL.rawValue
    }
}
