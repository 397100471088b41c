import Pixels

/// A frame that was taken out of a stream. Its bytes are in the memory that the reader was given.
public struct StreamedFrame: Equatable, Sendable {
    public var format: rb_pixels_format
    /// In pixels.
    public var width: Int32
    public var height: Int32
    public var range: rb_pixels_range
    /// Frames a second; 0 where the stream does not tell.
    public var rate: Double
    public var byteCount: Int

    init(
        _ format: rb_pixels_format, width: Int32, height: Int32, range: rb_pixels_range = RB_PIXELS_RANGE_DEFAULT,
        rate: Double = 0, byteCount: Int
    ) {
        (self.format, self.width, self.height) = (format, width, height)
        (self.range, self.rate, self.byteCount) = (range, rate, byteCount)
    }

    public static func == (a: StreamedFrame, b: StreamedFrame) -> Bool {
        a.format == b.format && a.width == b.width && a.height == b.height && a.range == b.range && a.rate == b.rate
            && a.byteCount == b.byteCount
    }
}

/// Frames without any header, one behind the other.
public struct RawFrames: Equatable, Sendable {
    public let format: rb_pixels_format
    /// In pixels.
    public let width: Int32
    public let height: Int32
    /// Of each frame; its rows have no gaps.
    public let byteCount: Int

    /// nil for a compressed format, and where a frame has no such size.
    public init?(format: rb_pixels_format, width: Int32, height: Int32) {
        let number = Int32(format.rawValue)
        let stride = rb_pixels_min_stride(number, width)
        guard stride > 0, rb_pixels_memories(number) == 1 else { return nil }
        // A frame has as many bytes as its planes hold: the fewest that are enough.
        var frame = rb_pixels_frame()
        var (least, most) = (0, Int(clamping: 16 * Int64(stride) * Int64(max(height, 1))))
        guard rb_pixels_frame_in(format, width, height, stride, nil, most, &frame) else { return nil }
        while most - least > 1 {
            let middle = least + (most - least) / 2
            if rb_pixels_frame_in(format, width, height, stride, nil, middle, &frame) {
                most = middle
            } else {
                least = middle
            }
        }
        (self.format, self.width, self.height, byteCount) = (format, width, height, most)
    }

    public static func == (a: RawFrames, b: RawFrames) -> Bool {
        a.format == b.format && a.width == b.width && a.height == b.height
    }
}

/// A piece of a stream that is no frame; the reader goes on behind it.
public enum BadFrame: Equatable, Sendable {
    /// The next frame began before this one was over.
    case cut
    /// The bytes in a frame's place are no picture.
    case noPicture
    /// It does not fit into the memory.
    case tooLarge
}

/// Why nothing more can be read from a stream.
public enum StreamError: Error, Equatable, Sendable {
    case unknown(ForeignStream)
    /// Y4M of such pixels, which are not read.
    case pixelsNotRead
    case interlaced
    case sizeNotRead(width: Int, height: Int)
    /// The header of a stream or frame, or what stands between frames, is not what it must be.
    case damaged
    /// A frame is larger than what a frame may take.
    case tooLarge
}

/// What a stream is that has no frames for us, by its first bytes.
public enum ForeignStream: Equatable, Sendable {
    case recording, png, h264, matroska, mp4, avi, transportStream, html, other
}

/// Takes a stream apart. See README.md of this module.
public struct FrameReader {
    /// The most bytes without a frame among them.
    static var mostSkipped: Int { 1 << 20 }

    private enum Form { case unknown, y4m, jpeg, multipart, raw }

    private var form = Form.unknown
    /// What came before the form was clear.
    private var beginning = Beginning()
    private var y4m = Y4MReader()
    private var jpeg = JPEGReader()
    private var multipart = MultipartReader()
    private var raw: RawReader?

    /// `raw`: what the stream holds, where that is frames without headers; else it is told by its first bytes.
    public init(raw frames: RawFrames? = nil) {
        if let frames {
            form = .raw
            raw = RawReader(frames)
        }
    }

    public enum Step: Equatable {
        /// All bytes are taken.
        case more
        case frame(StreamedFrame)
        case bad(BadFrame)
    }

    /// Takes bytes off the front of `bytes` until a frame is whole or nothing is left. The frame's bytes are in `memory`, which
    /// is to be the same from the end of one frame to the end of the next.
    public mutating func take(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Step {
        if form == .unknown {
            guard let found = try beginning.take(&bytes) else { return .more }
            form = found == .y4m ? .y4m : found == .jpeg ? .jpeg : .multipart
            // What is known of a beginning is no whole frame.
            let held = beginning
            _ = try held.withBytes { held throws(StreamError) in
                var held = held
                return try step(&held, into: memory)
            }
        }
        return try step(&bytes, into: memory)
    }

    private mutating func step(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Step {
        switch form {
        case .unknown: .more
        case .y4m: try y4m.take(&bytes, into: memory)
        case .jpeg: try jpeg.take(&bytes, into: memory)
        case .multipart: try multipart.take(&bytes, into: memory)
        case .raw: raw!.take(&bytes, into: memory)
        }
    }

    /// Whether the bytes taken so far end inside a frame.
    public var isInsideFrame: Bool {
        switch form {
        case .unknown: beginning.count > 0
        case .y4m: y4m.isInsideFrame
        case .jpeg: jpeg.isInsideFrame
        case .multipart: multipart.isInsideFrame
        case .raw: raw!.count > 0
        }
    }
}

/// Raw frames of one size.
struct RawReader {
    private let frames: RawFrames
    private(set) var count = 0

    init(_ frames: RawFrames) {
        self.frames = frames
    }

    mutating func take(
        _ bytes: inout UnsafeRawBufferPointer, into memory: UnsafeMutableRawBufferPointer
    ) -> FrameReader.Step {
        guard frames.byteCount <= memory.count else {
            bytes = UnsafeRawBufferPointer(rebasing: bytes[bytes.count...])
            return .bad(.tooLarge)
        }
        bytes.move(frames.byteCount - count, to: memory, at: &count)
        guard count == frames.byteCount else { return .more }
        count = 0
        return .frame(
            StreamedFrame(frames.format, width: frames.width, height: frames.height, byteCount: frames.byteCount))
    }
}

extension UnsafeRawBufferPointer {
    /// Moves at most `most` bytes from the front of this into memory that has room for them, and counts them.
    mutating func move(_ most: Int, to memory: UnsafeMutableRawBufferPointer, at count: inout Int) {
        let moved = Swift.min(most, self.count)
        guard moved > 0 else { return }
        (memory.baseAddress! + count).copyMemory(from: baseAddress!, byteCount: moved)
        count += moved
        self = UnsafeRawBufferPointer(rebasing: self[moved...])
    }

    /// Takes the first byte off.
    mutating func removeFirst() -> UInt8 {
        let first = self[0]
        self = UnsafeRawBufferPointer(rebasing: self[1...])
        return first
    }
}
