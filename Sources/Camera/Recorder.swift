import Pixels
import Platform

/// Writes frames as they are captured to a file that `Recording` reads.
///
/// A frame that cannot be written whole, as on a full disk, leaves no trace in the file; the next are tried again once a
/// second.
public struct Recorder: ~Copyable {
    private static var pause: UInt64 { 1_000_000_000 }

    /// Frames that are missing from the file.
    public private(set) var failures: UInt64 = 0
    /// Linux's error number (positive) while frames cannot be written; nil while they can.
    public private(set) var failure: Int32?
    private let descriptor: Int32
    /// Whether it is a device or a pipe, where what is written cannot be taken back.
    private let isStream: Bool
    /// Whether half a frame went there: nothing behind it could be read.
    private var isBroken = false
    /// Where the next frame begins; 0: the file has no header yet.
    private var end: UInt64 = 0
    private var nextAttempt: UInt64 = 0

    /// Makes a file, or empties one; devices and pipes are written to. `path` ends in zero.
    public init(path: UnsafePointer<CChar>) throws(RecordingError) {
        var file = rb_output_file()
        descriptor = rb_open_output(path, false, &file)
        guard descriptor >= 0 else { throw .unwritable(number: -descriptor) }
        isStream = !file.is_regular
        writeHeader()
    }

    deinit { rb_close(descriptor) }

    /// `geometry` is the frame's.
    public mutating func record(_ frame: borrowing Frame, _ geometry: FrameGeometry) {
        guard !isBroken, failure == nil || rb_clock_ns() >= nextAttempt else {
            failures += 1
            return
        }
        if end == 0 { writeHeader() }
        if end > 0 { write(frame, geometry) }
        if failure != nil { failures += 1 }
    }

    private mutating func writeHeader() {
        var header = InlineArray<64, UInt8>(repeating: 0)
        let magic: StaticString = "RBFRAMES"
        for index in 0..<8 { header[index] = magic.utf8Start[index] }
        header[8] = UInt8(RecordingLayout.version)
        var spans = InlineArray<7, rb_span>(repeating: rb_span())
        withUnsafeBytes(of: &header) {
            spans[0] = rb_span(bytes: $0.baseAddress, count: $0.count)
            write(&spans, 1)
        }
    }

    private mutating func write(_ frame: borrowing Frame, _ geometry: FrameGeometry) {
        let picture = frame.picture
        var recorded = RecordedFrame()
        (recorded.geometry, recorded.memoryCount) = (geometry, picture.memoryCount)
        (recorded.sequence, recorded.timestamp) = (frame.sequence, frame.timestamp)
        for index in 0..<picture.memoryCount {
            let memory = picture.memories[index]
            recorded.strides[index] = geometry.stride == 0 ? 0 : memory.stride
            recorded.bytes[index] = memory.bytes_used - memory.data_offset
        }
        var header = InlineArray<64, UInt8>(repeating: 0)
        var zeros = InlineArray<64, UInt8>(repeating: 0)
        var spans = InlineArray<7, rb_span>(repeating: rb_span())
        withUnsafeMutableBytes(of: &header) { header in
            withUnsafeBytes(of: &zeros) { zeros in
                recorded.write(to: header)
                spans[0] = rb_span(bytes: header.baseAddress, count: header.count)
                for index in 0..<picture.memoryCount {
                    let (memory, count) = (picture.memories[index], recorded.bytes[index])
                    spans[1 + 2 * index] = rb_span(bytes: memory.data + memory.data_offset, count: count)
                    spans[2 + 2 * index] = rb_span(
                        bytes: zeros.baseAddress, count: RecordingLayout.padded(count) - count)
                }
                write(&spans, 1 + 2 * picture.memoryCount)
            }
        }
    }

    /// Writes at the end of the file, all or nothing.
    private mutating func write(_ spans: inout InlineArray<7, rb_span>, _ count: Int) {
        let result = withUnsafeBytes(of: &spans) {
            let spans = $0.baseAddress!.assumingMemoryBound(to: rb_span.self)
            return isStream
                ? rb_write_spans_to_stream(descriptor, Self.pause, spans, Int32(count))
                : rb_write_spans(descriptor, end, spans, Int32(count))
        }
        if result >= 0 {
            end += UInt64(result)
            failure = nil
        } else {
            failure = Int32(-result)
            isBroken = isStream && failure != RB_EAGAIN
            nextAttempt = rb_clock_ns() + Self.pause
        }
    }
}
