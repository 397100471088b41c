import Inference
import ModelFormat
import Testing
import TinyModel

/// The tiny model, loaded, with a picture of one brightness as its input.
private final class Setting {
    private let file = TinyModel.file
    private let arena = AlignedBytes(zeros: 65536)
    let engine: Engine

    init(brightness: UInt8 = 100) throws {
        engine = try Engine(model: Model(verifying: file.readOnly), path: .reference, arena: arena.bytes)
        for index in 0..<6 * 6 * 4 {
            engine.input[index] = index % 4 == 3 ? 0 : brightness
        }
    }

    private let memory = AlignedBytes(zeros: Policy.byteCount(classes: 4, heads: 2))

    func answer(alpha: Float, top: Int) -> Answer {
        var policy = Policy(.init(), classes: 4, heads: 2, memory: memory.bytes)
        policy.includeAll()
        return Answer(running: engine, alpha: alpha, policy: &policy, top: top, at: 1, checksInput: true)
    }
}

@Suite struct AnAnswer {
    @Test func namesItsInputAndItsLogits() throws {
        let (one, same, other) = (try Setting(), try Setting(), try Setting(brightness: 7))
        let answers = [one, same, other].map { $0.answer(alpha: 1, top: 4) }
        #expect(answers[0].inputChecksum == answers[1].inputChecksum)
        #expect(answers[0].inputChecksum != answers[2].inputChecksum)
        #expect(answers[0].logitsChecksum == answers[1].logitsChecksum)
        #expect(answers[0].logitsChecksum != answers[2].logitsChecksum)
    }

    @Test func ranksByProbability() throws {
        let setting = try Setting()
        let answer = setting.answer(alpha: 0, top: 4)
        let ranked = (0..<4).map { answer.verdict[$0].probability }
        #expect(ranked == ranked.sorted(by: >))
        #expect(abs(ranked.reduce(0, +) - 1) < 1e-5)
    }
}
