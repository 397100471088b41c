import Inference
import ModelFormat
import Platform
import Text

/// What one benchmark measured. Times are in nanoseconds.
public struct BenchReport {
    /// The model file's path, NUL-terminated.
    public var model: UnsafePointer<CChar>
    public var samples: LatencySamples
    /// Of a fixed input, after the runs; with the input's checksum.
    public var answer: Answer
    public var threads: Int
    /// The processor that the first thread ran on.
    public var processor: Int32
    /// From the start of loading to the packed weights.
    public var loadTime: UInt64
    public var firstInference: UInt64
    /// From the start of the first timed run to the end of the last.
    public var elapsed: UInt64
    /// Frames a second that runs were started at; nil: back to back.
    public var frameRate: Double?
    /// Of the paced runs, those that ended after the next should have started.
    public var lateRuns = 0
    /// The most that one core can do, 10^9 multiply-accumulates a second; nil where that was not measured.
    public var ceiling: Double?
    public var before: rb_conditions
    public var after: rb_conditions
    public var arenaBytes: Int
    public var peakResidentBytes: UInt64

    public init(
        model: UnsafePointer<CChar>, samples: LatencySamples, answer: Answer, threads: Int, processor: Int32,
        loadTime: UInt64, firstInference: UInt64, elapsed: UInt64, before: rb_conditions, after: rb_conditions,
        arenaBytes: Int,
        peakResidentBytes: UInt64
    ) {
        self.model = model
        self.samples = samples
        self.answer = answer
        self.threads = threads
        self.processor = processor
        self.loadTime = loadTime
        self.firstInference = firstInference
        self.elapsed = elapsed
        self.before = before
        self.after = after
        self.arenaBytes = arenaBytes
        self.peakResidentBytes = peakResidentBytes
    }

    /// Loading and the first run: from nothing to the first logits.
    public var firstAnswer: UInt64 { loadTime + firstInference }
    public var multiplyAccumulates: Double { answer.engine.model.multiplyAccumulates }

    /// 10^9 multiply-accumulates a second in the median run.
    var rate: Double {
        var samples = samples
        return multiplyAccumulates / Double(max(samples.percentile(0.5), 1))
    }

    var framesPerSecond: Double { Double(samples.count) * 1e9 / Double(max(elapsed, 1)) }

    /// Whether the processor was slowed down for heat or power; nil where the system does not tell.
    var wasThrottled: Bool? {
        if before.pi_throttling != RB_NOT_TOLD {
            return (before.pi_throttling | after.pi_throttling) & 0xF != 0
        }
        return before.throttles == RB_NOT_TOLD ? nil : after.throttles > before.throttles
    }
}

/// An order statistic of the latencies.
struct Statistic {
    let name: StaticString
    /// Its member of a JSON record, in milliseconds.
    let member: StaticString
    /// See `LatencySamples.percentile`.
    let fraction: Double

    static let all: InlineArray<6, Statistic> = [
        Statistic(name: "min", member: "min_ms", fraction: 0),
        Statistic(name: "median", member: "median_ms", fraction: 0.5),
        Statistic(name: "p90", member: "p90_ms", fraction: 0.9),
        Statistic(name: "p99", member: "p99_ms", fraction: 0.99),
        Statistic(name: "p99.9", member: "p99_9_ms", fraction: 0.999),
        Statistic(name: "max", member: "max_ms", fraction: 1),
    ]
}

