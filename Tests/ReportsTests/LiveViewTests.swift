import Inference
import Reports
import Testing
import Text
import TinyModel

@Suite struct ALiveView {
    private func draw(_ view: inout LiveView, _ answer: Answer, at now: UInt64, columns: Int = 80) -> String {
        var writer = TextWriter(MemorySink())
        let record = FrameRecord(number: 1, sequence: 1, timestamp: now - 20_000_000, answered: now)
        view.show(record, answer, now: now, columns: columns, on: &writer)
        return writer.finish().text
    }

    @Test func redrawsItsLinesInPlace() throws {
        let setting = try TinyModelSetting()
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

    @Test(arguments: [0, 30, 40, 71, 72, 80, 200])
    func fitsItsTerminal(columns: Int) throws {
        let setting = try TinyModelSetting()
        var view = LiveView()
        _ = draw(&view, setting.answer(alpha: 1.5, top: 4), at: 1_000_000_000, columns: columns)
        let second = draw(&view, setting.answer(alpha: 1.5, top: 4), at: 2_000_000_000, columns: columns)
        let lines = second.replacing(#/\u{1B}\[[0-9]*[A-Z]/#, with: "").split(separator: "\n")
        #expect(lines.count == 5)
        // A line that fills the last column may already move some terminals on.
        for line in lines { #expect(line.count < (columns > 0 ? columns : 80), "\(line)") }
    }

    @Test func beginsAnewOnAClearScreenWhereTheTerminalChangedItsWidth() throws {
        let setting = try TinyModelSetting()
        let answer = setting.answer(alpha: 1.5, top: 3)
        var view = LiveView()
        #expect(!draw(&view, answer, at: 1_000_000_000).contains("\u{1B}[2J"))
        let narrow = draw(&view, answer, at: 2_000_000_000, columns: 40)
        #expect(narrow.hasPrefix("\u{1B}[H\u{1B}[2J") && !narrow.contains("\u{1B}[4A"))
        #expect(draw(&view, answer, at: 3_000_000_000, columns: 40).hasPrefix("\u{1B}[4A"))
    }

    @Test func drawsNoMoreThanTenTimesASecond() throws {
        let setting = try TinyModelSetting()
        let answer = setting.answer(alpha: 0, top: 1)
        var view = LiveView()
        let drawn = (0..<100).filter { !draw(&view, answer, at: 1_000_000_000 + UInt64($0) * 10_000_000).isEmpty }
        #expect(drawn.count == 10)
    }
}
