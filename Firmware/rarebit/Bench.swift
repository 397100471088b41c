import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// `rarebit bench`: times the network, back to back or paced as a camera would. Its time does not depend on what its input
/// holds, so between runs the input stays as the last one left it.
struct Bench {
    /// Ratio of medians, new to old, that a comparison lets pass.
    private static let ratioThreshold = 1.05
    /// The most bytes of an earlier record's file.
    private static let recordLimit = 16 << 20

    private let settings: Settings
    private var bench: BenchSettings { settings.bench }

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        guard bench.frames == nil else { throw .usage(.framesWithoutCameraPath) }
        let old = try bench.comparison.map { path throws(ProgramError) in
            try Memory(copyOf: InputFile(path: path, limit: Self.recordLimit))
        }
        let loadStart = rb_clock_ns()
        let team = try Team(settings.computing)
        let loaded = try LoadedModel(
            path: settings.model, trust: settings.trust, for: settings.computing.executionPath, on: team.threads)
        let engine = loaded.engine
        var judge = try Judge(settings.judging, of: engine.model)
        let alpha = judge.alpha

        setActivity("running the network")
        fillInput(of: engine)
        let runStart = rb_clock_ns()
        engine.run(alpha: alpha)
        let runEnd = rb_clock_ns()

        let sampleMemory = try Memory(count: 8 * bench.runLimit)
        let timesMemory = try Memory(count: OperationTimes.byteCount(for: engine.model))
        var samples = LatencySamples(memory: sampleMemory.bytes.bindMemory(to: UInt64.self))
        let times = OperationTimes(of: engine.model, memory: timesMemory.bytes)
        warmUp(engine, alpha: alpha)
        let core = rb_current_cpu()
        let before = Self.conditions(of: core)
        let begin = rb_clock_ns()
        let lateRuns = measure(engine, alpha: alpha, samples: &samples, times: times)
        let elapsed = rb_clock_ns() - begin
        let after = Self.conditions(of: core)

