import Pixels
import Platform

/// Why a file of recorded frames cannot be replayed, or written.
public enum RecordingError: Error, Equatable, Sendable {
    /// Linux's error number (positive).
    case unreadable(number: Int32)
    case unwritable(number: Int32)
    case notARecording
    case unsupportedVersion(UInt32)
    case unknownFormat(frame: UInt32, fourcc: UInt32)
    /// What a frame says about itself makes no sense.
    case damaged(frame: UInt32)
    case noFrames
    /// Somebody wrote to the file while it was replayed: what comes next may be anything.
    case changed
}

/// Frames from a file, as a camera gave them: the same surface as a camera, and the same pixels bit for bit.
/// RecordingLayout.swift describes the file.
///
/// One frame at a time is in memory, in a copy of its own. Whatever happens to the file meanwhile, no frame is delivered that
/// was not there when it was opened: where somebody has written to it, the replay fails.
public struct Recording: FrameSource, ~Copyable {
    public private(set) var geometry: FrameGeometry
    public private(set) var generation: UInt32 = 1
    public let mode: CaptureMode? = nil
    public let status = SourceStatus.streaming
    public private(set) var counters = CaptureCounters()
    public let lastRecovery: Recovery? = nil
    public private(set) var failure: SourceFailure?
    public let frameCount: UInt32
    /// The bytes of a frame that the file ends in; 0 where it ends behind one.
    public let cutBytes: Int
    private let loops: Bool
    private let descriptor: Int32
    private let state: rb_file_state
    /// Holds the payload of any of the frames.
    private let memory: rb_memory
    /// Of the next frame.
    private var offset = UInt64(RecordingLayout.headerBytes)
    /// Behind the last whole frame.
    private let end: UInt64
    private let firstSequence: UInt32
    private var lastSequence: UInt32 = 0
    /// To recorded sequence numbers.
    private var added: UInt32 = 0

    /// `path` ends in zero and lives as long as the program. `loops`: after the last frame comes the first again, and the
    /// numbers go on.
    public init(path: UnsafePointer<CChar>, loops: Bool = false) throws(RecordingError) {
        var state = rb_file_state()
        let descriptor = rb_open_input(path, &state)
        guard descriptor >= 0 else { throw .unreadable(number: -descriptor) }
        var memory = rb_memory()
        let contents: Contents
        do throws(RecordingError) {
            contents = try Contents(of: descriptor, bytes: state.count)
            let result = rb_map_memory(max(contents.mostPayloadBytes, 1), &memory)
            guard result == 0 else { throw .unreadable(number: -result) }
        } catch {
            rb_close(descriptor)
            throw error
        }
        (geometry, frameCount, firstSequence) = (contents.geometry, contents.frameCount, contents.firstSequence)
        end = contents.end
        cutBytes = Int(clamping: state.count - end)
        self.descriptor = descriptor
        self.state = state
        self.memory = memory
        self.loops = loops
    }

    deinit {
        var memory = memory
        rb_unmap(&memory)
        rb_close(descriptor)
    }

    /// Frames follow each other without waiting, whatever the deadline. Their time is that of the replay.
    public mutating func next(deadline: UInt64) -> Delivery {
        guard failure == nil, !rb_stop_requested() else { return .ended }
        if loops && offset == end { rewind() }
        guard offset < end else { return .ended }
        let header: RecordedFrame
        let picture: Picture
        do throws(RecordingError) {
            (header, picture) = try read()
        } catch {
            failure = .recording(error)
            return .ended
        }
        offset += UInt64(RecordingLayout.headerBytes) + UInt64(header.payloadBytes)
        if header.geometry != geometry {
            geometry = header.geometry
            generation &+= 1
        }
        counters.delivered += 1
        lastSequence = header.sequence &+ added
        return .frame(Frame(picture: picture, sequence: lastSequence, timestamp: rb_clock_ns(), buffer: 0, stream: 0))
    }

    /// The frame at `offset`, in memory.
    private func read() throws(RecordingError) -> (RecordedFrame, Picture) {
        guard let header = try RecordedFrame(at: offset, in: descriptor), header.payloadBytes <= memory.count else {
            throw .changed
        }
        let count = Int(header.payloadBytes)
        let got = rb_read_at(descriptor, offset + UInt64(RecordingLayout.headerBytes), memory.bytes, count)
        guard got >= 0 else { throw .unreadable(number: Int32(-got)) }
        // Looked at only now: what was read is what was there before.
        var now = rb_file_state()
        guard got == count, rb_file_state_of(descriptor, &now) == 0, now == state,
            let picture = header.picture(in: UnsafePointer(memory.bytes))
        else { throw .changed }
        return (header, picture)
    }

