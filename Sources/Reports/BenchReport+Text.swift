import Inference
import ModelFormat
import Platform
import Text

extension TextWriter where Sink: ~Copyable {
    /// The report in lines of "name  value".
    public mutating func write(_ report: BenchReport) {
        write("model       \(report.model), \(report.multiplyAccumulates / 1e6, decimals: 1) million multiply-adds\n")
        writeMachine(of: report)
        writeKernels(of: report)
        writeLatencies(of: report)
        writeThroughput(of: report)
        write(
            """
            first       load \(milliseconds: report.loadTime) ms, first inference \(milliseconds: report.firstInference) ms, \
            load to first answer \(milliseconds: report.firstAnswer) ms
            memory      arena \(report.arenaBytes) bytes, resident at most \(report.peakResidentBytes)
            checksums   input \(hexadecimal: report.answer.inputChecksum ?? 0), logits \
            \(hexadecimal: report.answer.logitsChecksum)

            """)
    }

    private mutating func writeMachine(of report: BenchReport) {
        let (before, after) = (report.before, report.after)
        withMachineName { write("machine     \($0), core \(report.processor)") }
        withGovernor(of: before) {
            if !$0.isEmpty {
                write(", governor \($0)")
            }
        }
        if before.frequency_khz != RB_NOT_TOLD {
            write(", \(before.frequency_khz / 1000) MHz before, \(after.frequency_khz / 1000) after")
        }
        if before.millidegrees != RB_NOT_TOLD {
            write(", \(thousandths: before.millidegrees) °C before, \(thousandths: after.millidegrees) after")
        }
        switch report.wasThrottled {
        case true?: write(", THROTTLED\n")
        case false?: write(", not throttled\n")
        case nil: write("\n")
        }
    }

    private mutating func writeKernels(of report: BenchReport) {
        write(
            "kernels     \(report.answer.engine.path.name), \(threads: report.threads), \(report.samples.count) runs")
        if let frameRate = report.frameRate {
            write(" at \(frameRate, decimals: 2) frames/s, \(report.lateRuns) of them late\n")
        } else {
            write(" back to back\n")
        }
    }

    private mutating func writeLatencies(of report: BenchReport) {
        var samples = report.samples
        write("latency     ms:")
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            write(" \(statistic.name) \(milliseconds: samples.percentile(statistic.fraction))")
        }
        write("\n")
    }

    private mutating func writeThroughput(of report: BenchReport) {
        write(
            "throughput  \(report.framesPerSecond, decimals: 1) frames/s, \(report.rate, decimals: 1) GMAC/s at the median"
        )
        if let ceiling = report.ceiling {
            let share = report.rate / (ceiling * Double(report.threads))
            write(
                """
                , \(share * 100, decimals: 0) % of the ceiling of \(ceiling, decimals: 1) \
                \(report.threads == 1 ? "GMAC/s" : "GMAC/s a thread")
                """)
        }
        write("\n")
    }
}

extension Message.StringInterpolation {
    /// Nanoseconds as milliseconds with microsecond decimals.
    mutating func appendInterpolation(milliseconds nanoseconds: UInt64) {
        appendInterpolation(Double(nanoseconds) / 1e6, decimals: 3)
    }

    /// With one decimal.
    fileprivate mutating func appendInterpolation(thousandths number: Int32) {
        appendInterpolation(Double(number) / 1000, decimals: 1)
    }

    /// "1 thread", "4 threads"
    mutating func appendInterpolation(threads count: Int) {
        appendInterpolation(count)
        appendLiteral(count == 1 ? " thread" : " threads")
    }
}

/// The board's or processor's name.
func withMachineName(_ body: (CText) -> Void) {
    var name = InlineArray<64, CChar>(repeating: 0)  // RB_MACHINE_NAME_BYTES
    withUnsafeMutableBytes(of: &name) { bytes in
        let text = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
        rb_machine_name(text)
        body(text[0] == 0 ? "unknown" : CText(text))
    }
}

/// What sets the processor's clock; empty where the system does not tell.
func withGovernor(of conditions: rb_conditions, _ body: (CText) -> Void) {
    withUnsafeBytes(of: conditions.governor) { body(CText($0.baseAddress!.assumingMemoryBound(to: CChar.self))) }
}
