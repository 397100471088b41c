import Inference
import ModelFormat
import Text

/// A few terminal lines that are redrawn in place: a bar for each of the best classes, rate and latency.
public struct LiveView {
    /// Redraws a second: steady to the eye, and little to send over a serial line.
    private static var drawsPerSecond: UInt64 { 10 }
    private static var nameColumns: Int { 20 }
    private static var clearLine: StaticString { "\u{1B}[2K" }

    private var lastDraw: UInt64 = 0
    private var lastFrame: UInt64 = 0
    /// Mean time between frames, nanoseconds, over about the last ten.
    private var interval = 0.0
    private var linesDrawn = 0

    public init() {}

    /// Shows an answer, unless the last one was drawn a moment ago. `now`: the monotonic clock, nanoseconds.
    public mutating func show<Sink: TextSink & ~Copyable>(
        _ record: FrameRecord, _ answer: Answer, now: UInt64, columns: Int, on writer: inout TextWriter<Sink>
    ) {
        if lastFrame > 0 {
            let latest = Double(now - lastFrame)
            interval = interval == 0 ? latest : 0.9 * interval + 0.1 * latest
        }
        lastFrame = now
        guard linesDrawn == 0 || now - lastDraw >= 1_000_000_000 / Self.drawsPerSecond else { return }
        lastDraw = now
        moveUp(on: &writer)
        for place in 0..<answer.verdict.count {
            drawBar(of: answer, place: place, columns: columns, on: &writer)
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
        of answer: Answer, place: Int, columns: Int, on writer: inout TextWriter<Sink>
    ) {
        let ranked = answer.verdict[place]
        let probability = Double(ranked.probability)
        let name = answer.engine.model.className(ranked.index)
        writer.write("\(Self.clearLine)\(name, columns: Self.nameColumns) ")
        let width = max(min(40, columns - Self.nameColumns - 10), 0)
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
        writer.write(
            """
            \(Self.clearLine)\(interval > 0 ? 1e9 / interval : 0, decimals: 1) frames/s, \
            \(Double(record.age) / 1e6, decimals: 1) ms from capture to answer, alpha \
            \(Double(answer.alpha), decimals: 2)\(answer.verdict.isUnknown ? ", unknown" : "")

            """)
    }
}
