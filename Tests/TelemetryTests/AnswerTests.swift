import Inference
import ModelFormat
import Telemetry
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

    private let memory = AlignedBytes(zeros: Policy.byteCount(classes: 4))

    func answer(alpha: Float, top: Int, _ rules: Policy.Rules = .init(), checksInput: Bool = true) -> Answer {
        var policy = Policy(rules, classes: 4, memory: memory.bytes)
        policy.includeAll()
        return Answer(running: engine, alpha: alpha, policy: &policy, top: top, at: 1, checksInput: checksInput)
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

@Suite struct ALiveView {
    private func draw(_ view: inout LiveView, _ answer: Answer, at now: UInt64) -> String {
        var writer = TextWriter(MemorySink())
        let record = FrameRecord(number: 1, sequence: 1, timestamp: now - 20_000_000, answered: now)
        view.show(record, answer, now: now, columns: 80, on: &writer)
        return writer.finish().text
    }

    @Test func redrawsItsLinesInPlace() throws {
        let setting = try Setting()
        let answer = setting.answer(alpha: 1.5, top: 3)
        var view = LiveView()
        let first = draw(&view, answer, at: 1_000_000_000)
        #expect(first.split(separator: "\n").count == 4)
        #expect(!first.contains("\u{1B}[4A"))
        #expect(first.contains("20.0 ms from capture to answer, alpha 1.50"))
        let second = draw(&view, answer, at: 1_500_000_000)
        #expect(second.hasPrefix("\u{1B}[4A"))
        #expect(second.contains("2.0 frames/s"))
    }

    @Test func drawsNoMoreThanTenTimesASecond() throws {
        let setting = try Setting()
        let answer = setting.answer(alpha: 0, top: 1)
        var view = LiveView()
        let drawn = (0..<100).filter { !draw(&view, answer, at: 1_000_000_000 + UInt64($0) * 10_000_000).isEmpty }
        #expect(drawn.count == 10)
    }
}
