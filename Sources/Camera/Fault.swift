/// What can go wrong between a camera and the reader of its answers. Each is counted, told and recovered from.
public enum FaultKind: UInt8, Sendable {
    /// The camera, or its driver, is gone.
    case unplugged
    /// A call to the driver failed; the source's status says which.
    case driverError
    /// Frames that the driver flagged as not to be trusted.
    case corruptFrame
    /// Frames with fewer bytes than their picture needs.
    case shortFrame
    /// Frames without any bytes.
    case emptyFrame
    /// Frames whose compressed bytes are no picture.
    case undecodableFrame
    /// No good frame came for too long.
    case stalled
    /// The source of the signal changed its size or timing.
    case formatChanged
    /// Nothing is connected to the camera's input, or it is switched off.
    case signalLost
    /// The driver keeps buffers that it was given.
    case droppedFrames
    /// Answers that nobody read in time.
    case outputFull
    /// A reader of answers went away.
    case outputGone
    /// Frames that could not be recorded.
    case recordFailed
    /// A command, a server or a pipe that frames come from has ended, or gives none.
    case sourceEnded
    /// What comes from there is no stream of frames.
    case unreadableStream
    /// Frames that were to be kept for labelling and could not be.
    case keepFailed

    /// Raw values are 0..<count.
    public static var count: Int { 16 }

    /// As it stands in metrics, events and logs.
    public var name: StaticString {
        switch self {
        case .unplugged: "unplugged"
        case .driverError: "driver_error"
        case .corruptFrame: "corrupt_frame"
        case .shortFrame: "short_frame"
        case .emptyFrame: "empty_frame"
        case .undecodableFrame: "undecodable_frame"
        case .stalled: "stalled"
        case .formatChanged: "format_changed"
        case .signalLost: "signal_lost"
        case .droppedFrames: "dropped_frames"
        case .outputFull: "output_full"
        case .outputGone: "output_gone"
        case .recordFailed: "record_failed"
        case .sourceEnded: "source_ended"
        case .unreadableStream: "unreadable_stream"
        case .keepFailed: "keep_failed"
        }
    }
}

/// A fault that stopped the frames.
public struct Fault: Equatable, Sendable {
    public var kind: FaultKind
    /// When it was noticed, nanoseconds of `rb_clock_ns`.
    public var since: UInt64
    /// What the last attempt to get frames again ended with.
    public var error: CameraError

    public init(kind: FaultKind, since: UInt64, error: CameraError) {
        self.kind = kind
        self.since = since
        self.error = error
    }
}

/// The end of a fault that had stopped the frames.
public struct Recovery: Equatable, Sendable {
    public var kind: FaultKind
    /// From the fault to the next good frame, nanoseconds.
    public var duration: UInt64

    public init(kind: FaultKind, duration: UInt64) {
        self.kind = kind
        self.duration = duration
    }
}

/// What became of the frames of a source, and how often each fault happened.
public struct CaptureCounters: Equatable, Sendable {
    /// Handed out by `next`.
    public var delivered: UInt64 = 0
    /// Good, but a newer one was there.
    public var superseded: UInt64 = 0
    /// Missing by their sequence numbers: the driver had no buffer to fill.
    public var dropped: UInt64 = 0
    /// Withheld because they were taken before the last recovery, or had been handed out already.
    public var stale: UInt64 = 0
    /// Faults that had stopped the frames and are over.
    public var recoveries: UInt64 = 0
    private var faults = InlineArray<16, UInt64>(repeating: 0)

    public init() {}

    /// How often a fault happened.
    public subscript(kind: FaultKind) -> UInt64 {
        get { faults[Int(kind.rawValue)] }
        set { faults[Int(kind.rawValue)] = newValue }
    }

    /// Every kind of fault, in the order of raw values, and how often it happened.
    public func forEachFault(_ body: (FaultKind, UInt64) -> Void) {
        for index in faults.indices {
            body(FaultKind(rawValue: UInt8(index))!, faults[index])
        }
    }

    public static func == (a: CaptureCounters, b: CaptureCounters) -> Bool {
        for index in a.faults.indices where a.faults[index] != b.faults[index] { return false }
        return a.delivered == b.delivered && a.superseded == b.superseded && a.dropped == b.dropped
            && a.stale == b.stale && a.recoveries == b.recoveries
    }
}
