import Camera
import Inference
import ModelFormat
import Outputs
import Text

extension TextWriter where Sink: ~Copyable {
    /// One JSON line; `now`: nanoseconds of the monotonic clock.
    public mutating func writeRecord(of event: RunEvent, now: UInt64) {
        record {
            $0.members(of: event)
            $0.member("timestamp_ns", now)
        }
    }

    private mutating func members(of event: RunEvent) {
        switch event {
        case .source(let event): members(of: event)
        case .output(let notice): members(of: notice)
        case .seen(let frame, let ranked, let model):
            member("event", "seen")
            member("class", ranked.index)
            member("name", model.className(ranked.index))
            member("probability", Double(ranked.probability), decimals: 6)
            member("frame", frame.number)
        case .prior(let report):
            member("event", "prior")
            members(of: report)
        case .summary(let totals, let model): members(of: totals, model)
        }
    }

    private mutating func members(of event: SourceEvent) {
        switch event {
        case .fault(let kind, let error):
            members(ofFault: kind)
            if let error {
                member("error", error)
            }
        case .badFrames(let kind, let total):
            members(ofFault: kind)
            member("total", total)
        case .recovered(let recovery): members(ofRecovery: recovery.kind, after: recovery.duration)
        }
    }

    private mutating func members(of notice: RecordOutput.Notice) {
        switch notice {
        case .losing(let status):
            members(ofFault: .outputFull)
            if status < 0 {
                member("error", "\(systemError: status)")
            }
        case .recovered(let duration, let lost):
            members(ofRecovery: .outputFull, after: duration)
            member("lost", lost)
        case .listenersWentAway(let count):
            members(ofFault: .outputGone)
            member("listeners", count)
        }
    }

    private mutating func members(ofFault kind: FaultKind) {
        member("event", "fault")
        member("kind", kind.name)
    }

    private mutating func members(ofRecovery kind: FaultKind, after duration: UInt64) {
        member("event", "recovered")
        member("kind", kind.name)
        member("after_ms", Double(duration) / 1e6, decimals: 3)
    }

    private mutating func members(of totals: RunTotals, _ model: Model) {
        member("event", "summary")
        member("frames", totals.answered)
        member("duration_ms", Double(totals.duration) / 1e6, decimals: 3)
        member("delivered", totals.counters.delivered)
        member("superseded", totals.counters.superseded)
        member("dropped", totals.counters.dropped)
        member("stale", totals.counters.stale)
        member("recoveries", totals.counters.recoveries)
        if let kept = totals.kept {
            member("kept", kept.kept)
            member("kept_passed_over", kept.passedOver)
        }
        object("errors") { writer in
            totals.counters.forEachFault { kind, count in writer.member(kind.name, count) }
        }
        member("alpha", Double(totals.alpha), decimals: 3)
        member("unknown", totals.tally.unknown)
        member("flipped", totals.tally.flipped)
        array("classes") { writer in
            for place in 0..<totals.tally.count {
                let entry = totals.tally[place]
                writer.object {
                    $0.member("class", entry.index)
                    $0.member("name", model.className(Int(entry.index)))
                    $0.member("answers", entry.answers)
                    $0.member("sightings", entry.sightings)
                }
            }
        }
        member("other_answers", totals.tally.others.answers)
        member("other_sightings", totals.tally.others.sightings)
    }
}
