import Camera
import Inference
import ModelFormat
import Pixels
import Platform
import Reports
import Text

/// `rarebit bench --camera-path`: what conversion, judging and reporting add to the network, for synthetic frames or those
/// of a recording. Frames come from memory and answers go to nobody; all between is what `run` does.
struct CameraPathBench {
    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let team = try Team(settings)
        let loaded = try LoadedModel(path: settings.model, for: settings.executionPath, on: team.threads)
        setActivity("measuring the way of a frame")
        if let path = settings.frames {
            var recording = try open(path)
            try measure(&recording, with: loaded.engine, threads: team.threads.count)
        } else {
            let frames = try SyntheticFrames()
            var source = frames.source()
            try measure(&source, with: loaded.engine, threads: team.threads.count)
        }
    }

    private func open(_ path: UnsafePointer<CChar>) throws(ProgramError) -> Recording {
        do throws(RecordingError) {
            return try Recording(path: path, loops: true)
        } catch {
            throw .recording(path, error)
        }
    }

    private func measure<Source: FrameSource & ~Copyable>(
        _ source: inout Source, with engine: Engine, threads: Int
    ) throws(ProgramError) {
        let memory = try Memory(count: CameraPathReport.byteCount(frames: settings.runLimit))
        let geometry = source.geometry
        var report = CameraPathReport(
            model: settings.model, fourcc: rb_pixels_fourcc(Int32(geometry.format.rawValue)),
            width: Int(geometry.width), height: Int(geometry.height),
            kernels: engine.path.name, threads: threads, memory: memory.bytes)
        var path = try Path(settings, source, engine)

        let warmUpEnd = rb_clock_ns() + settings.warmUpTime
        while rb_clock_ns() < warmUpEnd && report.count < settings.runLimit,
            try path.answer(from: &source, report: &report)
        {}
        report.clear()
        let end = rb_clock_ns() + UInt64(settings.timeLimit * 1e9)
        while report.count < settings.runLimit && (report.count == 0 || rb_clock_ns() < end),
            try path.answer(from: &source, report: &report)
        {}
        guard report.count > 0 else { return }  // asked to stop

        var output = Output()
        if settings.isJSON {
            output.writer.append(jsonOf: report)
        } else {
            output.writer.append(report)
        }
        try output.finish()
    }
}

/// What `run` has between a source and its readers.
private struct Path: ~Copyable {
    private let engine: Engine
    private let top: Int
    private var view = SourceView(FrameView())
    private var judge: Judge
    private var reporter: Reporter
    private var number = 0

    init<Source: FrameSource & ~Copyable>(
        _ settings: Settings, _ source: borrowing Source, _ engine: Engine
    ) throws(ProgramError) {
        var settings = settings
        settings.isJSON = true
        let nobody = rb_open_nobody()
        guard nobody >= 0 else { throw .output(nobody) }
        settings.output = .nobody(nobody)
        _ = try view.follow(source, for: engine.model.input)
        let judge = try Judge(settings, of: engine.model)
        let reporter = try Reporter(
            settings, model: engine.model, source: ("frames" as StaticString).cString, isCamera: false)
        self.engine = engine
        top = settings.top
        self.judge = judge
        self.reporter = reporter
    }

    /// Answers the next frame and adds its times. False where there is none.
    mutating func answer<Source: FrameSource & ~Copyable>(
        from source: inout Source, report: inout CameraPathReport
    ) throws(ProgramError) -> Bool {
        let start = rb_clock_ns()
        guard case .frame(let frame) = source.next(deadline: start) else { return false }
        let captured = rb_clock_ns()
        let (sequence, timestamp, bytes) = (frame.sequence, frame.timestamp, frame.byteCount)
        _ = try view.follow(source, for: engine.model.input)
        let isPicture = view.show(frame.pixels, to: engine)
        source.release(frame)
        guard isPicture else { throw .damagedFrame(number) }
        let converted = rb_clock_ns()
        let answer = judge.answer(from: engine, top: top, at: timestamp, checksInput: reporter.tellsChecksums)
        let answered = rb_clock_ns()
        let record = FrameRecord(
            number: number, sequence: sequence, timestamp: timestamp, answered: answered)
        _ = try reporter.report(record, answer, smoothed: judge.policy.rules.smoothing > 0, now: answered)
        let reported = rb_clock_ns()
        // Its time does not depend on what the input holds.
        engine.run(alpha: judge.alpha)
        report.add(
            bytes: bytes, start: start, captured: captured, converted: converted, answered: answered,
            reported: reported,
            inference: rb_clock_ns() - reported)
        number += 1
        return true
    }
}
