import Pixels

/// How the pixels of every frame of a source lie in memory.
public struct FrameGeometry: Equatable, Sendable {
    public var format: rb_pixels_format
    /// In pixels.
    public var width: Int32
    public var height: Int32
    /// Bytes from one row of the first plane to the next.
    public var stride: Int32

    public init(format: rb_pixels_format, width: Int32, height: Int32, stride: Int32) {
        self.format = format
        self.width = width
        self.height = height
        self.stride = stride
    }
}

/// One picture of a source. Give it back with `release` as soon as its pixels are converted: a camera has few buffers.
public struct Frame: ~Copyable {
    /// For `rb_pixels_run`; readable until the frame is released.
    public let pixels: rb_pixels_frame
    /// Counts the pictures that the source took, dropped ones included.
    public let sequence: UInt32
    /// When the picture was taken, nanoseconds of `rb_clock_ns`.
    public let timestamp: UInt64
    /// Which of the source's buffers holds it.
    let buffer: UInt32
}

/// Where frames come from: a camera or a recording.
public protocol FrameSource: ~Copyable {
    /// The same for every frame.
    var geometry: FrameGeometry { get }
    /// The next frame: from a camera the newest, from a recording the next. nil: there are no more, because the
    /// recording ended or the program was asked to stop. `deadline` is a time of `rb_clock_ns`.
    mutating func next(deadline: UInt64) throws(CameraError) -> Frame?
    mutating func release(_ frame: consuming Frame) throws(CameraError)
}
