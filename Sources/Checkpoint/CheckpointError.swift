/// Why a checkpoint was refused. The description is one line, without the file's path: the caller knows it.
public enum CheckpointError: Error, Equatable {
    case missingFile
    /// The path is there but is no readable regular file; the text is the system's reason.
    case unreadable(String)
    case notAZip
    /// The file begins like a zip and has no end-of-directory record.
    case truncatedZip
    /// A structure of the zip contradicts itself or points outside the file; the offset is in the file.
    case malformedZip(String, offset: Int)
    case compressedEntry(String)
    case missingEntry(String)
    case unsupportedVersion(String)
    case unsupportedByteOrder(String)
    /// Offsets of pickle errors count from the start of `data.pkl`.
    case unknownOperation(UInt8, offset: Int)
    case unknownGlobal(String, offset: Int)
    case malformedPickle(String, offset: Int)
    /// Reading on would take more memory than the file's size justifies.
    case tooLarge(String)
    /// Neither `state_dict_best` nor `state_dict` is at the top; the text lists the keys that are.
    case noStateDict(found: [String])
    /// The state dict has no such group: `feat_model` or `classifier`.
    case missingGroup(String)
    case notATensor(String)
    /// Two keys are the same once a leading `module.` is removed.
    case duplicateTensor(String)
    /// The tensor's offset, shape and strides reach outside its storage of that many elements.
    case tensorOutOfBounds(String, storage: Int)
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingFile:
            "no such file; check the path"
        case .unreadable(let reason):
            "cannot be read: \(quoted(reason)); give a regular file that you may read"
        case .notAZip:
            "not a PyTorch zip file; save the checkpoint again with torch.save of PyTorch 1.6 or later"
        case .truncatedZip:
            "the zip file ends too early; copy the checkpoint again"
        case .malformedZip(let what, let offset):
            "damaged zip file at byte \(offset): \(quoted(what)); copy the checkpoint again"
        case .compressedEntry(let name):
            "zip entry \(quoted(name)) is compressed or encrypted, which torch.save never does; save the checkpoint again"
        case .missingEntry(let name):
            "zip entry \(quoted(name)) is missing; is this file from torch.save?"
        case .unsupportedVersion(let version):
            "file format version \(quoted(version)) is not one of 1 to 10; save the checkpoint with an older PyTorch"
        case .unsupportedByteOrder(let order):
            "byte order \(quoted(order)) is not supported; save the checkpoint on a little-endian machine"
        case .unknownOperation(let code, let offset):
            "unknown pickle operation 0x\(String(code, radix: 16)) at byte \(offset) of data.pkl; "
                + "save plain state dicts with torch.save's defaults"
        case .unknownGlobal(let name, let offset):
            "the pickle refers to \(quoted(name)) at byte \(offset) of data.pkl; "
                + "save a checkpoint that holds only state dicts, numbers and arrays"
        case .malformedPickle(let what, let offset):
            "malformed pickle at byte \(offset) of data.pkl: \(quoted(what)); save the checkpoint again"
        case .tooLarge(let what):
            "\(quoted(what)) would take far more memory than the file's size; save a smaller checkpoint"
        case .noStateDict(let found):
            "no state_dict_best or state_dict at the top, only: \(quoted(found.joined(separator: ", "))); "
                + "save {'state_dict': {'feat_model': ..., 'classifier': ...}}"
        case .missingGroup(let name):
            "the state dict has no group \(quoted(name)); save both feat_model and classifier"
        case .notATensor(let name):
            "\(quoted(name)) is not a tensor; save state dicts of tensors only"
        case .duplicateTensor(let name):
            "two tensors are named \(quoted(name)) once 'module.' is removed; keep one of them"
        case .tensorOutOfBounds(let name, let storage):
            "tensor \(quoted(name)) reaches outside its storage of \(storage) elements; save the checkpoint again"
        }
    }
}

/// A text from an untrusted file, made fit for one line: control characters escaped, long texts cut.
private func quoted(_ text: String) -> String {
    let limit = 120
    let printable = text.unicodeScalars.prefix(limit).map { scalar in
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.properties.generalCategory == .format
            || scalar.value == 0x2028 || scalar.value == 0x2029
            ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return printable.joined() + (text.unicodeScalars.count > limit ? "..." : "")
}
