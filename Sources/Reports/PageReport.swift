import Camera
import Inference
import ModelFormat
import Text

// What the live page is told, as members of JSON objects.

extension TextWriter where Sink: ~Copyable {
    /// Of an answer: `verdict` as the run's records have it, `top` more of its classes. `rate`: frames a second.
    public mutating func members(
        of frame: FrameRecord, _ verdict: Verdict, top: Verdict, of model: Model, alpha: Float, rate: Double,
        _ totals: RunTotals, _ board: BoardConditions
    ) {
        member("frame", frame.number)
        member("age_ms", Double(frame.age) / 1e6, decimals: 1)
        member("fps", rate, decimals: 1)
        member("alpha", Double(alpha), decimals: 3)
        if let temperature = model.temperature(at: alpha) { member("temperature", Double(temperature), decimals: 3) }
        member("unknown", verdict.isUnknown)
        array("top") { writer in
            for place in 0..<top.count {
                let ranked = top[place]
                writer.object {
                    $0.member("class", ranked.index)
                    $0.member("name", model.className(ranked.index))
                    $0.member("probability", Double(ranked.probability), decimals: 4)
                    $0.member("plain_probability", Double(ranked.plainProbability), decimals: 4)
                    $0.member("logit", Double(ranked.logit), decimals: 3)
                    $0.member("plain_logit", Double(ranked.plainLogit), decimals: 3)
                }
            }
        }
        members(of: totals, board)
    }

    /// What became of the frames that were not answered, and the board's temperature.
    public mutating func members(of totals: RunTotals, _ board: BoardConditions) {
        member("answered", totals.answered)
        member("dropped", totals.counters.superseded + totals.counters.dropped + totals.counters.stale)
        object("faults") { writer in
            totals.counters.forEachFault { kind, count in
                if count > 0 { writer.member(kind.name, count) }
            }
        }
        member("celsius", board.millidegrees.map { Double($0) / 1000 }, decimals: 1)
    }

    /// The shares that the places of the feature map, row by row, have of a class's logit.
    public mutating func members(
        ofEvidenceFor index: Int, of model: Model, rows: Int, columns: Int,
        plain: UnsafeMutableBufferPointer<Float>, adjusted: UnsafeMutableBufferPointer<Float>
    ) {
        object("evidence") { writer in
            writer.member("class", index)
            writer.member("name", model.className(index))
            writer.member("rows", rows)
            writer.member("columns", columns)
            writer.array("plain") { writer in
                for share in plain { writer.element("\(Double(share), decimals: 4)") }
            }
            writer.array("adjusted") { writer in
                for share in adjusted { writer.element("\(Double(share), decimals: 4)") }
            }
        }
    }

    /// What can be changed, and what it is about. `place`: where in the picture the model's input comes from.
    public mutating func members(
        ofSettings model: Model, alpha: Float, _ policy: Policy, place: InputPlace?
    ) {
        member("alpha", Double(alpha), decimals: 3)
        member("default_alpha", Double(model.head.defaultAlpha), decimals: 3)
        member("adjusts", model.head.hasDirections == 1)
        member("threshold", Double(policy.rules.threshold), decimals: 3)
        if let place { members(of: place) }
        array("classes") { writer in
            for index in 0..<Int(model.head.classes) {
                writer.object {
                    $0.member("name", model.className(index))
                    $0.member("on", policy.includes(index))
                    if let threshold = policy.ownThreshold(of: index) {
                        $0.member("threshold", Double(threshold), decimals: 3)
                    }
                    if policy.isExempted(index) { $0.member("exempt", true) }
                    if let count = model.classCount(index) { $0.member("images", count) }
                }
            }
        }
    }
}
