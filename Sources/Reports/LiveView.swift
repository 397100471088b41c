import Inference
import ModelFormat
import Text

/// A few terminal lines that are redrawn in place: a bar for each of the best classes, rate and latency.
public struct LiveView {
    /// Redraws a second: steady to the eye, and little to send over a serial line.
    private static var drawsPerSecond: UInt64 { 10 }
    /// What is taken where the terminal does not tell.
    private static var usualColumns: Int { 80 }
    /// " 100.0 %", and the space behind a name.
    private static var percentColumns: Int { 9 }
    private static var clearLine: StaticString { "\u{1B}[2K" }
    private static var clearScreen: StaticString { "\u{1B}[H\u{1B}[2J" }

    private var lastDraw: UInt64 = 0
    private var lastFrame: UInt64 = 0
    /// Mean time between frames, nanoseconds, over about the last ten.
    private var interval = 0.0
    private var linesDrawn = 0
    /// Of the terminal, when it was drawn last.
    private var columns = 0

    private var isHeld = false
    private var showsHold = false

    public init() {}

    /// Holds what is shown, or goes on: answers come all the same.
    public mutating func toggleHold() {
        isHeld.toggle()
        showsHold = false
    }

    /// Shows an answer, unless the last one was drawn a moment ago. `now`: the monotonic clock, nanoseconds. `columns`: of the
    /// terminal, 0 where it does not tell; where they change, nobody knows where its lines went, and the screen is cleared.
    public mutating func show<Sink: TextSink & ~Copyable>(
        _ record: FrameRecord, _ answer: Answer, now: UInt64, columns: Int, on writer: inout TextWriter<Sink>
    ) {
        if lastFrame > 0 {
            let latest = Double(now - lastFrame)
            interval = interval == 0 ? latest : 0.9 * interval + 0.1 * latest
        }
        lastFrame = now
        guard isHeld ? !showsHold : linesDrawn == 0 || now - lastDraw >= 1_000_000_000 / Self.drawsPerSecond else {
            return
        }
        showsHold = isHeld
        lastDraw = now
        let columns = columns > 0 ? columns : Self.usualColumns
        if linesDrawn > 0 && columns != self.columns {
            writer.write(Self.clearScreen)
            linesDrawn = 0
        }
        self.columns = columns
        moveUp(on: &writer)
        for place in 0..<answer.verdict.count {
            drawBar(of: answer, place: place, on: &writer)
        }
        drawStatus(record, answer, on: &writer)
        linesDrawn = answer.verdict.count + 1
    }

    /// Other lines were written below: the next drawing goes under them.
    public mutating func leave() { linesDrawn = 0 }

    private func moveUp<Sink: TextSink & ~Copyable>(on writer: inout TextWriter<Sink>) {
        if linesDrawn > 0 {
            writer.write("\u{1B}[\(linesDrawn)A")
        }
    }

    private func drawBar<Sink: TextSink & ~Copyable>(
        of answer: Answer, place: Int, on writer: inout TextWriter<Sink>
    ) {
        let ranked = answer.verdict[place]
        let probability = Double(ranked.probability)
        let name = answer.engine.model.className(ranked.index)
        let nameColumns = min(20, max(columns - Self.percentColumns, 1))
        writer.write("\(Self.clearLine)\(name, columns: nameColumns) ")
        let width = max(min(40, columns - nameColumns - Self.percentColumns - 1), 0)
        // What is no number fills nothing: no whole number can be made of it.
        let filled = probability.isNaN ? 0 : Int((probability * Double(width)).rounded())
        for column in 0..<width {
            writer.write(column < filled ? "█" : "░")
        }
        writer.write(" \(probability * 100, decimals: 1) %\n")
    }

    private func drawStatus<Sink: TextSink & ~Copyable>(
        _ record: FrameRecord, _ answer: Answer, on writer: inout TextWriter<Sink>
    ) {
        let rate = interval > 0 ? 1e9 / interval : 0
        let age = Double(record.age) / 1e6
        let unknown: StaticString = answer.verdict.isUnknown ? ", unknown" : ""
        let held: StaticString = isHeld ? ", held" : ""
        writer.write(Self.clearLine)
        if columns >= 72 {
            writer.write(
                """
                \(rate, decimals: 1) frames/s, \(age, decimals: 1) ms from capture to answer, alpha \
                \(Double(answer.alpha), decimals: 2)\(unknown)\(held)
                """)
        } else {
            writer.write("\(rate, decimals: 0)/s, \(age, decimals: 0) ms\(unknown)\(held)")
        }
        writer.write("\n")
    }
}
