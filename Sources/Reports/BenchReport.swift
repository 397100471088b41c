import Inference
import ModelFormat
import Platform
import Text

/// What one benchmark measured. Times are in nanoseconds.
public struct BenchReport {
    /// The model file's path.
    public var model: CText
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
        model: CText, samples: LatencySamples, answer: Answer, threads: Int, processor: Int32,
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
