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
}

/// Frames from a file, as a camera gave them: the same surface as a camera, and the same pixels bit for bit.
/// RecordingLayout.swift describes the file.
public struct Recording: FrameSource, ~Copyable {
    public private(set) var geometry: FrameGeometry
    public private(set) var generation: UInt32 = 1
    public let mode: CaptureMode? = nil
    public let status = SourceStatus.streaming
    public private(set) var counters = CaptureCounters()
    public let lastRecovery: Recovery? = nil
    public let failure: CameraError? = nil
    public let frameCount: UInt32
    /// The bytes of a frame that the file ends in; 0 where it ends behind one.
    public let cutBytes: Int
    private let loops: Bool
    private var memory: rb_memory
    /// Of the next frame.
    private var offset = RecordingLayout.headerBytes
    private var lastSequence: UInt32 = 0
    /// To recorded sequence numbers.
    private var added: UInt32 = 0

    /// `path` ends in zero. `loops`: after the last frame comes the first again, and the numbers go on.
    public init(path: UnsafePointer<CChar>, loops: Bool = false) throws(RecordingError) {
        var memory = rb_memory()
        let result = rb_map_file(path, &memory)
        guard result == 0 else { throw .unreadable(number: -result) }
        do throws(RecordingError) {
            let contents = try Contents(of: UnsafeRawBufferPointer(start: memory.bytes, count: memory.count))
            (geometry, frameCount, cutBytes) = (contents.geometry, contents.frameCount, contents.cutBytes)
        } catch {
            rb_unmap(&memory)
            throw error
        }
        self.memory = memory
        self.loops = loops
    }

    deinit {
        var memory = memory
        rb_unmap(&memory)
    }

    private var file: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.bytes, count: memory.count) }

    /// Frames follow each other without waiting, whatever the deadline. Their time is that of the replay.
    public mutating func next(deadline: UInt64) -> Delivery {
        guard !rb_stop_requested() else { return .ended }
        if loops && offset == file.count - cutBytes { rewind() }
        guard offset < file.count - cutBytes, let (header, picture) = wholeFrame(of: file, at: offset) else {
            return .ended
        }
        offset += RecordingLayout.headerBytes + Int(header.payloadBytes)
        if header.geometry != geometry {
            geometry = header.geometry
            generation &+= 1
        }
        counters.delivered += 1
        lastSequence = header.sequence &+ added
        return .frame(Frame(picture: picture, sequence: lastSequence, timestamp: rb_clock_ns(), buffer: 0, stream: 0))
    }

    /// The first frame's number becomes the one behind the last's.
    private mutating func rewind() {
        offset = RecordingLayout.headerBytes
        if let (first, _) = wholeFrame(of: file, at: offset) { added = lastSequence &+ 1 &- first.sequence }
    }

    public mutating func release(_ frame: consuming Frame) {}

    public mutating func reportUndecodable() { counters[.undecodableFrame] += 1 }

    public mutating func stop() {}
}

/// The frame at an offset; nil where the file ends in it, or it makes no sense.
private func wholeFrame(of file: UnsafeRawBufferPointer, at offset: Int) -> (RecordedFrame, Picture)? {
    let headerBytes = RecordingLayout.headerBytes
    guard file.count - offset >= headerBytes,
        let header = RecordedFrame(UnsafeRawBufferPointer(rebasing: file[offset..<offset + headerBytes])),
        Int64(file.count - offset - headerBytes) >= header.payloadBytes
    else { return nil }
    var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
    var start = offset + headerBytes
    for index in 0..<header.memoryCount {
        memories[index] = rb_pixels_memory(
            data: file.baseAddress?.advanced(by: start).assumingMemoryBound(to: UInt8.self),
            bytes_used: header.bytes[index], data_offset: 0, stride: header.strides[index])
        start += RecordingLayout.padded(header.bytes[index])
    }
    return Picture(of: header.geometry, in: memories, count: header.memoryCount).map { (header, $0) }
}

/// What a file holds, checked from its beginning to its end.
private struct Contents {
    var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    var frameCount: UInt32 = 0
    var cutBytes = 0

    init(of file: UnsafeRawBufferPointer) throws(RecordingError) {
        func field(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let headerBytes = RecordingLayout.headerBytes
        guard file.count >= headerBytes, field(0) == 0x5246_4252, field(4) == 0x5345_4D41 else {
            throw .notARecording
        }
        guard field(8) == RecordingLayout.version else { throw .unsupportedVersion(field(8)) }
        var offset = headerBytes
        while file.count - offset >= headerBytes {
            guard let header = RecordedFrame(UnsafeRawBufferPointer(rebasing: file[offset..<offset + headerBytes]))
            else { throw .damaged(frame: frameCount) }
            guard header.geometry.format != RB_PIXELS_FORMAT_COUNT else {
                throw .unknownFormat(frame: frameCount, fourcc: field(offset + 4))
            }
            guard Int64(file.count - offset - headerBytes) >= header.payloadBytes else { break }
            guard wholeFrame(of: file, at: offset) != nil else { throw .damaged(frame: frameCount) }
            if frameCount == 0 { geometry = header.geometry }
            frameCount += 1
            offset += headerBytes + Int(header.payloadBytes)
        }
        cutBytes = file.count - offset
        guard frameCount > 0 else { throw .noFrames }
    }
}
