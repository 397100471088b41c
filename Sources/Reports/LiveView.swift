import Inference
import ModelFormat
import Text

/// A few terminal lines that are redrawn in place: a bar for each of the best classes, rate and latency.
public struct LiveView {
    /// Redraws a second: steady to the eye, and little to send over a serial line.
    private static var drawsPerSecond: UInt64 { 10 }
    private static var nameColumns: Int { 20 }

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
        guard linesDrawn > 0 else { return }
        writer.append("\u{1B}[")
        writer.append(linesDrawn)
        writer.append("A")
    }

    private func drawBar<Sink: TextSink & ~Copyable>(
        of answer: Answer, place: Int, columns: Int, on writer: inout TextWriter<Sink>
    ) {
        let ranked = answer.verdict[place]
        let probability = Double(ranked.probability)
        writer.append("\u{1B}[2K")
        writer.append(padded: answer.engine.model.className(ranked.index), columns: Self.nameColumns)
        writer.append(" ")
        let width = max(min(40, columns - Self.nameColumns - 10), 0)
        // What is no number fills nothing: no whole number can be made of it.
        let filled = probability.isNaN ? 0 : Int((probability * Double(width)).rounded())
        for column in 0..<width {
            writer.append(column < filled ? "█" : "░")
        }
        writer.append(" ")
        writer.append(probability * 100, decimals: 1)
        writer.append(" %\n")
    }

    private func drawStatus<Sink: TextSink & ~Copyable>(
        _ record: FrameRecord, _ answer: Answer, on writer: inout TextWriter<Sink>
    ) {
        writer.append("\u{1B}[2K")
        writer.append(interval > 0 ? 1e9 / interval : 0, decimals: 1)
        writer.append(" frames/s, ")
        writer.append(Double(record.age) / 1e6, decimals: 1)
        writer.append(" ms from capture to answer, alpha ")
        writer.append(Double(answer.alpha), decimals: 2)
        writer.append(answer.verdict.isUnknown ? ", unknown\n" : "\n")
    }
}

extension TextWriter where Sink: ~Copyable {
    /// UTF-8 text cut or filled with spaces to `columns` characters.
    mutating func append(padded text: UnsafeRawBufferPointer, columns: Int) {
        var used = 0
        for byte in text {
            if byte & 0xC0 != 0x80 {
                used += 1
            }
            guard used <= columns else { break }
            append(byte: byte)
        }
        while used < columns {
            append(" ")
            used += 1
        }
    }
}
