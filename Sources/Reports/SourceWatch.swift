import Camera

/// What happened to a source of frames, to be told once.
public enum SourceEvent {
    /// No frames come; `error` is what the last attempt to get them back ended with, where one was made.
    case fault(FaultKind, CameraError?)
    /// Frames were of no use; `total`: how many of that kind by now.
    case badFrames(FaultKind, total: UInt64)
    /// Frames come again.
    case recovered(Recovery)
}

/// Notices what happens to a source from call to call of its `next`.
///
/// A fault that stops the frames is told when it begins and when it is over. Bad frames among good ones are told with the
/// first of their kind, and once in ten seconds as long as more come.
public struct SourceWatch {
    private static var reminder: UInt64 { 10_000_000_000 }

    private var counts = InlineArray<16, UInt64>(repeating: 0)  // FaultKind.count
    private var notBefore = InlineArray<16, UInt64>(repeating: 0)
    private var recoveries: UInt64 = 0
    /// Whether the fault that lasts was told.
    private var isFaultTold = false

    public init() {}

    /// What happened since the last call; nil: nothing more. `now`: nanoseconds of the monotonic clock.
    public mutating func nextEvent(
        counters: CaptureCounters, status: SourceStatus, lastRecovery: Recovery?, now: UInt64
    ) -> SourceEvent? {
        if counters.recoveries > recoveries, let recovery = lastRecovery {
            guard isFaultTold else {
                isFaultTold = true
                return .fault(recovery.kind, nil)
            }
            recoveries = counters.recoveries
            isFaultTold = false
            return .recovered(recovery)
        }
        if case .recovering(let fault) = status, !isFaultTold {
            isFaultTold = true
            return .fault(fault.kind, fault.error)
        }
        return badFrames(in: counters, now: now)
    }

    private mutating func badFrames(in counters: CaptureCounters, now: UInt64) -> SourceEvent? {
        for number in 0..<FaultKind.count {
            let kind = FaultKind(rawValue: UInt8(number))!
            guard kind.spoilsFrames, counters[kind] > counts[number], now >= notBefore[number] else { continue }
            counts[number] = counters[kind]
            notBefore[number] = now + Self.reminder
            return .badFrames(kind, total: counters[kind])
        }
        return nil
    }
}

extension FaultKind {
    /// Whether it takes single frames and leaves the others.
    fileprivate var spoilsFrames: Bool {
        switch self {
        case .corruptFrame, .shortFrame, .emptyFrame, .undecodableFrame, .recordFailed, .keepFailed: true
        default: false
        }
    }
}
