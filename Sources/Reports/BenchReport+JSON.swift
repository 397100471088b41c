import Inference
import ModelFormat
import Platform
import Text

extension TextWriter where Sink: ~Copyable {
    /// The report as one JSON record. What the system does not tell is null.
    public mutating func append(jsonOf report: BenchReport) {
        var samples = report.samples
        append("{\"model\":")
        append(jsonString: report.model)
        append(",\"model_crc\":\"")
        append(hexadecimal: report.answer.engine.model.checksum)
        append("\",\"kernels\":\"")
        append(cString: report.answer.engine.path.name)
        append("\",\"threads\":")
        append(report.threads)
        append(",\"runs\":")
        append(samples.count)
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            append(member: statistic.member, Double(samples.percentile(statistic.fraction)) / 1e6, decimals: 6)
        }
        append(member: "load_ms", Double(report.loadTime) / 1e6, decimals: 6)
        append(member: "first_inference_ms", Double(report.firstInference) / 1e6, decimals: 6)
        append(member: "first_answer_ms", Double(report.firstAnswer) / 1e6, decimals: 6)
        append(member: "fps", report.frameRate, decimals: 3)
        append(member: "late_runs", report.frameRate.map { _ in Double(report.lateRuns) }, decimals: 0)
        append(member: "frames_per_s", report.framesPerSecond, decimals: 3)
        append(",\"macs\":")
        append(UInt64(report.multiplyAccumulates))
        append(member: "gmac_per_s", report.rate, decimals: 3)
        append(member: "ceiling_gmac_per_s", report.ceiling, decimals: 3)
        append(",\"arena_bytes\":")
        append(report.arenaBytes)
        append(",\"resident_bytes\":")
        append(report.peakResidentBytes)
        appendConditions(of: report)
        append(",")
        append(jsonMembersOf: report.answer)
        append("}\n")
    }

    private mutating func appendConditions(of report: BenchReport) {
        append(",\"machine\":")
        withMachineName { append(jsonString: $0) }
        append(",\"core\":")
        append(report.processor)
        append(",\"governor\":")
        withUnsafeBytes(of: report.before.governor) { governor in
            let text = governor.baseAddress!.assumingMemoryBound(to: CChar.self)
            if text[0] == 0 {
                append("null")
            } else {
                append(jsonString: text)
            }
        }
        let (before, after) = (report.before, report.after)
        append(member: "mhz_before", told(before.frequency_khz, unit: 1000), decimals: 0)
        append(member: "mhz_after", told(after.frequency_khz, unit: 1000), decimals: 0)
        append(member: "celsius_before", told(before.millidegrees, unit: 1000), decimals: 1)
        append(member: "celsius_after", told(after.millidegrees, unit: 1000), decimals: 1)
        append(",\"throttled\":")
        switch report.wasThrottled {
        case true?: append("true")
        case false?: append("false")
        case nil: append("null")
        }
    }

    private func told(_ value: Int32, unit: Double) -> Double? {
        value == RB_NOT_TOLD ? nil : Double(value) / unit
    }

    /// `,"name":value`, null for nil.
    mutating func append(member name: StaticString, _ value: Double?, decimals: Int) {
        append(",\"")
        append(name)
        append("\":")
        if let value {
            append(value, decimals: decimals)
        } else {
            append("null")
        }
    }

    /// A NUL-terminated string as a JSON string.
    mutating func append(jsonString text: UnsafePointer<CChar>) {
        var length = 0
        while text[length] != 0 {
            length += 1
        }
        append(jsonString: UnsafeRawBufferPointer(start: text, count: length))
    }
}
