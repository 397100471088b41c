import Pixels
import Text

/// How the pixels of every frame of a source lie in memory.
public struct FrameGeometry: Equatable, Sendable {
    public var format: rb_pixels_format
    /// In pixels.
    public var width: Int32
    public var height: Int32
    /// Bytes from one row of the first plane to the next.
    public var stride: Int32
    /// What the values of the pixels mean.
    public var colour: rb_pixels_colour

    public init(
        format: rb_pixels_format, width: Int32, height: Int32, stride: Int32,
        colour: rb_pixels_colour = rb_pixels_colour()
    ) {
        self.format = format
        self.width = width
        self.height = height
        self.stride = stride
        self.colour = colour
    }

    public static func == (a: FrameGeometry, b: FrameGeometry) -> Bool {
        a.format == b.format && a.width == b.width && a.height == b.height && a.stride == b.stride
            && a.colour.matrix == b.colour.matrix && a.colour.range == b.colour.range
    }
}

/// A picture as it lies in memory.
public struct Picture {
    /// For `rb_pixels_run`.
    public let pixels: rb_pixels_frame
    /// What it was captured into.
    let memories: InlineArray<3, rb_pixels_memory>
    let memoryCount: Int

    /// nil where the memories do not hold the whole of it.
    init?(of geometry: FrameGeometry, in memories: InlineArray<3, rb_pixels_memory>, count: Int) {
        var pixels = rb_pixels_frame()
        var memories = memories
        let isWhole = withUnsafeBytes(of: &memories) {
            rb_pixels_frame_in_memories(
                geometry.format, geometry.width, geometry.height,
                $0.baseAddress!.assumingMemoryBound(to: rb_pixels_memory.self), Int32(count), &pixels)
        }
        guard isWhole else { return nil }
        self.pixels = pixels
        self.memories = memories
        memoryCount = count
    }
}

/// One picture of a source. Give it back with `release` as soon as its pixels are converted: a camera has few buffers.
public struct Frame: ~Copyable {
    let picture: Picture
    /// Counts the pictures that the source took, dropped ones included.
    public let sequence: UInt32
    /// When the picture was taken, nanoseconds of `rb_clock_ns`.
    public let timestamp: UInt64
    /// Which of the source's buffers holds it, and in which of its streams.
    let buffer: UInt32
    let stream: UInt32
    /// Of the file that it is; nil of frames that have none of their own. Lives as long as the source.
    public var name: CText? = nil

    /// For `rb_pixels_run`; readable until the frame is released.
    public var pixels: rb_pixels_frame { picture.pixels }

    /// Copies the pixels; nil where the memory is too small. The copy is readable as long as the memory.
    public func copy(into copy: UnsafeMutableRawBufferPointer, of geometry: FrameGeometry) -> rb_pixels_frame? {
        var memories = picture.memories
        var start = 0
        for index in 0..<picture.memoryCount {
            let memory = picture.memories[index]
            let count = memory.bytes_used - memory.data_offset
            guard count <= copy.count - start, let target = copy.baseAddress, let data = memory.data else { return nil }
            (target + start).copyMemory(from: data + memory.data_offset, byteCount: count)
            memories[index] = rb_pixels_memory(
                data: UnsafePointer((target + start).assumingMemoryBound(to: UInt8.self)), bytes_used: count,
                data_offset: 0, stride: memory.stride)
            start += (count + 63) & ~63
        }
        return Picture(of: geometry, in: memories, count: picture.memoryCount)?.pixels
    }

    /// What the driver says it filled: a compressed picture can end before that.
    public var byteCount: Int {
        var count = 0
        for index in 0..<picture.memoryCount {
            count += Int(picture.memories[index].bytes_used) - Int(picture.memories[index].data_offset)
        }
        return count
    }
}

/// What a source has for the next answer.
public enum Delivery: ~Copyable {
    case frame(Frame)
    /// The deadline passed, or a step of a recovery was taken: ask again.
    case idle
    /// There are no more: the recording is over, the program was asked to stop, or the source gave up; then `failure`
    /// says why.
    case ended
}

/// Whether a source gives frames.
public enum SourceStatus: Equatable, Sendable {
    case streaming
    /// No frames for now; every call of `next` works on getting them back.
    case recovering(Fault)
}

/// Why a source ended before its time.
public enum SourceFailure: Equatable, Sendable {
    case camera(CameraError)
    case recording(RecordingError)
    case folder(PictureFolderError)
}

/// Where frames come from: a camera, a recording, a folder.
public protocol FrameSource: ~Copyable {
    /// That of every frame from now on until `generation` changes.
    var geometry: FrameGeometry { get }
    /// Changes when the geometry does, which can be with any frame.
    var generation: UInt32 { get }
    /// What a camera agreed to; nil before, and for recordings.
    var mode: CaptureMode? { get }
    var status: SourceStatus { get }
    var counters: CaptureCounters { get }
    /// The last of `counters.recoveries`.
    var lastRecovery: Recovery? { get }
    /// Why the source ended, where that was no ordinary end.
    var failure: SourceFailure? { get }
    /// The next frame: from a camera the newest, from a recording the next. Returns at a time of `rb_clock_ns` at the
    /// latest, but for the calls to the driver that a recovery makes.
    mutating func next(deadline: UInt64) -> Delivery
    /// Gives a frame back, before the next is asked for.
    mutating func release(_ frame: consuming Frame)
    /// Says that the frame delivered last was no picture.
    mutating func reportUndecodable()
    /// What is to be said of a single picture, once; to be asked after each `next`.
    mutating func takeNotice() -> PictureNotice?
    /// Gives everything back; there are no more frames then.
    mutating func stop()
}

extension FrameSource where Self: ~Copyable {
    /// Frames without a name are counted, and that is all.
    public mutating func takeNotice() -> PictureNotice? { nil }
}
