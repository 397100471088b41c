import Camera
import Platform
import Text

/// What kind of source the options name.
enum FrameOrigin {
    case camera(CText)
    case recording(CText)
    case folder(CText)
    case stream(StreamAddress)

    private static var defaultCamera: CText { "/dev/video0" }

    init(of run: RunSettings) throws(ProgramError) {
        if let path = run.frames {
            self = rb_kind_of_path(path.start) == RB_PATH_FOLDER ? .folder(path) : .recording(path)
        } else if let source = run.source {
            self = try FrameOrigin(source)
        } else {
            self = .camera(run.camera ?? Self.defaultCamera)
        }
    }

    private init(_ source: CText) throws(ProgramError) {
        if source == "-" {
            // A file that stands there in place of a pipe: every frame of it.
            let file: CText = "/dev/stdin"
            self = .stream(rb_kind_of_path(file.start) == RB_PATH_FILE ? .file(file) : .standardInput)
        } else if let command = source.suffix(after: "exec:") {
            self = .stream(.command(command))
        } else if source.suffix(after: "http://") != nil {
            self = .stream(.server(source))
        } else if source.suffix(after: "serial:") != nil || source.suffix(after: "port:") != nil {
            self = .camera(source)
        } else {
            self = try FrameOrigin(path: source)
        }
    }

    private init(path: CText) throws(ProgramError) {
        switch rb_kind_of_path(path.start) {
        case RB_PATH_FILE: self = try Self.isRecording(path) ? .recording(path) : .stream(.file(path))
        case RB_PATH_FOLDER: self = .folder(path)
        case RB_PATH_NOTHING where path.suffix(after: "/dev/") == nil:
            throw .failure(.unreadableFile(path, status: -RB_ENOENT))
        default: self = .camera(path)
        }
    }

    private static func isRecording(_ path: CText) throws(ProgramError) -> Bool {
        var beginning = InlineArray<8, UInt8>(repeating: 0)
        let file = try InputFile(path: path)
        let read = withUnsafeMutableBytes(of: &beginning) { file.read(into: $0) }
        return read == 8 && withUnsafeBytes(of: &beginning) { $0.isEqual(to: CText("RBFRAMES").bytes) }
    }
}
