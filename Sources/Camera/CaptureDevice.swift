import Platform

/// A system call or V4L2 request that can fail, as `SystemError` names it.
public enum SystemCall: UInt8, Sendable {
    case open, queryCapability, enumerateFormats, enumerateSizes, enumerateIntervals, getSignal, followSignal, getFormat
    case setFormat, setInterval, subscribeEvent, requestBuffers, mapBuffer, queueBuffer, dequeueBuffer, dequeueEvent
    case streamOn, streamOff, wait

    /// As it stands in the kernel's documentation.
    public var name: StaticString {
        switch self {
        case .open: "open"
        case .queryCapability: "VIDIOC_QUERYCAP"
        case .enumerateFormats: "VIDIOC_ENUM_FMT"
        case .enumerateSizes: "VIDIOC_ENUM_FRAMESIZES"
        case .enumerateIntervals: "VIDIOC_ENUM_FRAMEINTERVALS"
        case .getSignal: "VIDIOC_ENUMINPUT"
        case .followSignal: "VIDIOC_S_DV_TIMINGS"
        case .getFormat: "VIDIOC_G_FMT"
        case .setFormat: "VIDIOC_S_FMT"
        case .setInterval: "VIDIOC_S_PARM"
        case .subscribeEvent: "VIDIOC_SUBSCRIBE_EVENT"
        case .requestBuffers: "VIDIOC_REQBUFS"
        case .mapBuffer: "VIDIOC_QUERYBUF"
        case .queueBuffer: "VIDIOC_QBUF"
        case .dequeueBuffer: "VIDIOC_DQBUF"
        case .dequeueEvent: "VIDIOC_DQEVENT"
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

/// How a wait ended.
public enum Wait: Sendable {
    /// A buffer is filled, or the node has failed: taking a buffer tells.
    case ready
    case event
    case deadlinePassed, stopRequested
}

/// What a camera's input gets.
public enum Signal: Sendable {
    /// The input has none to lose, as that of a camera with its own sensor.
    case none
    case present, lost
    /// One of other timings, or of another standard, than the device is set to.
    case changed
}

/// One camera, as the capture state machine sees it, and the time it lives in. `V4L2Device` is the real one; tests use a
/// scripted one.
///
/// `open` comes first and `close` last; `close` is allowed at any time and gives everything back. `open` after `close`
/// finds the same camera again, wherever it is then. An enumeration returns nil past its last entry, and at once where
/// the driver does not have it.
public protocol CaptureDevice: ~Copyable {
    /// The clock of deadlines and of frame times, nanoseconds.
    var now: UInt64 { get }
    var isStopRequested: Bool { get }
    /// Returns at a time of the clock, or sooner where the program is asked to stop.
    func sleep(until time: UInt64)

    mutating func open() throws(SystemError)
    mutating func close()
    func capability() throws(SystemError) -> rb_v4l2_capability
    func place() -> rb_v4l2_place
    /// The fourcc of the format at an index.
    func format(at index: UInt32) throws(SystemError) -> UInt32?
    func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes?
    func intervals(of fourcc: UInt32, _ size: FrameSize, at index: UInt32) throws(SystemError) -> rb_v4l2_intervals?
    func signal() throws(SystemError) -> Signal
    /// Sets the device to the timings of its signal. Not while buffers are requested.
    mutating func followSignal() throws(SystemError)
    func currentFormat() throws(SystemError) -> rb_v4l2_format
    /// Asks for a format and size and returns what the driver gave.
    mutating func setFormat(_ fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> rb_v4l2_format
    /// Asks for a rate in frames a second and returns what the driver chose; 0 where it does not say.
    mutating func setRate(_ rate: Double) throws(SystemError) -> Double
    /// Asks for events when the signal changes.
    mutating func subscribe() throws(SystemError)
    /// Asks for buffers and returns how many the driver gave.
    mutating func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32
    /// The memories of a buffer, which are the device's until `close`.
    mutating func mapBuffer(_ index: UInt32, memories: UInt32) throws(SystemError) -> BufferMemory
    mutating func queueBuffer(_ index: UInt32) throws(SystemError)
    /// The oldest filled buffer; nil where none is filled.
    mutating func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer?
    /// Whether the next event says that the signal changed; nil where there is no event.
    mutating func dequeueEvent() throws(SystemError) -> Bool?
    mutating func streamOn() throws(SystemError)
    mutating func streamOff() throws(SystemError)
    func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait
}

/// The memories of one buffer, mapped.
public struct BufferMemory {
    private var memories = InlineArray<3, UnsafeRawBufferPointer>(
        repeating: UnsafeRawBufferPointer(start: nil, count: 0))

    public init() {}

    public subscript(index: Int) -> UnsafeRawBufferPointer {
        get { memories[index] }
        set { memories[index] = newValue }
    }
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

    /// The highest rate that a mode offers, frames a second; nil where the driver does not tell.
    func highestRate(of fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> Double? {
        var highest: Double?
        try forEachInterval(of: fourcc, size) { highest = max(highest ?? 0, $0.highestRate) }
        return highest
    }
}

extension rb_v4l2_intervals {
    /// Frames a second: the shortest interval is the highest rate.
    public var highestRate: Double { Double(min_denominator) / Double(max(min_numerator, 1)) }
}

/// No driver lists as many; one that never ends its list must not hold up the program.
private let mostEntries: UInt32 = 1024
