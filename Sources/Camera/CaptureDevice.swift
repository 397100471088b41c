import Platform

/// A system call or V4L2 request that can fail, as `SystemError` names it.
public enum SystemCall: Sendable {
    case open, queryCapability, enumerateFormats, enumerateSizes, enumerateIntervals, getFormat, setFormat
    case setInterval, requestBuffers, mapBuffer, queueBuffer, dequeueBuffer, streamOn, streamOff, wait

    /// As it stands in the kernel's documentation.
    public var name: StaticString {
        switch self {
        case .open: "open"
        case .queryCapability: "VIDIOC_QUERYCAP"
        case .enumerateFormats: "VIDIOC_ENUM_FMT"
        case .enumerateSizes: "VIDIOC_ENUM_FRAMESIZES"
        case .enumerateIntervals: "VIDIOC_ENUM_FRAMEINTERVALS"
        case .getFormat: "VIDIOC_G_FMT"
        case .setFormat: "VIDIOC_S_FMT"
        case .setInterval: "VIDIOC_S_PARM"
        case .requestBuffers: "VIDIOC_REQBUFS"
        case .mapBuffer: "VIDIOC_QUERYBUF"
        case .queueBuffer: "VIDIOC_QBUF"
        case .dequeueBuffer: "VIDIOC_DQBUF"
        case .streamOn: "VIDIOC_STREAMON"
        case .streamOff: "VIDIOC_STREAMOFF"
        case .wait: "poll"
        }
    }
}

/// A call that failed, with Linux's error number (positive).
public struct SystemError: Error, Equatable, Sendable {
    public let call: SystemCall
    public let number: Int32

    public init(_ call: SystemCall, number: Int32) {
        self.call = call
        self.number = number
    }
}

/// How a wait for a frame ended.
public enum Wait: Sendable {
    case ready, deadlinePassed, stopRequested
}

/// One video node, as the capture state machine sees it. `V4L2Device` is the real one; tests use a scripted one.
///
/// `open` comes first and `close` last; `close` is allowed at any time and gives everything back. An enumeration
/// returns nil past its last entry, and at once where the driver does not have it.
public protocol CaptureDevice: ~Copyable {
    mutating func open() throws(SystemError)
    mutating func close()
    func capability() throws(SystemError) -> rb_v4l2_capability
    /// The fourcc of the format at an index.
    func format(at index: UInt32) throws(SystemError) -> UInt32?
    func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes?
    func intervals(of fourcc: UInt32, _ size: FrameSize, at index: UInt32) throws(SystemError) -> rb_v4l2_intervals?
    func currentFormat() throws(SystemError) -> rb_v4l2_format
    /// Asks for a mode and returns what the driver gave.
    mutating func setFormat(_ mode: CaptureMode) throws(SystemError) -> rb_v4l2_format
    mutating func setFramesPerSecond(_ rate: UInt32) throws(SystemError)
    /// Asks for buffers and returns how many the driver gave.
    mutating func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32
    /// The memory of a buffer, which is the device's until `close`.
    mutating func mapBuffer(_ index: UInt32) throws(SystemError) -> UnsafeRawBufferPointer
    mutating func queueBuffer(_ index: UInt32) throws(SystemError)
    /// The oldest filled buffer; nil where none is filled. Its time stamp is never 0.
    mutating func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer?
    mutating func streamOn() throws(SystemError)
    mutating func streamOff() throws(SystemError)
    /// Waits until a buffer is filled or the node has failed, until a time of `rb_clock_ns`.
    func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait
}

extension CaptureDevice where Self: ~Copyable {
    /// Every format the device offers, by its fourcc, in the driver's order.
    func forEachFormat(_ body: (UInt32) throws(SystemError) -> Void) throws(SystemError) {
        for index in 0..<mostEntries {
            guard let fourcc = try format(at: index) else { return }
            try body(fourcc)
        }
    }

    /// Every size or range of sizes of a format. A driver that lists none has only the one that it has now, as
    /// receivers of a video signal do.
    func forEachSize(
        of fourcc: UInt32, current: FrameSize, _ body: (rb_v4l2_sizes) throws(SystemError) -> Void
    ) throws(SystemError) {
        for index in 0..<mostEntries {
            guard let sizes = try sizes(of: fourcc, at: index) else {
                if index == 0 { try body(rb_v4l2_sizes(only: current)) }
                return
            }
            try body(sizes)
        }
    }

    /// Every frame interval or range of intervals of a mode.
    func forEachInterval(
        of fourcc: UInt32, _ size: FrameSize, _ body: (rb_v4l2_intervals) throws(SystemError) -> Void
    ) throws(SystemError) {
        for index in 0..<mostEntries {
            guard let intervals = try intervals(of: fourcc, size, at: index) else { return }
            try body(intervals)
        }
    }
}

/// No driver lists as many; one that never ends its list must not hold up the program.
private let mostEntries: UInt32 = 1024
