import Camera
import Inference
import ModelFormat
import Outputs
import Pixels
import Platform
import Streams
import Text

/// `rarebit run`: answers for the frames of a camera or a recording, one by one, until stopped.
struct Run {
    /// Frames a second that a camera is asked for.
    private static let defaultRate = 30.0

    private let invocation: Invocation
    private var settings: Settings { invocation.settings }
    private var run: RunSettings { settings.run }

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    func perform() throws(ProgramError) {
        let team = try Team(settings.computing)
        let loaded = try LoadedModel(path: settings.model, trust: settings.trust, on: team.threads)
        switch try FrameOrigin(of: run) {
        case .recording(let path):
            try answerAllPaced(of: try open(recording: path), named: path, with: loaded.engine)
        case .folder(let path):
            try answerAllPaced(of: try open(folder: path), named: path, with: loaded.engine)
        case .camera(let path):
            let request = CaptureRequest(
                covering: neededSize(for: loaded.model.input), size: run.size, format: run.format,
                rate: run.captureRate ?? Self.defaultRate)
            var camera = RecoveringCamera(
                device: V4L2Device(CameraAddress(path)), for: request, patience: patience)
            try start(&camera, path: path)
            try answerAll(of: camera, named: path, isCamera: true, with: loaded.engine)
        case .stream(let address):
            let name = address.name(in: try Memory.keeping(count: StreamAddress.nameBytes))
            var stream = RecoveringCamera(try capture(address, named: name), patience: patience)
            try start(&stream, path: name)
            try answerAll(of: stream, named: name, isCamera: address.isLive, with: loaded.engine)
        }
    }

    /// Nanoseconds.
    private var patience: UInt64? { run.patience.map { UInt64($0 * 1e9) } }

    private func capture(_ address: StreamAddress, named name: CText) throws(ProgramError) -> StreamCapture {
        do throws(CameraError) {
            return try StreamCapture(address, name: name, raw: rawFrames, loops: run.loops)
        } catch {
            throw .failure(.camera(name, error))
        }
    }

    /// Of a stream that is said to have frames of a size and format.
    private var rawFrames: RawFrames? {
        guard let size = run.size, let format = run.format else { return nil }
        return RawFrames(
            format: rb_pixels_format_of(format), width: Int32(clamping: size.width),
            height: Int32(clamping: size.height))
    }

    /// Of what is there already, no faster than `--fps` says.
    private func answerAllPaced<Source: FrameSource & ~Copyable>(
        of source: consuming Source, named name: CText, with engine: Engine
    ) throws(ProgramError) {
        if let rate = run.captureRate {
            try answerAll(of: PacedSource(source, rate: rate), named: name, isCamera: false, with: engine)
        } else {
            try answerAll(of: source, named: name, isCamera: false, with: engine)
        }
    }

    /// With `--record`, what is answered is written too.
    private func answerAll<Source: FrameSource & ~Copyable>(
        of source: consuming Source, named name: CText, isCamera: Bool, with engine: Engine
    ) throws(ProgramError) {
        var loop = try RunLoop(invocation, engine, source: name, isCamera: isCamera)
        guard let path = run.recording else {
            try loop.run(on: &source)
            source.stop()
            return
        }
        var recorded = RecordedSource(source, to: try recorder(path))
        try loop.run(on: &recorded)
        recorded.stop()
    }

    /// The smallest frame that nothing needs to be enlarged of.
    private func neededSize(for input: InputRecord) -> FrameSize {
        let side = Int(input.resizeSide)
        let (width, height) = (Int(input.tensor.width), Int(input.tensor.height))
        let larger = max(width, height)
        // A shorter side that is resized has as many pixels across as down; else the larger side of the input has them.
        let resizesShorterSide = input.resizeMode == InputFit.crop.rawValue && side > larger
        let needed = settings.view.neededFrame(
            width: resizesShorterSide ? side : side * width / larger,
            height: resizesShorterSide ? side : side * height / larger)
        return FrameSize(width: UInt32(needed.width), height: UInt32(needed.height))
    }

    private func open(recording path: CText) throws(ProgramError) -> Recording {
        do throws(RecordingError) {
            let recording = try Recording(path: path.start, loops: run.loops)
            if recording.cutBytes > 0 { tell("ends inside a frame, which is left out", of: path) }
            return recording
        } catch {
            throw .failure(.recording(path, error))
        }
    }

    private func open(folder path: CText) throws(ProgramError) -> PictureFolder {
        do throws(PictureFolderError) {
            let folder = try PictureFolder(path: path, loops: run.loops)
            if folder.subfolders + folder.hiddenFiles > 0 {
                tell(
                    "sub-folders (\(folder.subfolders)) and hidden files (\(folder.hiddenFiles)) are passed over",
                    of: path)
            }
            return folder
        } catch {
            throw .failure(.folder(path, error))
        }
    }

    private func recorder(_ path: CText) throws(ProgramError) -> Recorder {
        do throws(RecordingError) {
            return try Recorder(path: path.start)
        } catch {
            throw .failure(.recording(path, error))
        }
    }

    private func start<Camera: StartableCamera & ~Copyable>(
        _ camera: inout RecoveringCamera<Camera>, path: CText
    ) throws(ProgramError) {
        setActivity("starting the camera")
        do throws(CameraError) {
            try camera.start()
        } catch {
            throw .failure(.camera(path, error))
        }
    }

    private func tell(_ text: Message, of name: CText) {
        var line = TextWriter(DescriptorSink.standardError)
        line.write("rarebit: \(name): \(text)\n")
        _ = line.finish()
    }
}
