import Camera
import Inference
import Outputs
import Pixels
import Platform
import Reports
import Text

/// `rarebit bench --camera-path`: what conversion, judging and reporting add to the network, for synthetic frames or those
/// of a recording. Frames come from memory and answers go to nobody; all between is the `FramePath` that `run` takes too.
struct CameraPathBench {
    private let settings: Settings
    private var bench: BenchSettings { settings.bench }

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let team = try Team(settings.computing)
        let loaded = try LoadedModel(
            path: settings.model, trust: settings.trust, for: settings.computing.executionPath, on: team.threads)
        setActivity("measuring the way of a frame")
        if let path = bench.frames {
            var recording = try open(path)
            try measure(&recording, with: loaded.engine, threads: team.threads.count)
        } else {
            let frames = try SyntheticFrames()
            var source = frames.source()
            try measure(&source, with: loaded.engine, threads: team.threads.count)
        }
    }

    private func open(_ path: CText) throws(ProgramError) -> Recording {
        do throws(RecordingError) {
            return try Recording(path: path.start, loops: true)
        } catch {
            throw .failure(.recording(path, error))
        }
    }

    private func measure<Source: FrameSource & ~Copyable>(
        _ source: inout Source, with engine: Engine, threads: Int
    ) throws(ProgramError) {
        let memory = try Memory(count: CameraPathReport.byteCount(frames: bench.runLimit))
        let geometry = source.geometry
        var report = CameraPathReport(
            model: settings.model, fourcc: rb_pixels_fourcc(Int32(geometry.format.rawValue)),
            width: Int(geometry.width), height: Int(geometry.height),
            kernels: engine.path.name, threads: threads, memory: memory.bytes)
        var path = try FramePath(settings, engine, to: reporterToNobody(for: engine))
        _ = try path.follow(source)

        let warmUpEnd = rb_clock_ns() + bench.warmUpTime
        while rb_clock_ns() < warmUpEnd && report.count < bench.runLimit,
            try answer(from: &source, on: &path, report: &report)
        {}
        report.clear()
        let end = rb_clock_ns() + UInt64(bench.timeLimit * 1e9)
        while report.count < bench.runLimit && (report.count == 0 || rb_clock_ns() < end),
            try answer(from: &source, on: &path, report: &report)
        {}
        guard report.count > 0 else { return }  // asked to stop

        var output = Output()
        if settings.isJSON {
            output.writer.writeRecord(of: report)
        } else {
            output.writer.write(report)
        }
        try output.finish()
    }

    private func reporterToNobody(for engine: Engine) throws(ProgramError) -> Reporter {
        let nobody = rb_open_nobody()
        guard nobody >= 0 else { throw .failure(.output(status: nobody)) }
        return try Reporter(
            OutputSettings(place: .nobody(nobody)), isJSON: true, model: engine.model, top: settings.judging.top,
            source: "frames", isCamera: false)
    }

    /// Answers the next frame and adds its times. False where there is none.
    private func answer<Source: FrameSource & ~Copyable>(
        from source: inout Source, on path: inout FramePath, report: inout CameraPathReport
    ) throws(ProgramError) -> Bool {
        let start = rb_clock_ns()
        guard case .frame(let frame) = source.next(deadline: start) else { return false }
        let bytes = frame.byteCount
        _ = try path.follow(source)
        guard let passage = try path.answer(frame, of: &source) else {
            throw .failure(.damagedFrame(path.answered))
        }
        // Its time does not depend on what the input holds.
        path.engine.run(alpha: path.judge.alpha)
        report.add(
            bytes: bytes, start: start, captured: passage.begun, converted: passage.converted,
            answered: passage.answered, reported: passage.reported, inference: rb_clock_ns() - passage.reported)
        return true
    }
}