        fillInput(of: engine)
        var report = BenchReport(
            model: settings.model, samples: samples,
            answer: judge.answer(from: engine, top: 1, at: 0, checksInput: true),
            threads: team.threads.count,
            processor: core, loadTime: runStart - loadStart, firstInference: runEnd - runStart, elapsed: elapsed,
            before: before, after: after, arenaBytes: loaded.arenaBytes, peakResidentBytes: rb_peak_resident_bytes())
        report.frameRate = bench.frameRate
        report.lateRuns = lateRuns
        if bench.showsCeiling || bench.showsLayers {
            report.ceiling = measureCeiling(of: engine.path)
        }
        try write(report, times)
        if let old, let path = bench.comparison {
            try compare(report, with: old, path: path)
        }
    }

    private func write(_ report: BenchReport, _ times: OperationTimes) throws(ProgramError) {
        var output = Output()
        if settings.isJSON {
            output.writer.writeRecord(of: report)
        } else {
            output.writer.write(report)
        }
        if bench.showsLayers, let ceiling = report.ceiling {
            let engine = report.answer.engine
            if settings.isJSON {
                output.writer.writeRecords(of: times, of: engine, ceiling: ceiling * Double(report.threads))
            } else {
                output.writer.write(times, of: engine, ceiling: ceiling * Double(report.threads))
            }
        }
        try output.finish()
    }

    private func compare(
        _ report: BenchReport, with old: borrowing Memory, path: CText
    ) throws(ProgramError) {
        let comparison = BenchComparison(
            of: report, with: UnsafeRawBufferPointer(old.bytes),
            threshold: bench.ratioThreshold ?? Self.ratioThreshold)
        let finding = comparison.finding
        switch finding {
        case .noRecord: throw .failure(.noRecord(path))
        case .otherNetwork: throw .failure(.otherNetwork(path))
        case .alike, .otherLogits, .slower: break
        }
        var output = Output()
        if settings.isJSON {
            output.writer.writeRecord(of: comparison)
        } else {
            output.writer.write(comparison)
        }
        try output.finish()
        switch finding {
        case .otherLogits: throw .failure(.otherLogits(path))
        case .slower(let ratio):
            throw .failure(.slower(path, ratio: ratio, threshold: bench.ratioThreshold ?? Self.ratioThreshold))
        case .alike, .noRecord, .otherNetwork: break
        }
    }

    private static func conditions(of core: Int32) -> rb_conditions {
        var conditions = rb_conditions()
        rb_read_conditions(CText("/sys").start, core, &conditions)
        return conditions
    }

    /// A fixed pattern, so that the checksums of two machines can be compared.
    private func fillInput(of engine: Engine) {
        var state: UInt32 = 1
        for index in 0..<engine.inputBytes.count {
            state = state &* 1_664_525 &+ 1_013_904_223  // Numerical Recipes' generator
            engine.input[index] = index % 4 == 3 ? 0 : UInt8(state >> 24)
        }
    }

    /// So that caches, predictors and the clock are as in steady use.
    private func warmUp(_ engine: Engine, alpha: Float) {
        let deadline = rb_clock_ns() + bench.warmUpTime
        while rb_clock_ns() < deadline && !rb_stop_requested() {
            engine.run(alpha: alpha)
        }
    }

    /// Fills `samples` and, where layers are asked for, `times`; how many paced runs ended late.
    private func measure(
        _ engine: Engine, alpha: Float, samples: inout LatencySamples, times: OperationTimes
    ) -> Int {
        let begin = rb_clock_ns()
        let deadline = begin + UInt64(bench.timeLimit * 1e9)
        let interval = bench.frameRate.map { UInt64(1e9 / $0) }
        var lateRuns = 0
        var due = begin
        var end = begin
        repeat {
            if interval != nil {
                rb_sleep_until(due)
            }
            let start = rb_clock_ns()
            if bench.showsLayers {
                end = run(engine, alpha: alpha, adjusts: samples.count % 2 == 0, from: start, times)
            } else {
                engine.run(alpha: alpha)
                end = rb_clock_ns()
            }
            samples.add(nanoseconds: end - start)
            if let interval {
                due += interval
                lateRuns += end > due ? 1 : 0
                due = max(due, end)
            }
        } while samples.count < bench.runLimit && end < deadline && !rb_stop_requested()
        if bench.showsLayers && times.count(times.plainHead) == 0 {  // there was one run only
            _ = run(engine, alpha: alpha, adjusts: false, from: rb_clock_ns(), times)
        }
        return lateRuns
    }

    /// One run with the time of each operation; when it ended. The caller lets runs with and without the adjustment take
    /// turns, so that the head's numbers are as far from the processor in both.
    private func run(
        _ engine: Engine, alpha: Float, adjusts: Bool, from start: UInt64, _ times: OperationTimes
    ) -> UInt64 {
        var last = start
        engine.runBackbone { index in
            let now = rb_clock_ns()
            times.add(now - last, to: index)
            last = now
        }
        engine.runHead(alpha: adjusts ? alpha : 0)
        let end = rb_clock_ns()
        times.add(end - last, to: adjusts ? times.adjustedHead : times.plainHead)
        return end
    }

    /// The best of several short loops, 10^9 multiply-accumulates a second: the loop can be disturbed, but not too fast.
    private func measureCeiling(of path: ExecutionPath) -> Double {
        let (loops, leastTime) = (20, UInt64(1_000_000))
        var rounds: UInt32 = 1000
        var best = 0.0
        var loop = 0
        while loop < loops && !rb_stop_requested() {
            let start = rb_clock_ns()
            let multiplyAccumulates = path.runCeiling(rounds: rounds)
            let time = max(rb_clock_ns() - start, 1)
            if time < leastTime && rounds < 1 << 30 {
                rounds *= 2
            } else {
                best = max(best, Double(multiplyAccumulates) / Double(time))
                loop += 1
            }
        }
        return best
    }
}
