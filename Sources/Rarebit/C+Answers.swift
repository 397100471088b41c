import Inference
import ModelFormat
import RarebitHeader

/// Rules of one question, checked.
private struct Rules {
    /// nil: the model's own.
    var alpha: Float?
    var policy = Policy.Rules()
    /// nil: all.
    var classes: UnsafeBufferPointer<Int32>?
    var offsets: UnsafePointer<Float>?
    var top = 3
    var time: UInt64 = 0

    init(_ rules: UnsafePointer<rarebit_rules>?, of model: Model) throws(CallError) {
        guard let rules = rules?.pointee else { return }
        alpha = rules.alpha.isNaN ? nil : rules.alpha
        guard (0...1000).contains(alpha ?? 0) else { throw .argument(.outOfRange("alpha")) }
        guard rules.threshold >= 0 && rules.threshold <= 1 else { throw .argument(.outOfRange("threshold")) }
        guard rules.smoothing >= 0 && rules.smoothing < 1 else { throw .argument(.outOfRange("smoothing")) }
        guard (1...Int32(Ranking.maximumCount)).contains(rules.top) else { throw .argument(.outOfRange("top")) }
        policy.threshold = rules.threshold
        policy.smoothing = rules.smoothing
        top = Int(rules.top)
        time = rules.time_ns
        if rules.seen_window != 0 {
            guard (1...Int32(Policy.longestWindow)).contains(rules.seen_window) else {
                throw .argument(.outOfRange("seen_window"))
            }
            guard (1...rules.seen_window).contains(rules.seen_needed) else {
                throw .argument(.outOfRange("seen_needed"))
            }
            policy.confirmation = Policy.Rules.Confirmation(
                needed: Int(rules.seen_needed), window: Int(rules.seen_window))
        }
        try take(classes: rules, of: model)
        try take(offsets: rules, of: model)
    }

    private mutating func take(classes rules: rarebit_rules, of model: Model) throws(CallError) {
        guard let list = rules.classes else { return }
        guard (1...Int(model.head.classes)).contains(rules.class_count) else {
            throw .argument(.outOfRange("class_count"))
        }
        var last: Int32 = -1
        for place in 0..<rules.class_count {
            guard list[place] > last, list[place] < model.head.classes else { throw .argument(.classOrder(place)) }
            last = list[place]
        }
        classes = UnsafeBufferPointer(start: list, count: rules.class_count)
    }

    private mutating func take(offsets rules: rarebit_rules, of model: Model) throws(CallError) {
        guard let list = rules.offsets else { return }
        for index in 0..<Int(model.head.classes) where !list[index].isFinite {
            throw .argument(.notFinite(index))
        }
        offsets = list
    }

    func describe(_ policy: inout Policy) {
        policy.setPrior(logRatios: offsets)
        guard let classes else { return policy.includeAll() }
        for index in classes {
            policy.include(Int(index))
        }
    }
}

@_cdecl("rarebit_run")
public func run(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ rules: UnsafePointer<rarebit_rules>?,
    _ answer: UnsafeMutablePointer<rarebit_answer>?, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    answerQuestion(engine, rules, answer, error) { started, rules in
        started.pointee.judging.answer(
            from: started.pointee.engine, top: rules.top, at: rules.time, checksInput: false)
    }
}

@_cdecl("rarebit_judge")
public func judge(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ rules: UnsafePointer<rarebit_rules>?,
    _ answer: UnsafeMutablePointer<rarebit_answer>?, _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    answerQuestion(engine, rules, answer, error) { started, rules in
        started.pointee.judging.secondAnswer(
            from: started.pointee.engine, top: rules.top, at: rules.time)
    }
}

private func answerQuestion(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ rules: UnsafePointer<rarebit_rules>?,
    _ answer: UnsafeMutablePointer<rarebit_answer>?, _ error: UnsafeMutablePointer<rarebit_error>?,
    _ ask: (UnsafeMutablePointer<StartedEngine>, Rules) -> Answer
) -> Int32 {
    call(error) { () throws(CallError) in
        let started = try Place(engine).filled()
        let model = started.pointee.engine.model
        guard let answer else { throw .argument(.missing("answer")) }
        let rules = try Rules(rules, of: model)
        started.pointee.judging.change(alpha: rules.alpha ?? model.head.defaultAlpha, rules.policy) {
            rules.describe(&$0)
        }
        answer.fill(with: ask(started, rules))
    }
}

extension UnsafeMutablePointer<rarebit_answer> {
    fileprivate func fill(with answer: Answer) {
        let verdict = answer.verdict
        pointee.alpha = answer.alpha
        pointee.is_unknown = verdict.isUnknown ? 1 : 0
        pointee.seen = verdict.newlyConfirmed.map { Int32($0.index) } ?? -1
        pointee.logits_crc = answer.logitsChecksum
        pointee.count = Int32(verdict.count)
        withUnsafeMutableBytes(of: &pointee.classes) { memory in
            let classes = memory.assumingMemoryBound(to: rarebit_class.self)
            for place in 0..<classes.count {
                classes[place] = place < verdict.count ? rarebit_class(verdict[place]) : rarebit_class()
            }
        }
    }
}

extension rarebit_class {
    fileprivate init(_ ranked: RankedClass) {
        self.init(
            class_index: Int32(ranked.index), probability: ranked.probability,
            frame_probability: ranked.frameProbability, plain_probability: ranked.plainProbability,
            logit: ranked.logit, plain_logit: ranked.plainLogit)
    }
}

@_cdecl("rarebit_outputs_of")
public func outputs(
    _ engine: UnsafePointer<rarebit_engine>?, _ outputs: UnsafeMutablePointer<rarebit_outputs>?,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let engine = try Place(engine).filled().pointee.engine
        guard let outputs else { throw .argument(.missing("outputs")) }
        outputs.pointee = rarebit_outputs(
            classes: Int32(engine.logits.count), features: Int32(engine.features.count),
            plain_logits: UnsafePointer(engine.plainLogits.baseAddress),
            logits: UnsafePointer(engine.logits.baseAddress),
            probabilities: UnsafePointer(engine.probabilities.baseAddress),
            feature_vector: UnsafePointer(engine.features.baseAddress))
    }
}
