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
    case summary(RunTotals)
}

/// What a run did, from its start on.
public struct RunTotals {
    public var answered: UInt64 = 0
    /// From the start, nanoseconds.
    public var duration: UInt64 = 0
    /// Of the source, the outputs' faults included.
    public var counters = CaptureCounters()

    public init() {}

    /// Whether anything happened that people should hear of.
    public var hasIncidents: Bool {
        var incidents = counters.dropped + counters.stale + counters.recoveries
        counters.forEachFault { incidents += $1 }
        return incidents > 0
    }
}

extension TextWriter where Sink: ~Copyable {
    /// One JSON line; `now`: nanoseconds of the monotonic clock.
    public mutating func append(jsonOf event: RunEvent, now: UInt64) {
        append("{\"event\":\"")
        switch event {
        case .source(let event): append(jsonMembersOf: event)
        case .output(let notice): append(jsonMembersOf: notice)
        case .seen(let record, let ranked, let model):
            append("seen\",\"class\":")
            append(ranked.index)
            append(",\"name\":")
            append(jsonString: model.className(ranked.index))
            append(",\"probability\":")
            append(Double(ranked.probability), decimals: 6)
            append(",\"frame\":")
            append(record.number)
        case .summary(let totals): append(jsonMembersOf: totals)
        }
        append(",\"timestamp_ns\":")
        append(now)
        append("}\n")
    }

    /// The line that says the same to people, without its end.
    public mutating func append(lineOf event: RunEvent) {
        switch event {
        case .source(let event): append(lineOf: event)
        case .output(let notice): append(lineOf: notice)
        case .seen(_, let ranked, let model):
            append("seen ")
            append(bytes: model.className(ranked.index))
        case .summary(let totals): append(lineOf: totals)
        }
    }

    // MARK: Sources

    private mutating func append(jsonMembersOf event: SourceEvent) {
        switch event {
        case .fault(let kind, let error):
            append(jsonFault: kind)
            if let error {
                append(",\"error\":")
                appendJSONString { $0.append(error) }
            }
        case .badFrames(let kind, let total):
            append(jsonFault: kind)
            append(",\"total\":")
            append(total)
        case .recovered(let recovery): append(jsonRecovery: recovery.kind, after: recovery.duration)
        }
    }

    private mutating func append(lineOf event: SourceEvent) {
        switch event {
        case .fault(let kind, let error):
            append(kind.name)
            if let error {
                append(": ")
                append(error)
            }
            append("; waiting for frames")
        case .badFrames(let kind, let total):
            append(kind.name)
            append(": ")
            append(total)
            append(" by now")
        case .recovered(let recovery):
            append("recovered from ")
            append(recovery.kind.name)
            append(" after ")
            append(milliseconds: recovery.duration)
            append(" ms")
        }
    }

    private mutating func append(jsonFault kind: FaultKind) {
        append("fault\",\"kind\":\"")
        append(kind.name)
        append("\"")
    }

    private mutating func append(jsonRecovery kind: FaultKind, after duration: UInt64) {
        append("recovered\",\"kind\":\"")
        append(kind.name)
        append("\",\"after_ms\":")
        append(milliseconds: duration)
    }

    // MARK: Outputs

    private mutating func append(jsonMembersOf notice: RecordOutput.Notice) {
        switch notice {
        case .losing(let status):
            append(jsonFault: .outputFull)
            if status < 0 {
                append(",\"error\":\"")
                append(cString: rb_error_text(status))
                append("\"")
            }
        case .recovered(let duration, let lost):
            append(jsonRecovery: .outputFull, after: duration)
            append(",\"lost\":")
            append(lost)
        case .listenersWentAway(let count):
            append(jsonFault: .outputGone)
            append(",\"listeners\":")
            append(count)
        }
    }

    private mutating func append(lineOf notice: RecordOutput.Notice) {
        switch notice {
        case .losing(let status):
            append("output_full: records are lost: ")
            if status < 0 {
                append(cString: rb_error_text(status))
            } else {
                append("they are not read in time")
            }
        case .recovered(let duration, let lost):
            append("recovered from output_full after ")
            append(milliseconds: duration)
            append(" ms and ")
            append(lost)
            append(lost == 1 ? " lost record" : " lost records")
        case .listenersWentAway(let count):
            append("output_gone: ")
            append(count)
            append(count == 1 ? " listener went away" : " listeners went away")
        }
    }

    // MARK: Totals

    private mutating func append(jsonMembersOf totals: RunTotals) {
        append("summary\",\"frames\":")
        append(totals.answered)
        append(",\"duration_ms\":")
        append(milliseconds: totals.duration)
        append(",\"delivered\":")
        append(totals.counters.delivered)
        append(",\"superseded\":")
        append(totals.counters.superseded)
        append(",\"dropped\":")
        append(totals.counters.dropped)
        append(",\"stale\":")
        append(totals.counters.stale)
        append(",\"recoveries\":")
        append(totals.counters.recoveries)
        append(",\"errors\":{")
        var separator: StaticString = "\""
        totals.counters.forEachFault { kind, count in
            append(separator)
            append(kind.name)
            append("\":")
            append(count)
            separator = ",\""
        }
        append("}")
    }

    /// "138 frames answered in 4.6 s, 12 superseded, 3 dropped, 1 recovery; unplugged 1": zeros are left out.
    private mutating func append(lineOf totals: RunTotals) {
        append(totals.answered)
        append(totals.answered == 1 ? " frame answered in " : " frames answered in ")
        append(Double(totals.duration) / 1e9, decimals: 1)
        append(" s")
        append(totals.counters.superseded, " superseded")
        append(totals.counters.dropped, " dropped")
        append(totals.counters.stale, " stale")
        append(totals.counters.recoveries, totals.counters.recoveries == 1 ? " recovery" : " recoveries")
        var separator: StaticString = "; "
        totals.counters.forEachFault { kind, count in
            guard count > 0 else { return }
            append(separator)
            append(kind.name)
            append(" ")
            append(count)
            separator = ", "
        }
    }

    private mutating func append(_ count: UInt64, _ what: StaticString) {
        guard count > 0 else { return }
        append(", ")
        append(count)
        append(what)
    }

    /// A JSON string of text that is not UTF-8 bytes in memory yet; at most 1,024 bytes of it.
    private mutating func appendJSONString(_ body: (inout TextWriter<BufferSink>) -> Void) {
        var memory = InlineArray<1024, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &memory) { memory in
            var text = TextWriter<BufferSink>(BufferSink(memory))
            body(&text)
            append(jsonString: text.finish().bytes)
        }
    }
}