extension TextWriter where Sink: ~Copyable {
    /// The report in lines of "name  value".
    public mutating func append(_ report: BenchReport) {
        append("model       ")
        append(cString: report.model)
        append(", ")
        append(report.multiplyAccumulates / 1e6, decimals: 1)
        append(" million multiply-adds\n")
        appendMachine(of: report)
        appendKernels(of: report)
        appendLatencies(of: report)
        appendThroughput(of: report)
        append("first       load ")
        append(milliseconds: report.loadTime)
        append(" ms, first inference ")
        append(milliseconds: report.firstInference)
        append(" ms, load to first answer ")
        append(milliseconds: report.firstAnswer)
        append(" ms\nmemory      arena ")
        append(report.arenaBytes)
        append(" bytes, resident at most ")
        append(report.peakResidentBytes)
        append("\nchecksums   input ")
        append(hexadecimal: report.answer.inputChecksum ?? 0)
        append(", logits ")
        append(hexadecimal: report.answer.logitsChecksum)
        append("\n")
    }

    private mutating func appendMachine(of report: BenchReport) {
        append("machine     ")
        withMachineName { append(cString: $0) }
        append(", core ")
        append(report.processor)
        withUnsafeBytes(of: report.before.governor) { governor in
            guard governor[0] != 0 else { return }
            append(", governor ")
            append(cString: governor.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
        if report.before.frequency_khz != RB_NOT_TOLD {
            append(", ")
            append(report.before.frequency_khz / 1000)
            append(" MHz before, ")
            append(report.after.frequency_khz / 1000)
            append(" after")
        }
        if report.before.millidegrees != RB_NOT_TOLD {
            append(", ")
            append(Double(report.before.millidegrees) / 1000, decimals: 1)
            append(" °C before, ")
            append(Double(report.after.millidegrees) / 1000, decimals: 1)
            append(" after")
        }
        switch report.wasThrottled {
        case true?: append(", THROTTLED\n")
        case false?: append(", not throttled\n")
        case nil: append("\n")
        }
    }

    private mutating func appendKernels(of report: BenchReport) {
        append("kernels     ")
        append(cString: report.answer.engine.path.name)
        append(report.threads == 1 ? ", 1 thread, " : ", ")
        if report.threads > 1 {
            append(report.threads)
            append(" threads, ")
        }
        append(report.samples.count)
        append(" runs")
        if let frameRate = report.frameRate {
            append(" at ")
            append(frameRate, decimals: 2)
            append(" frames/s, ")
            append(report.lateRuns)
            append(" of them late\n")
        } else {
            append(" back to back\n")
        }
    }

    private mutating func appendLatencies(of report: BenchReport) {
        var samples = report.samples
        append("latency     ms:")
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            append(" ")
            append(statistic.name)
            append(" ")
            append(milliseconds: samples.percentile(statistic.fraction))
        }
        append("\n")
    }

    private mutating func appendThroughput(of report: BenchReport) {
        append("throughput  ")
        append(report.framesPerSecond, decimals: 1)
        append(" frames/s, ")
        append(report.rate, decimals: 1)
        append(" GMAC/s at the median")
        if let ceiling = report.ceiling {
            append(", ")
            append(report.rate / (ceiling * Double(report.threads)) * 100, decimals: 0)
            append(" % of the ceiling of ")
            append(ceiling, decimals: 1)
            append(report.threads == 1 ? " GMAC/s" : " GMAC/s a thread")
        }
        append("\n")
    }

    /// Nanoseconds as milliseconds with microsecond decimals.
    public mutating func append(milliseconds nanoseconds: UInt64) {
        append(Double(nanoseconds) / 1e6, decimals: 3)
    }
}

/// The board's or processor's name, NUL-terminated.
func withMachineName(_ body: (UnsafePointer<CChar>) -> Void) {
    var name = InlineArray<64, CChar>(repeating: 0)  // RB_MACHINE_NAME_BYTES
    withUnsafeMutableBytes(of: &name) { bytes in
        let text = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
        rb_machine_name(text)
        body(text[0] == 0 ? ("unknown" as StaticString).cString : UnsafePointer(text))
    }
}

extension Model {
    /// Multiply-accumulates of one run.
    var multiplyAccumulates: Double {
        var total = 0.0
        for index in 0..<operationCount {
            total += Double(operation(index).multiplyAccumulates)
        }
        return total
    }
}
