import Camera
import Inference
import ModelFormat
import Pixels
import Platform
import Telemetry

/// `rarebit run`: answers for the frames of a camera or a recording, one by one, until stopped.
struct Run {
    /// How long a camera may take to its next good frame.
    private static let frameDeadline: UInt64 = 5_000_000_000

    private static var defaultCamera: UnsafePointer<CChar> { ("/dev/video0" as StaticString).cString }

    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let team = try Team(settings)
        let loaded = try LoadedModel(path: settings.model, on: team.threads)
        if let path = settings.frames {
            var recording = try open(recording: path)
            try answer(&recording, named: path, with: loaded.engine)
        } else {
            let path = settings.camera ?? Self.defaultCamera
            var capture = Capture(device: V4L2Device(path: path), covering: Self.neededSize(for: loaded.model.input))
            try start(&capture, path: path)
            try answer(&capture, named: path, with: loaded.engine)
            capture.stop()
        }
    }

    /// The smallest frame that nothing needs to be enlarged of.
    private static func neededSize(for input: InputRecord) -> FrameSize {
        let side = input.resizeShorterSide
        let isCrop = side == max(input.tensor.width, input.tensor.height)
        return isCrop
            ? FrameSize(width: input.tensor.width, height: input.tensor.height) : FrameSize(width: side, height: side)
    }

    private func open(recording path: UnsafePointer<CChar>) throws(ProgramError) -> Recording {
        do throws(RecordingError) {
            return try Recording(path: path)
        } catch {
            throw .recording(path, error)
        }
    }

    private func start(_ capture: inout Capture<V4L2Device>, path: UnsafePointer<CChar>) throws(ProgramError) {
        setActivity("starting the camera")
        do throws(CameraError) {
            try capture.start()
        } catch {
            throw .camera(path, error)
        }
    }

    /// The loop: frame -> input tensor -> logits -> answer, until the source ends, enough frames are answered or the
    /// program is asked to stop.
    private func answer<Source: FrameSource & ~Copyable>(
        _ source: inout Source, named name: UnsafePointer<CChar>, with engine: Engine
    ) throws(ProgramError) {
        let geometry = source.geometry
        let (width, height) = (Int(geometry.width), Int(geometry.height))
        let input = engine.model.input
        guard
            let bytes = Preprocessor.workspaceBytes(input: input, format: geometry.format, width: width, height: height)
        else { throw .cannotResize(width: width, height: height) }
        let workspace = try Memory(count: bytes)
        guard
            var preprocessor = Preprocessor(
                input: input, format: geometry.format, width: width, height: height, workspace: workspace.bytes)
        else { throw .cannotResize(width: width, height: height) }

        let alpha = settings.alpha ?? engine.model.head.defaultAlpha
        var reporter = Reporter(isJSON: settings.isJSON)
        var number = 0
        setActivity("classifying frames")
        while number < settings.count,
            let frame = try next(from: &source, named: name, into: engine.input, &preprocessor)
        {
            let answer = Answer(running: engine, alpha: alpha, top: settings.top)
            let now = rb_clock_ns()
            let record = FrameRecord(
                number: number, sequence: frame.sequence, timestamp: frame.timestamp,
                age: now - min(frame.timestamp, now))
            try reporter.report(record, answer, now: now)
            number += 1
        }
    }

    /// Takes the next frame, quantises it into `input` and gives it back; nil when there are no more.
    private func next<Source: FrameSource & ~Copyable>(
        from source: inout Source, named name: UnsafePointer<CChar>, into input: UnsafeMutablePointer<UInt8>,
        _ preprocessor: inout Preprocessor
    ) throws(ProgramError) -> (sequence: UInt32, timestamp: UInt64)? {
        do throws(CameraError) {
            guard let frame = try source.next(deadline: rb_clock_ns() + Self.frameDeadline) else { return nil }
            var pixels = frame.pixels
            preprocessor.run(&pixels, into: input)
            let (sequence, timestamp) = (frame.sequence, frame.timestamp)
            try source.release(frame)
            return (sequence, timestamp)
        } catch {
            throw .camera(name, error)
        }
    }
}

/// Where and how answers are shown: JSON lines, a live view on a terminal, or plain lines.
private struct Reporter: ~Copyable {
    private enum Form { case json, lines, live }

    private var output = Output()
    private var live = LiveView()
    private let form: Form

    init(isJSON: Bool) {
        form = isJSON ? .json : rb_is_terminal(1) ? .live : .lines
    }

    mutating func report(_ record: FrameRecord, _ answer: Answer, now: UInt64) throws(ProgramError) {
        switch form {
        case .json: output.writer.append(jsonOf: record, answer)
        case .lines: output.writer.append(lineOf: record, answer)
        case .live: live.show(record, answer, now: now, columns: Int(rb_terminal_columns(1)), on: &output.writer)
        }
        try output.endRecord()
    }
}
