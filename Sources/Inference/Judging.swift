import ModelFormat

/// How answers of a model are judged, which can change from one picture to the next: the adjustment's strength, and a policy with
/// room for another beside it, so that a bad one changes nothing.
public struct Judging {
    public private(set) var alpha: Float
    public private(set) var policy: Policy
    private let model: Model
    private let memory: UnsafeMutableRawBufferPointer
    private var half = 0

    /// The memory for a model, bytes.
    public static func byteCount(of model: Model) -> Int { 2 * policyBytes(of: model) }

    private static func policyBytes(of model: Model) -> Int {
        Policy.byteCount(classes: Int(model.head.classes), heads: Int(model.head.heads))
    }

    /// `memory`: 4-byte aligned, at least `byteCount(of:)`, kept as long as the value is used. `describe` says which classes
    /// count, one at least, and what else there is to say of single classes and heads. The temperatures are the file's.
    public init<Failure: Error>(
        alpha: Float, _ rules: Policy.Rules, of model: Model, memory: UnsafeMutableRawBufferPointer,
        describe: (inout Policy) throws(Failure) -> Void
    ) throws(Failure) {
        self.alpha = alpha
        self.model = model
        self.memory = memory
        policy = Self.policy(rules, of: model, alpha: alpha, memory: memory)
        try describe(&policy)
    }

    private static func policy(
        _ rules: Policy.Rules, of model: Model, alpha: Float, memory: UnsafeMutableRawBufferPointer
    ) -> Policy {
        var rules = rules
        rules.temperature = model.temperature(at: alpha) ?? 1
        rules.plainTemperature = model.temperature(at: 0) ?? 1
        return Policy(rules, classes: Int(model.head.classes), heads: Int(model.head.heads), memory: memory)
    }

    /// Takes other rules; evidence gathered under the old ones counts no more, where they differ. Where `describe` throws,
    /// the old ones stay.
    public mutating func change<Failure: Error>(
        alpha otherAlpha: Float, _ rules: Policy.Rules, describe: (inout Policy) throws(Failure) -> Void
    ) throws(Failure) {
        let size = Self.policyBytes(of: model)
        let start = (1 - half) * size
        var other = Self.policy(
            rules, of: model, alpha: otherAlpha,
            memory: UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + size)]))
        try describe(&other)
        guard otherAlpha != alpha || !other.judgesAlike(policy) else { return }
        half = 1 - half
        policy = other
        alpha = otherAlpha
    }

    /// Takes another prior, which evidence gathered so far outlives: see `Policy.setPrior`.
    public mutating func setPrior(shares: UnsafePointer<Float>) { policy.setPrior(shares: shares, of: model) }

    /// Runs the engine on its input, a picture taken at `time`, and judges its logits.
    public mutating func answer(
        from engine: Engine, top limit: Int, at time: UInt64, checksInput: Bool,
        keeping evidence: UnsafeMutablePointer<Evidence>? = nil
    ) -> Answer {
        Answer(
            running: engine, alpha: alpha, policy: &policy, top: limit, at: time, checksInput: checksInput,
            keeping: evidence)
    }

    /// Judges the engine's last features once more.
    public mutating func secondAnswer(from engine: Engine, top limit: Int, at time: UInt64) -> Answer {
        Answer(judging: engine, alpha: alpha, policy: &policy, top: limit, at: time)
    }

    /// Pictures were missed: evidence gathered so far counts no more.
    public mutating func restart() { policy.restart() }
}
