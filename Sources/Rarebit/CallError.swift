import Inference
import ModelFormat
import Platform
import RarebitHeader
import Text

/// Why a function of the header did not do its work.
enum CallError: Error {
    /// Of the file at a path, or of bytes.
    case opening(CText?, OpeningError)
    case threads(Int32, status: Int32)
    case picture(PictureFault)
    case argument(ArgumentFault)

    /// As the header numbers them.
    var code: Int32 {
        switch self {
        case .opening(_, .unreadable): Int32(RAREBIT_UNREADABLE)
        case .opening(_, .noMemory), .threads: Int32(RAREBIT_NO_MEMORY)
        case .opening(_, .refused): Int32(RAREBIT_BAD_MODEL)
        case .opening(_, .cannotRun): Int32(RAREBIT_CANNOT_RUN)
        case .picture: Int32(RAREBIT_BAD_PICTURE)
        case .argument: Int32(RAREBIT_BAD_ARGUMENT)
        }
    }
}

/// What is wrong with a picture.
enum PictureFault {
    case unknownFormat(UInt32)
    case cannotResize(width: Int32, height: Int32)
    case cropOutside(width: Int32, height: Int32)
    case workspaceTooSmall(needed: Int, given: Int)
    case tooShort
    case undecodable
}

/// A mistake of the caller.
enum ArgumentFault {
    case missing(StaticString)
    case keys(TrustedKeysError)
    case misaligned(StaticString)
    case notOpen
    case alreadyOpen
    case notStarted
    case noView
    case otherInput
    case weightsGone
    case bytesAreYours
    case unknownInstructions(CText)
    case outOfRange(StaticString)
    /// In this place of the list.
    case classOrder(Int)
    case notFinite(Int)
}

extension CallError: TextConvertible {
    var text: Message {
        switch self {
        case .opening(let path?, let error): "\(path): \(error)"
        case .opening(nil, let error): error.text
        case .threads(let count, let status):
            "cannot start \(count) threads: \(CText(rb_error_text(status)))"
        case .picture(let fault): fault.text
        case .argument(let fault): fault.text
        }
    }
}

extension PictureFault: TextConvertible {
    var text: Message {
        switch self {
        case .unknownFormat(let fourcc):
            "pixel format \(hexadecimal: fourcc) is none that the library converts; see RAREBIT_RGB24 and others"
        case .cannotResize(let width, let height):
            """
            a picture of \(width) x \(height) cannot be resized to the model's input; give one nearer to its size and \
            shape
            """
        case .cropOutside(let width, let height):
            "the crop is not inside a picture of \(width) x \(height); give a part of it"
        case .workspaceTooSmall(let needed, let given):
            "the view needs a workspace of \(needed) bytes and was given \(given)"
        case .tooShort: "the picture's memory is too short for its size, or a stride for its rows"
        case .undecodable: "the picture is no JPEG of the view's size that can be decoded"
        }
    }
}

extension ArgumentFault: TextConvertible {
    var text: Message {
        switch self {
        case .missing(let name): "\(name) is NULL"
        case .keys(let error): "the text of trusted keys \(error)"
        case .misaligned(let name): "\(name) must start at a multiple of 64 bytes"
        case .notOpen: "the model is not open; call rarebit_open first"
        case .alreadyOpen: "the model is open already; call rarebit_close first"
        case .notStarted: "the engine is not started; call rarebit_start first"
        case .noView: "the view is not prepared; call rarebit_view_start first"
        case .otherInput: "the view is for a model of another input; prepare one for the engine's model"
        case .weightsGone:
            "the model's weights were given back to the system for its only engine; open the file once more"
        case .bytesAreYours: "is_only_engine is for models that rarebit_open opened; leave it 0"
        case .unknownInstructions(let name):
            """
            '\(name)' is no instruction set; give avx512vnni, avxvnni, avx2, i8mm, dotprod, neon or reference, or NULL
            """
        case .outOfRange(let name): "\(name) is out of range; see rarebit.h"
        case .classOrder(let place):
            "classes[\(place)] is no class of the model, or not above the one before; list them in ascending order"
        case .notFinite(let index): "offsets[\(index)] is not finite"
        }
    }
}

/// Does the work of a function, and says in C's terms how it ended.
func call(
    _ error: UnsafeMutablePointer<rarebit_error>?, _ work: () throws(CallError) -> Void
) -> Int32 {
    do throws(CallError) {
        try work()
        error?.fill(code: Int32(RAREBIT_OK), "")
        return Int32(RAREBIT_OK)
    } catch let fault {
        error?.fill(code: fault.code, fault.text)
        return fault.code
    }
}

extension UnsafeMutablePointer<rarebit_error> {
    fileprivate func fill(code: Int32, _ message: Message) {
        pointee.code = code
        withUnsafeMutableBytes(of: &pointee.text) { text in
            var writer = TextWriter(BufferSink(UnsafeMutableRawBufferPointer(rebasing: text.dropLast())))
            writer.write(message)
            let count = writer.finish().bytes.count
            text[count] = 0
        }
    }
}
