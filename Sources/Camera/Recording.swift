import Pixels
import Platform

/// Why a file of recorded frames cannot be replayed.
public enum RecordingError: Error, Equatable, Sendable {
    /// Linux's error number (positive).
    case unreadable(number: Int32)
    case notARecording
    case unsupportedVersion(UInt32)
    case unknownFormat(fourcc: UInt32)
    /// A size or stride out of range, or a frame too small for its size.
    case badGeometry(width: UInt32, height: UInt32, stride: UInt32, frameBytes: UInt32)
    /// The file ends inside a frame, or has fewer frames than it states.
    case truncated(expectedBytes: UInt64, foundBytes: UInt64)
    case noFrames
}

/// Frames from a file, as a camera gave them: the same surface as a camera, and the same pixels bit for bit.
///
/// The file, little-endian:
///
///     offset  bytes  field
///          0      8  "RBFRAMES"
///          8      4  version: 1
///         12      4  V4L2 fourcc of a format that Pixels converts
///         16      4  width, pixels
///         20      4  height, pixels
///         24      4  stride: bytes from one row of the first plane to the next
///         28      4  frame bytes: from one frame to the next
///         32      4  number of frames; 0: as many as there are until the end of the file
///         36     28  zero
///         64         the frames, one behind the other, planes in V4L2's single-planar order
public struct Recording: FrameSource, ~Copyable {
    public let geometry: FrameGeometry
    public let generation: UInt32 = 1
    public let status = SourceStatus.streaming
    public private(set) var counters = CaptureCounters()
    public let lastRecovery: Recovery? = nil
    public let failure: CameraError? = nil
    public let frameCount: UInt32
    private let frameBytes: Int
    private var memory: rb_memory
    private let loops: Bool
    private var position: UInt32 = 0
    private var sequence: UInt32 = 0

    private static var headerBytes: Int { 64 }
    private static var version: UInt32 { 1 }

    /// `path` ends in zero. `loops`: after the last frame comes the first again.
    public init(path: UnsafePointer<CChar>, loops: Bool = false) throws(RecordingError) {
        var memory = rb_memory()
        let result = rb_map_file(path, &memory)
        guard result == 0 else { throw .unreadable(number: -result) }
        do throws(RecordingError) {
            let header = try Header(UnsafeRawBufferPointer(start: memory.bytes, count: memory.count))
            geometry = header.geometry
            frameCount = header.frameCount
            frameBytes = header.frameBytes
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

    /// Frames follow each other without waiting, whatever the deadline.
    public mutating func next(deadline: UInt64) -> Delivery {
        if loops && position == frameCount {
            position = 0
        }
        guard position < frameCount, !rb_stop_requested() else { return .ended }
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        memories[0] = rb_pixels_memory(
            data: memory.bytes + Self.headerBytes + Int(position) * frameBytes, bytes_used: frameBytes, data_offset: 0,
            stride: geometry.stride)
        let picture = Picture(of: geometry, in: memories, count: 1)!
        defer {
            position += 1
            sequence &+= 1
        }
        counters.delivered += 1
        return .frame(Frame(picture: picture, sequence: sequence, timestamp: rb_clock_ns(), buffer: 0, stream: 0))
    }

    public mutating func release(_ frame: consuming Frame) {}

    public mutating func reportUndecodable() { counters[.undecodableFrame] += 1 }

    /// The header, checked against the file's bytes.
    private struct Header {
        var geometry: FrameGeometry
        var frameBytes: Int
        var frameCount: UInt32

        init(_ file: UnsafeRawBufferPointer) throws(RecordingError) {
            func field(_ offset: Int) -> UInt32 {
                UInt32(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            }
            guard file.count >= headerBytes, field(0) == 0x5246_4252, field(4) == 0x5345_4D41 else {
                throw .notARecording
            }
            guard field(8) == version else { throw .unsupportedVersion(field(8)) }
            let format = rb_pixels_format_of(field(12))
            guard format != RB_PIXELS_FORMAT_COUNT else { throw .unknownFormat(fourcc: field(12)) }
            let (width, height, stride, bytes) = (field(16), field(20), field(24), field(28))
            var unused = rb_pixels_frame()
            guard let width32 = Int32(exactly: width), let height32 = Int32(exactly: height),
                let stride32 = Int32(exactly: stride), let frameBytes = Int(exactly: bytes),
                rb_pixels_frame_in(format, width32, height32, stride32, file.baseAddress, frameBytes, &unused)
            else { throw .badGeometry(width: width, height: height, stride: stride, frameBytes: bytes) }
            geometry = FrameGeometry(format: format, width: width32, height: height32, stride: stride32)
            self.frameBytes = frameBytes

            let found = UInt64(file.count)
            // Without a stated count, a part of a frame at the end counts as one that was cut.
            let contained = (found - UInt64(headerBytes) + UInt64(bytes) - 1) / UInt64(bytes)
            let expected = field(32) != 0 ? UInt64(field(32)) : contained
            let expectedBytes = UInt64(headerBytes) + expected * UInt64(bytes)
            guard found >= expectedBytes else { throw .truncated(expectedBytes: expectedBytes, foundBytes: found) }
            guard expected > 0 else { throw .noFrames }
            frameCount = UInt32(expected)
        }
    }
}
