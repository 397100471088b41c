import Inference
import ModelFormat
import Platform
import Text

extension TextWriter where Sink: ~Copyable {
    /// The report as one JSON record. What the system does not tell is null.
    public mutating func writeRecord(of report: BenchReport) {
        record {
            $0.members(of: report)
            $0.conditions(of: report)
            $0.members(of: report.answer)
        }
    }

    private mutating func members(of report: BenchReport) {
        var samples = report.samples
        member("model", report.model)
        member("model_crc", "\(hexadecimal: report.answer.engine.model.checksum)")
        member("kernels", report.answer.engine.path.name)
        member("threads", report.threads)
        member("runs", samples.count)
        for index in Statistic.all.indices {
            let statistic = Statistic.all[index]
            member(statistic.member, Double(samples.percentile(statistic.fraction)) / 1e6, decimals: 6)
        }
        member("load_ms", Double(report.loadTime) / 1e6, decimals: 6)
        member("first_inference_ms", Double(report.firstInference) / 1e6, decimals: 6)
        member("first_answer_ms", Double(report.firstAnswer) / 1e6, decimals: 6)
        member("fps", report.frameRate, decimals: 3)
        member("late_runs", report.frameRate.map { _ in Double(report.lateRuns) }, decimals: 0)
        member("frames_per_s", report.framesPerSecond, decimals: 3)
        member("macs", UInt64(report.multiplyAccumulates))
        member("gmac_per_s", report.rate, decimals: 3)
        member("ceiling_gmac_per_s", report.ceiling, decimals: 3)
        member("arena_bytes", report.arenaBytes)
        member("resident_bytes", report.peakResidentBytes)
    }

    private mutating func conditions(of report: BenchReport) {
        let (before, after) = (report.before, report.after)
        withMachineName { member("machine", $0) }
        member("core", report.processor)
        withGovernor(of: before) {
            if $0.isEmpty {
                null("governor")
            } else {
                member("governor", $0)
            }
        }
        member("mhz_before", told(before.frequency_khz, unit: 1000), decimals: 0)
        member("mhz_after", told(after.frequency_khz, unit: 1000), decimals: 0)
        member("celsius_before", told(before.millidegrees, unit: 1000), decimals: 1)
        member("celsius_after", told(after.millidegrees, unit: 1000), decimals: 1)
        member("throttled", report.wasThrottled)
    }

    private func told(_ value: Int32, unit: Double) -> Double? {
        value == RB_NOT_TOLD ? nil : Double(value) / unit
    }
}
