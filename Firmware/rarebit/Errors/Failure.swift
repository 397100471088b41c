import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Rarebit
import Text

/// Why the work failed. `status` is a negative error number of Linux.
enum Failure {
    case unreadableFile(CText, status: Int32)
    case noMemory(bytes: Int, status: Int32)
    case cannotPin(status: Int32)
    case cannotStartThreads(Int, status: Int32)

    case model(CText, OpeningError)
    case trustedKeys(CText, TrustedKeysError)

    // Pictures and frames.
    /// With the decoder's line.
    case badImage(CText, CText)
    case largeImage(CText, width: Int, height: Int, limit: Int)
    case cannotResize(width: Int, height: Int)
    /// The crop is not inside pictures of this size.
    case cropOutside(width: Int, height: Int)
    case someImagesFailed(Int)
    case camera(CText, CameraError)
    case recording(CText, RecordingError)
    case folder(CText, PictureFolderError)
    /// A frame of a recording, counted from 0, is no picture.
    case damagedFrame(Int)

    /// The model file, since the program has read it.
    case modelChanged(CText)

    // Outputs.
    case output(status: Int32)
    case cannotWrite(OutputTarget, status: Int32)
    case cannotKeep(CText, status: Int32)
    case cannotServe(OptionValue, status: Int32)
    case shortToken(CText, least: Int)
    case oddToken(CText)

    // What a comparison with an earlier benchmark, in that file, found.
    case noRecord(CText)
    case otherNetwork(CText)
    case otherLogits(CText)
    case slower(CText, ratio: Double, threshold: Double)
}

extension Failure: TextConvertible {
    var text: Message {
        switch self {
        case .unreadableFile(let path, let status): "\(path): cannot be read: \(systemError: status)"
        case .noMemory(let bytes, let status): "cannot have \(bytes) bytes of memory: \(systemError: status)"
        case .cannotPin(let status): "cannot run on the cores asked for: \(systemError: status)"
        case .cannotStartThreads(let count, let status): "cannot start \(count) threads: \(systemError: status)"

        case .model(let path, let reason): "\(path): \(reason)"
        case .trustedKeys(let path, let reason): "\(path): \(reason)"

        case .badImage(let path, let reason): "\(path): \(reason)"
        case .largeImage(let path, let width, let height, let limit):
            "\(path): has \(width) x \(height) pixels; give one of at most \(limit) in all"
        case .cannotResize(let width, let height):
            """
            a picture of \(width) x \(height) cannot be resized to the model's input; give one nearer to its size and \
            shape
            """
        case .cropOutside(let width, let height):
            "--crop is not inside a picture of \(width) x \(height); give a part of it"
        case .someImagesFailed(let count):
            "\(count) \(count == 1 ? "image" : "images") could not be classified"
        case .camera(let path, let reason): "\(path): \(reason)"
        case .recording(let path, let reason): "\(path): \(reason)"
        case .folder(let path, let reason): "\(path): \(reason)"
        case .damagedFrame(let number): "frame \(number) of the recording is damaged; record it again"

        case .modelChanged(let path): "\(path): is another model by now; start the program again"

        case .output(let status): "standard output cannot be written: \(systemError: status)"
        case .cannotWrite(let target, let status): "\(target): cannot be written: \(systemError: status)"
        case .cannotKeep(let path, -RB_EBUSY): "\(path): another program keeps frames there; give each a folder"
        case .cannotKeep(let path, let status): "\(path): frames cannot be kept there: \(systemError: status)"
        case .cannotServe(let value, let status):
            "\(value.place, of: value.name)'\(value.text)': cannot be served at: \(systemError: status)"

        case .shortToken(let path, let least):
            "\(path): holds no token of at least \(least) characters; head -c 18 /dev/urandom | base64 makes one"
        case .oddToken(let path): "\(path): a token is one line of ASCII letters, digits and signs but for ;"

        case .noRecord(let path): "\(path): holds no record of a benchmark; make one with rarebit bench --json"
        case .otherNetwork(let path): "\(path): is of another network; compare runs of one model"
        case .otherLogits(let path):
            "\(path): the same model and input gave other logits there; one of the two programs computes wrongly"
        case .slower(let path, let ratio, let threshold):
            """
            the median time is \(ratio, decimals: 3) times that of \(path); \(threshold, decimals: 3) would pass
            """
        }
    }
}

extension OutputTarget: TextConvertible {
    public var text: Message {
        switch self {
        case .stream: "standard output"
        case .file(let path, _, _), .socket(let path): "\(path)"
        }
    }
}
