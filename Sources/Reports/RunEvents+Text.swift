import Camera
import Inference
import ModelFormat
import Outputs
import Text

// Events as lines for people, without their ends.

extension TextWriter where Sink: ~Copyable {
    public mutating func write(_ event: RunEvent) {
        switch event {
        case .source(let event): write(event)
        case .output(let notice): write(notice)
        case .seen(_, let ranked, let model): write("seen \(model.className(ranked.index))")
        case .prior(let report): write(report)
        case .summary(let totals, _): write(totals)
        }
    }

    /// "138 frames answered in 4.6 s, 12 superseded, 3 dropped, 1 recovery; unplugged 1": zeros are left out.
    private mutating func write(_ totals: RunTotals) {
        let counters = totals.counters
        write(
            """
            \(totals.answered) \(totals.answered == 1 ? "frame" : "frames") answered in \
            \(Double(totals.duration) / 1e9, decimals: 1) s\(counters.superseded, "superseded")\
            \(counters.dropped, "dropped")\(counters.stale, "stale")\
            \(counters.recoveries, counters.recoveries == 1 ? "recovery" : "recoveries")\
            \(totals.kept?.kept ?? 0, "kept")\(totals.kept?.passedOver ?? 0, "not kept for want of time")
            """)
        var separator: StaticString = "; "
        counters.forEachFault { kind, count in
            guard count > 0 else { return }
            write("\(separator)\(kind.name) \(count)")
            separator = ", "
        }
    }
}

extension SourceEvent: TextConvertible {
    public var text: Message {
        switch self {
        case .fault(let kind, nil): "\(kind.name); waiting for frames"
        case .fault(let kind, let error?): "\(kind.name): \(error); waiting for frames"
        case .badFrames(let kind, let total): "\(kind.name): \(total) by now"
        case .recovered(let recovery):
            "recovered from \(recovery.kind.name) after \(milliseconds: recovery.duration) ms"
        }
    }
}

extension RecordOutput.Notice: TextConvertible {
    public var text: Message {
        switch self {
        case .losing(0): "output_full: records are lost: they are not read in time"
        case .losing(let status): "output_full: records are lost: \(systemError: status)"
        case .recovered(let duration, let lost):
            """
            recovered from output_full after \(milliseconds: duration) ms and \(lost) \
            \(lost == 1 ? "lost record" : "lost records")
            """
        case .listenersWentAway(let count):
            "output_gone: \(count) \(count == 1 ? "listener" : "listeners") went away"
        }
    }
}

extension Message.StringInterpolation {
    /// ", 12 superseded"; nothing for 0.
    fileprivate mutating func appendInterpolation(_ count: UInt64, _ what: StaticString) {
        guard count > 0 else { return }
        appendLiteral(", ")
        appendInterpolation(count)
        appendLiteral(" ")
        appendInterpolation(what)
    }
}
