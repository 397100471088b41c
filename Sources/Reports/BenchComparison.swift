import Inference
import ModelFormat
import Text

/// A benchmark beside an earlier one, of which the JSON record is left.
public struct BenchComparison {
    /// Why the two do not go together, or what got worse.
    public enum Finding: Equatable {
        case alike
        /// The earlier file is no record of a benchmark.
        case noRecord
        /// Of another network: this one has that many multiply-accumulates, the earlier that many.
        case otherNetwork
        /// The same model and input gave other logits.
        case otherLogits
        /// The median time is that many times the earlier one.
        case slower(ratio: Double)
    }

    private let report: BenchReport
    private let old: JSONObject
    private let threshold: Double

    /// `old`: the text of the earlier record. `threshold`: the ratio of medians, new to old, that is still no finding.
    public init(of report: BenchReport, with old: UnsafeRawBufferPointer, threshold: Double) {
        self.report = report
        self.old = JSONObject(old)
        self.threshold = threshold
    }

    public var finding: Finding {
        guard let macs = old.number("macs"), let ratio = medianRatio else { return .noRecord }
        guard macs == report.multiplyAccumulates else { return .otherNetwork }
        let answer = report.answer
        let isSameTask =
            isEqual("model_crc", answer.engine.model.checksum) && isEqual("input_crc", answer.inputChecksum ?? 0)
            && old.number("alpha") == (Double(answer.alpha) * 1000).rounded() / 1000
        if isSameTask && !isEqual("logits_crc", answer.logitsChecksum) {
            return .otherLogits
        }
        return ratio > threshold ? .slower(ratio: ratio) : .alike
    }

    private var medianRatio: Double? { ratio(of: Statistic.all[1]) }

    /// New to old.
    func ratio(of statistic: Statistic) -> Double? {
        var samples = report.samples
        return ratio(Double(samples.percentile(statistic.fraction)) / 1e6, to: statistic.member)
    }

    var firstAnswerRatio: Double? { ratio(Double(report.firstAnswer) / 1e6, to: "first_answer_ms") }
    var residentRatio: Double? { ratio(Double(report.peakResidentBytes), to: "resident_bytes") }

    /// Of the earlier one; empty where its record does not tell.
    var kernels: UnsafeRawBufferPointer { old.string("kernels") ?? UnsafeRawBufferPointer(start: nil, count: 0) }
    var machine: UnsafeRawBufferPointer { old.string("machine") ?? UnsafeRawBufferPointer(start: nil, count: 0) }
    var threads: Double? { old.number("threads") }

    private func ratio(_ new: Double, to member: StaticString) -> Double? {
        guard let value = old.number(member), value > 0 else { return nil }
        return new / value
    }

    private func isEqual(_ member: StaticString, _ checksum: UInt32) -> Bool {
        guard let text = old.string(member), text.count == 8 else { return false }
        var value: UInt32 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            default: return false
            }
        }
        return value == checksum
    }
}

extension TextWriter where Sink: ~Copyable {
    /// One line of ratios, new to old.
    public mutating func write(_ comparison: BenchComparison) {
        write(
            """
            compared    with \(comparison.kernels), \(comparison.threads ?? 1, decimals: 0) threads, \
            \(comparison.machine); new / old:
            """)
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            write(comparison.ratio(of: statistic), named: statistic.name)
        }
        write(comparison.firstAnswerRatio, named: "first answer")
        write(comparison.residentRatio, named: "resident")
        write("\n")
    }

    private mutating func write(_ ratio: Double?, named name: StaticString) {
        if let ratio {
            write(" \(name) \(ratio, decimals: 3)")
        }
    }

    /// The ratios as one JSON record; those that the old record does not give are null.
    public mutating func writeRecord(of comparison: BenchComparison) {
        record {
            $0.member("compared", "new / old")
            for index in Statistic.all.indices {
                let statistic = Statistic.all[index]
                $0.member(statistic.member, comparison.ratio(of: statistic), decimals: 4)
            }
            $0.member("first_answer_ms", comparison.firstAnswerRatio, decimals: 4)
            $0.member("resident_bytes", comparison.residentRatio, decimals: 4)
        }
    }
}
