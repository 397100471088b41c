import Inference
import ModelFormat

/// The tiny model, loaded, with a picture of one brightness as its input.
public final class TinyModelSetting {
    private let file = TinyModel.file
    private let arena = AlignedBytes(zeros: 65536)
    private let memory = AlignedBytes(zeros: Policy.byteCount(classes: 4, heads: 2))
    private let engine: Engine

    public init(brightness: UInt8 = 100) throws {
        engine = try Engine(model: Model(verifying: file.readOnly), path: .reference, arena: arena.bytes)
        for index in 0..<6 * 6 * 4 {
            engine.input[index] = index % 4 == 3 ? 0 : brightness
        }
    }

    /// Of all classes, with the checksum of the input.
    public func answer(alpha: Float, top: Int) -> Answer {
        var policy = Policy(.init(), classes: 4, heads: 2, memory: memory.bytes)
        policy.includeAll()
        return Answer(running: engine, alpha: alpha, policy: &policy, top: top, at: 1, checksInput: true)
    }
}
