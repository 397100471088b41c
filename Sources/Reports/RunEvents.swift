import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Text

/// What a run tells besides its answers.
public enum RunEvent {
    case source(SourceEvent)
    case output(RecordOutput.Notice)
    /// A class was confirmed by the frame of the record.
    case seen(FrameRecord, RankedClass, Model)
    case prior(PriorReport)
    case summary(RunTotals, Model)
}

/// What a run did, from its start on.
public struct RunTotals {
    public var answered: UInt64 = 0
    /// From the start, nanoseconds.
    public var duration: UInt64 = 0
    /// Of the source, the outputs' faults included.
    public var counters = CaptureCounters()
    public var tally = ClassTally()
    /// The strength of the adjustment by now.
    public var alpha: Float = 0

    /// nil: no frames are kept.
    public var kept: KeptTotals?

    public init() {}

    /// Whether anything happened that people should hear of.
    public var hasIncidents: Bool {
        var incidents = counters.dropped + counters.stale + counters.recoveries
        counters.forEachFault { incidents += $1 }
        incidents += kept?.passedOver ?? 0
        return incidents > 0
    }
}

/// What became of the frames that were worth keeping. Those that could not be are among the faults.
public struct KeptTotals: Equatable, Sendable {
    public var kept: UInt64 = 0
    /// Others were still being written.
    public var passedOver: UInt64 = 0

    public init() {}
}