    /// The first frame's number becomes the one behind the last's.
    private mutating func rewind() {
        offset = UInt64(RecordingLayout.headerBytes)
        added = lastSequence &+ 1 &- firstSequence
    }

    public mutating func release(_ frame: consuming Frame) {}

    public mutating func reportUndecodable() { counters[.undecodableFrame] += 1 }

    public mutating func stop() {}
}

extension rb_file_state {
    fileprivate static func == (a: rb_file_state, b: rb_file_state) -> Bool {
        a.count == b.count && a.changed_s == b.changed_s && a.changed_ns == b.changed_ns
    }
}

extension RecordedFrame {
    /// Reads a header. nil where it makes no sense, or the file ends in it.
    fileprivate init?(at offset: UInt64, in descriptor: Int32) throws(RecordingError) {
        var header = InlineArray<64, UInt8>(repeating: 0)  // RecordingLayout.headerBytes
        let got = withUnsafeMutableBytes(of: &header) { rb_read_at(descriptor, offset, $0.baseAddress, $0.count) }
        guard got >= 0 else { throw .unreadable(number: Int32(-got)) }
        guard got == header.count, let frame = withUnsafeBytes(of: &header, { RecordedFrame($0) }) else { return nil }
        self = frame
    }

    /// The picture in memory that holds the payload, or will; nil where it makes none.
    fileprivate func picture(in payload: UnsafePointer<UInt8>?) -> Picture? {
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        var start = 0
        for index in 0..<memoryCount {
            memories[index] = rb_pixels_memory(
                data: payload.map { $0 + start }, bytes_used: bytes[index], data_offset: 0, stride: strides[index])
            start += RecordingLayout.padded(bytes[index])
        }
        return Picture(of: geometry, in: memories, count: memoryCount)
    }
}

/// What a file holds, checked from its beginning to its end.
private struct Contents {
    var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    var frameCount: UInt32 = 0
    var firstSequence: UInt32 = 0
    var mostPayloadBytes = 0
    /// Where the last whole frame ends.
    var end = UInt64(RecordingLayout.headerBytes)

    init(of descriptor: Int32, bytes count: UInt64) throws(RecordingError) {
        try Self.checkHeader(of: descriptor)
        let headerBytes = UInt64(RecordingLayout.headerBytes)
        while count - end >= headerBytes {
            guard let header = try RecordedFrame(at: end, in: descriptor) else { throw .damaged(frame: frameCount) }
            guard header.geometry.format != RB_PIXELS_FORMAT_COUNT else {
                throw .unknownFormat(frame: frameCount, fourcc: header.fourcc)
            }
            guard count - end - headerBytes >= UInt64(header.payloadBytes) else { break }
            // No pixel is looked at.
            guard let bytes = Int(exactly: header.payloadBytes), header.picture(in: nil) != nil else {
                throw .damaged(frame: frameCount)
            }
            if frameCount == 0 { (geometry, firstSequence) = (header.geometry, header.sequence) }
            frameCount += 1
            mostPayloadBytes = max(mostPayloadBytes, bytes)
            end += headerBytes + UInt64(bytes)
        }
        guard frameCount > 0 else { throw .noFrames }
    }

    private static func checkHeader(of descriptor: Int32) throws(RecordingError) {
        var header = InlineArray<64, UInt8>(repeating: 0)  // RecordingLayout.headerBytes
        let got = withUnsafeMutableBytes(of: &header) { rb_read_at(descriptor, 0, $0.baseAddress, $0.count) }
        guard got >= 0 else { throw .unreadable(number: Int32(-got)) }
        let version = try withUnsafeBytes(of: &header) { header throws(RecordingError) in
            func field(_ offset: Int) -> UInt32 {
                UInt32(littleEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            }
            guard got == header.count, field(0) == 0x5246_4252, field(4) == 0x5345_4D41 else { throw .notARecording }
            return field(8)
        }
        guard version == RecordingLayout.version else { throw .unsupportedVersion(version) }
    }
}
