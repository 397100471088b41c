import Camera
import Inference
import ModelFormat
import Pixels
import Platform
import Telemetry

/// `rarebit run`: answers for the frames of a camera or a recording, one by one, until stopped.
struct Run {
    /// How long to wait for a frame before looking after everything else, nanoseconds.
    private static let longestWait: UInt64 = 250_000_000

    private static var defaultCamera: UnsafePointer<CChar> { ("/dev/video0" as StaticString).cString }

    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let team = try Team(settings)
        let loaded = try LoadedModel(path: settings.model, on: team.threads)
        if let path = settings.frames {
            try answerAll(of: try open(recording: path), named: path, with: loaded.engine)
        } else {
            let path = settings.camera ?? Self.defaultCamera
            let request = CaptureRequest(
                covering: neededSize(for: loaded.model.input), size: settings.size, format: settings.format,
                rate: settings.captureRate)
            var camera = RecoveringCamera(
                device: V4L2Device(CameraAddress(path)), for: request,
                patience: settings.patience.map { UInt64($0 * 1e9) })
            try start(&camera, path: path)
            try answerAll(of: camera, named: path, with: loaded.engine)
        }
    }

    /// With `--record`, what is answered is written too.
    private func answerAll<Source: FrameSource & ~Copyable>(
        of source: consuming Source, named name: UnsafePointer<CChar>, with engine: Engine
    ) throws(ProgramError) {
        guard let path = settings.recording else {
            try answer(&source, named: name, with: engine)
            source.stop()
            return
        }
        var recorded = RecordedSource(source, to: try recorder(path))
        try answer(&recorded, named: name, with: engine)
        recorded.stop()
    }

    /// The smallest frame that nothing needs to be enlarged of.
    private func neededSize(for input: InputRecord) -> FrameSize {
        let side = Int(input.resizeShorterSide)
        let (width, height) = (Int(input.tensor.width), Int(input.tensor.height))
        let isCrop = side == max(width, height)
        let needed = settings.view.neededFrame(width: isCrop ? width : side, height: isCrop ? height : side)
        return FrameSize(width: UInt32(needed.width), height: UInt32(needed.height))
    }

    private func open(recording path: UnsafePointer<CChar>) throws(ProgramError) -> Recording {
        do throws(RecordingError) {
            let recording = try Recording(path: path, loops: settings.loops)
            if recording.cutBytes > 0 { tell("ends inside a frame, which is left out", of: path) }
            return recording
        } catch {
            throw .recording(path, error)
        }
    }

    private func recorder(_ path: UnsafePointer<CChar>) throws(ProgramError) -> Recorder {
        do throws(RecordingError) {
            return try Recorder(path: path)
        } catch {
            throw .recording(path, error)
        }
    }

    private func start(_ camera: inout RecoveringCamera<V4L2Device>, path: UnsafePointer<CChar>) throws(ProgramError) {
        setActivity("starting the camera")
        do throws(CameraError) {
            try camera.start()
        } catch {
            throw .camera(path, error)
        }
    }

    /// The loop: frame -> input tensor -> logits -> answer, until the source ends, enough frames are answered or the
    /// program is asked to stop.
    private func answer<Source: FrameSource & ~Copyable>(
        _ source: inout Source, named name: UnsafePointer<CChar>, with engine: Engine
    ) throws(ProgramError) {
        // A camera that was not there at the start has no geometry yet.
        var view = View?.none
        var generation: UInt32 = 0
        let alpha = settings.alpha ?? engine.model.head.defaultAlpha
        var reporter = Reporter(isJSON: settings.isJSON)
        var number = 0
        setActivity("classifying frames")
        while number < settings.count {
            let frame: Frame
            switch source.next(deadline: rb_clock_ns() + Self.longestWait) {
            case .frame(let next): frame = next
            case .idle: continue
            case .ended:
                if let failure = source.failure { throw .camera(name, failure) }
                return
            }
            if view == nil || generation != source.generation {
                view = try View(settings.view, of: source.geometry, for: engine.model.input)
                generation = source.generation
                if let mode = source.mode { tell(mode, of: name) }
            }
            var pixels = frame.pixels
            let isPicture = view!.preprocessor.run(&pixels, into: engine.input)
            let (sequence, timestamp) = (frame.sequence, frame.timestamp)
            source.release(frame)
            guard isPicture else {
                source.reportUndecodable()
                continue
            }

            let answer = Answer(running: engine, alpha: alpha, top: settings.top)
            let now = rb_clock_ns()
            let record = FrameRecord(
                number: number, sequence: sequence, timestamp: timestamp, age: now - min(timestamp, now))
            try reporter.report(record, answer, now: now)
            number += 1
        }
    }

    private func tell(_ text: StaticString, of name: UnsafePointer<CChar>) {
        var line = TextWriter(DescriptorSink.standardError)
        line.append("rarebit: ")
        line.append(cString: name)
        line.append(": ")
        line.append(text)
        line.append("\n")
        _ = line.finish()
    }

    /// "rarebit: /dev/video0: YUYV 640 x 480 at 30 frames a second"
    private func tell(_ mode: CaptureMode, of name: UnsafePointer<CChar>) {
        var line = TextWriter(DescriptorSink.standardError)
        line.append("rarebit: ")
        line.append(cString: name)
        line.append(": ")
        line.append(mode)
        line.append(mode.rate > 0 ? " frames a second\n" : "\n")
        _ = line.finish()
    }
}

/// The way from the frames of one geometry to the model's input, in memory of its own.
private struct View: ~Copyable {
    private let workspace: Memory
    var preprocessor: Preprocessor

    init(_ view: FrameView, of geometry: FrameGeometry, for input: InputRecord) throws(ProgramError) {
        let (width, height) = (Int(geometry.width), Int(geometry.height))
        guard view.isInside(width: width, height: height) else { throw .cropOutside(width: width, height: height) }
        guard
            let bytes = Preprocessor.workspaceBytes(
                input: input, format: geometry.format, width: width, height: height, view: view)
        else { throw .cannotResize(width: width, height: height) }
        let workspace = try Memory(count: bytes)
        guard
            let preprocessor = Preprocessor(
                input: input, format: geometry.format, width: width, height: height, colour: geometry.colour,
                view: view, workspace: workspace.bytes)
        else { throw .cannotResize(width: width, height: height) }
        self.workspace = workspace
        self.preprocessor = preprocessor
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
