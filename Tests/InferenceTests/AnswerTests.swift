import Testing
import TinyModel

@Suite struct AnAnswer {
    @Test func namesItsInputAndItsLogits() throws {
        let (one, same, other) = (try TinyModelSetting(), try TinyModelSetting(), try TinyModelSetting(brightness: 7))
        let answers = [one, same, other].map { $0.answer(alpha: 1, top: 4) }
        #expect(answers[0].inputChecksum == answers[1].inputChecksum)
        #expect(answers[0].inputChecksum != answers[2].inputChecksum)
        #expect(answers[0].logitsChecksum == answers[1].logitsChecksum)
        #expect(answers[0].logitsChecksum != answers[2].logitsChecksum)
    }

    @Test func ranksByProbability() throws {
        let setting = try TinyModelSetting()
        let answer = setting.answer(alpha: 0, top: 4)
        let ranked = (0..<4).map { answer.verdict[$0].probability }
        #expect(ranked == ranked.sorted(by: >))
        #expect(abs(ranked.reduce(0, +) - 1) < 1e-5)
    }
}
