/// How answers are judged, which can change from one picture to the next: the adjustment's strength, and a policy with room for
/// another beside it, so that a bad one changes nothing.
public struct Judging {
    public private(set) var alpha: Float
    public private(set) var policy: Policy
    private let classes: Int
    private let memory: UnsafeMutableRawBufferPointer
    private var half = 0

    /// The memory for a model of so many classes, bytes.
    public static func byteCount(classes: Int) -> Int { 2 * Policy.byteCount(classes: classes) }

    /// `memory`: 4-byte aligned, at least `byteCount(classes:)`, kept as long as the value is used. `including` says which
    /// classes count, one at least.
    public init<Failure: Error>(
        alpha: Float, _ rules: Policy.Rules, classes: Int, memory: UnsafeMutableRawBufferPointer,
        including: (inout Policy) throws(Failure) -> Void
    ) throws(Failure) {
        self.alpha = alpha
        self.classes = classes
        self.memory = memory
        policy = Policy(rules, classes: classes, memory: memory)
        try including(&policy)
    }

    /// Takes other rules; evidence gathered under the old ones counts no more, where they differ. Where `including` throws,
    /// the old ones stay.
    public mutating func change<Failure: Error>(
        alpha otherAlpha: Float, _ rules: Policy.Rules, including: (inout Policy) throws(Failure) -> Void
    ) throws(Failure) {
        let size = Policy.byteCount(classes: classes)
        let start = (1 - half) * size
        var other = Policy(
            rules, classes: classes,
            memory: UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + size)]))
        try including(&other)
        guard other.rules != policy.rules || !other.includesSame(as: policy) || otherAlpha != alpha else { return }
        half = 1 - half
        policy = other
        alpha = otherAlpha
    }

    /// Runs the engine on its input, a picture taken at `time`, and judges its logits.
    public mutating func answer(
        from engine: Engine, offsets: UnsafePointer<Float>? = nil, top limit: Int, at time: UInt64, checksInput: Bool,
        keeping evidence: UnsafeMutablePointer<Evidence>? = nil
    ) -> Answer {
        Answer(
            running: engine, alpha: alpha, offsets: offsets, policy: &policy, top: limit, at: time,
            checksInput: checksInput, keeping: evidence)
    }

    /// Judges the engine's last features once more.
    public mutating func secondAnswer(
        from engine: Engine, offsets: UnsafePointer<Float>? = nil, top limit: Int, at time: UInt64
    ) -> Answer {
        Answer(judging: engine, alpha: alpha, offsets: offsets, policy: &policy, top: limit, at: time)
    }

    /// Pictures were missed: evidence gathered so far counts no more.
    public mutating func restart() { policy.restart() }
}
