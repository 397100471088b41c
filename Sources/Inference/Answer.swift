import ModelFormat

/// What the model says of one picture, and what the policy makes of it.
public struct Answer {
    public let engine: Engine
    public let alpha: Float
    /// What the logits were divided by.
    public let temperature: Float
    public let verdict: Verdict
    /// CRC-32 of the quantised input tensor: equal on two machines that saw the same picture. nil where nobody asked.
    public let inputChecksum: UInt32?

    /// Runs the engine on its input, a picture taken at `time`, nanoseconds. `evidence`: to be kept, where it is asked for.
    public init(
        running engine: Engine, alpha: Float, policy: inout Policy, top limit: Int, at time: UInt64, checksInput: Bool,
        keeping evidence: UnsafeMutablePointer<Evidence>? = nil
    ) {
        // Before the run, which reuses the input's memory.
        let checksum = checksInput ? Checksum.of(engine.inputBytes) : nil
        if let evidence {
            engine.runBackbone { evidence.pointee.record(behind: $0, of: engine) }
        } else {
            engine.runBackbone { _ in }
        }
        self.init(judging: engine, alpha: alpha, policy: &policy, top: limit, at: time, inputChecksum: checksum)
    }

    /// Runs the head alone, on the features that the engine holds.
    public init(
        judging engine: Engine, alpha: Float, policy: inout Policy, top limit: Int, at time: UInt64,
        inputChecksum: UInt32? = nil
    ) {
        temperature = policy.rules.temperature
        engine.runHead(
            alpha: alpha, weights: policy.headWeights, offsets: policy.logitOffsets, temperature: temperature)
        self.engine = engine
        self.alpha = alpha
        self.inputChecksum = inputChecksum
        verdict = policy.judge(plain: engine.plainLogits, adjusted: engine.logits, at: time, top: limit)
    }

    /// CRC-32 of the float32 logits: equal on two machines that computed the same bits.
    public var logitsChecksum: UInt32 { Checksum.of(UnsafeRawBufferPointer(engine.logits)) }
}
