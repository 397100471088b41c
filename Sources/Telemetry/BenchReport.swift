import Inference
import ModelFormat

/// The order statistics of a benchmark.
private enum Statistic: Int {
    case median, min, p90, p99, max

    var name: StaticString {
        switch self {
        case .median: "median"
        case .min: "min"
        case .p90: "p90"
        case .p99: "p99"
        case .max: "max"
        }
    }

    /// See `LatencySamples.percentile`.
    var fraction: Double {
        switch self {
        case .median: 0.5
        case .min: 0
        case .p90: 0.9
        case .p99: 0.99
        case .max: 1
        }
    }

    static let all: InlineArray<5, Statistic> = [.median, .min, .p90, .p99, .max]
}

extension TextWriter where Sink: ~Copyable {
    /// Latency statistics of a benchmark in lines of "name  value". `firstAnswer`: nanoseconds from the start of
    /// loading to the first logits.
    public mutating func append(summaryOf samples: LatencySamples, answer: Answer, firstAnswer: UInt64) {
        var samples = samples
        append("kernels     ")
        append(cString: answer.engine.path.name)
        append(", 1 thread, ")
        append(samples.count)
        append(" runs\nlatency     ms:")
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            append(" ")
            append(statistic.name)
            append(" ")
            append(milliseconds: samples.percentile(statistic.fraction))
        }
        append("\nthroughput  ")
        append(Double(samples.count) * 1e9 / Double(samples.total), decimals: 1)
        append(" frames/s, ")
        append(answer.engine.model.multiplyAccumulates / Double(samples.percentile(0.5)), decimals: 1)
        append(" GMAC/s at the median\nfirst       load to first answer ")
        append(milliseconds: firstAnswer)
        append(" ms\nchecksums   input ")
        append(hexadecimal: answer.inputChecksum)
        append(", logits ")
        append(hexadecimal: answer.logitsChecksum)
        append("\n")
    }

    /// The same as one JSON record.
    public mutating func append(jsonOf samples: LatencySamples, answer: Answer, firstAnswer: UInt64) {
        var samples = samples
        append("{\"kernels\":\"")
        append(cString: answer.engine.path.name)
        append("\",\"threads\":1,\"runs\":")
        append(samples.count)
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            append(",\"")
            append(statistic.name)
            append("_ms\":")
            append(milliseconds: samples.percentile(statistic.fraction))
        }
        append(",\"first_answer_ms\":")
        append(milliseconds: firstAnswer)
        append(",\"macs\":")
        append(answer.engine.model.multiplyAccumulates, decimals: 0)
        append(",")
        append(jsonMembersOf: answer)
        append("}\n")
    }

    /// Mean time of each operation over `runs`: `layers` holds their sums in nanoseconds.
    public mutating func append(
        layers: UnsafeMutableBufferPointer<UInt64>, runs: Int, of model: Model, asJSON: Bool
    ) {
        for index in 0..<model.operationCount {
            let nanoseconds = Double(layers[index]) / Double(runs)
            let rate = Double(model.operation(index).multiplyAccumulates) / max(nanoseconds, 1)
            if asJSON {
                append("{\"operation\":")
                append(jsonString: model.operationName(index))
                append(",\"mean_us\":")
                append(nanoseconds / 1e3, decimals: 3)
                append(",\"gmac_per_s\":")
                append(rate, decimals: 2)
                append("}\n")
            } else {
                append("  ")
                append(bytes: model.operationName(index))
                append(": ")
                append(nanoseconds / 1e3, decimals: 1)
                append(" us, ")
                append(rate, decimals: 1)
                append(" GMAC/s\n")
            }
        }
    }

    /// Nanoseconds as milliseconds with microsecond decimals.
    public mutating func append(milliseconds nanoseconds: UInt64) {
        append(Double(nanoseconds) / 1e6, decimals: 3)
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
