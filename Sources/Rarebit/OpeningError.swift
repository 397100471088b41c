import Inference
import ModelFormat
import Platform
import Text

/// Why there is no model, or no engine, of a file. `status` is a negative error number of Linux.
public enum OpeningError: Error {
    case unreadable(status: Int32)
    case noMemory(bytes: Int, status: Int32)
    case refused(ModelError)
    case cannotRun(InferenceError)
}

extension OpeningError: TextConvertible {
    public var text: Message {
        switch self {
        case .unreadable(let status): "cannot be read: \(CText(rb_error_text(status)))"
        case .noMemory(let bytes, let status):
            "cannot have \(bytes) bytes of memory: \(CText(rb_error_text(status)))"
        case .refused(let error): error.text
        case .cannotRun(let error): error.text
        }
    }
}
