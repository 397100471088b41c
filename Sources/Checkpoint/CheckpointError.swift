/// Why a checkpoint was refused. The description is one line, without the file's path: the caller knows it.
public enum CheckpointError: Error, Equatable {
    case missingFile
    /// The path is there but is no readable regular file; the text is the system's reason.
    case unreadable(String)
    /// The file begins like none of the forms that are read.
    case unknownForm
    /// The file is of a form that is not read, by the name that people give it.
    case foreignForm(String, wayOut: String)
    /// The file is shorter than it says itself: a download that was cut off.
    case endsEarly
    case notAZip
    /// The file begins like a zip and has no end-of-directory record.
    case truncatedZip
    /// A structure of the zip contradicts itself or points outside the file; the offset is in the file.
    case malformedZip(String, offset: Int)
    case compressedEntry(String)
    case missingEntry(String)
    /// The bytes of a zip entry are not those whose checksum the zip states.
    case wrongChecksum(String)
    /// A structure of a legacy or safetensors file contradicts itself or points outside the file.
    case malformedFile(String)
    case unsupportedVersion(String)
    /// The version of ONNX's operator set.
    case unsupportedOperatorSet(Int)
    /// Something in an ONNX file that is not read.
    case unsupportedONNX(String)
    /// The numbers of a tensor of an ONNX file stand in another file, which cannot be read.
    case externalData(String, ExternalDataFault)
    case unsupportedByteOrder(String)
    /// Offsets of pickle errors count from the start of the pickle: `data.pkl`, or the file where it is of the legacy form.
    case unknownOperation(UInt8, offset: Int)
    case malformedPickle(String, offset: Int)
    /// Reading on would take more memory than the file's size justifies.
    case tooLarge(String)
    /// No tensors are where weights stand; the text lists the keys at the top.
    case noStateDict(found: [String])
    /// A moving average of weights and the weights themselves, by where in the file they stand.
    case averagedAndRaw(averaged: String, raw: String)
    case noSuchWeights(WeightKind)
    /// Networks of the same kind, by what stands before the keys of each.
    case severalNetworks([String])
    /// A tensor is computed from others in a way that the file does not say.
    case unknownReparametrization(String)
    case notATensor(String)
    /// A tensor of a kind that cannot be read, such as a complex or a sparse one.
    case unsupportedTensor(String, kind: String)
    /// Two keys are the same once what wrappers put before them is removed.
    case duplicateTensor(String)
    /// The tensor's offset, shape and strides reach outside its storage of that many elements.
    case tensorOutOfBounds(String, storage: Int)
}

/// Why the file that a tensor of an ONNX file names is not read. The description goes on after "stand in another file".
public enum ExternalDataFault: Error, Equatable, CustomStringConvertible {
    /// An absolute path, one with "..", or a link: a location outside the folder of the ONNX file.
    case outsideTheFolder(location: String)
    case missing(location: String)
    case unreadable(location: String, String)
    /// The file ends before the tensor's numbers do.
    case tooShort(location: String, bytes: Int, needed: Int)
    /// Location, offset or length are missing or make no sense.
    case malformed
    /// The tensor belongs to a node: exporters leave those numbers in the file.
    case ofAttribute
    /// Only the ONNX file's own bytes are at hand.
    case notAtHand(location: String)

    public var description: String {
        switch self {
        case .outsideTheFolder(let location):
            ", \(printable(location)), and only the ONNX file's own folder is read; export with external_data=False"
        case .missing(let location):
            ", \(printable(location)), which is missing; copy it beside the ONNX file, or export with external_data=False"
        case .unreadable(let location, let reason):
            ", \(printable(location)), which cannot be read: \(printable(reason)); give a regular file that you may read"
        case .tooShort(let location, let bytes, let needed):
            ", \(printable(location)), which has \(bytes) bytes of at least \(needed); copy it again"
        case .malformed, .ofAttribute:
            " in a way that cannot be read; export with external_data=False"
        case .notAtHand(let location):
            ", \(printable(location)), which is not at hand; export with external_data=False"
        }
    }
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingFile:
            "no such file; check the path"
        case .unreadable(let reason):
            "cannot be read: \(printable(reason)); give a regular file that you may read"
        case .unknownForm:
            "is no PyTorch checkpoint (zip or legacy), safetensors or ONNX file; save the model as one of these: \(wayThroughONNX)"
        case .foreignForm(let name, let wayOut):
            "is \(name); \(wayOut)"
        case .endsEarly:
            "ends early, as a download that was cut off does; download or copy it again"
        case .notAZip:
            "not a zip file; save the checkpoint again with torch.save"
        case .truncatedZip:
            "the zip file ends too early, as a download that was cut off does; download or copy it again"
        case .malformedZip(let what, let offset):
            "damaged zip file at byte \(offset): \(printable(what)); copy the checkpoint again"
        case .compressedEntry(let name):
            "zip entry \(printable(name)) is compressed or encrypted, which torch.save never does; save the checkpoint again"
        case .missingEntry(let name):
            "zip entry \(printable(name)) is missing; is this file from torch.save?"
        case .wrongChecksum(let name):
            "zip entry \(printable(name)) is damaged: its checksum is wrong; copy the checkpoint again"
        case .malformedFile(let what):
            "damaged file: \(printable(what)); copy the checkpoint again"
        case .unsupportedVersion(let version):
            "file format version \(printable(version)) is not one of 1 to 10; save the checkpoint with an older PyTorch"
        case .unsupportedOperatorSet(let version):
            "is of ONNX operator set \(version), not one of \(ONNXModel.operatorSets.lowerBound) to "
                + "\(ONNXModel.operatorSets.upperBound); export it with opset_version=17"
        case .unsupportedONNX(let what):
            "the ONNX file has \(printable(what)), which cannot be read; export it without"
        case .externalData(let name, let fault):
            "the numbers of tensor \(printable(name)) stand in another file\(fault)"
        case .unsupportedByteOrder(let order):
            "byte order \(printable(order)) is not supported; save the checkpoint on a little-endian machine"
        case .unknownOperation(let code, let offset):
            "unknown pickle operation 0x\(String(code, radix: 16)) at byte \(offset) of the pickle; "
                + "save plain state dicts with torch.save's defaults"
        case .malformedPickle(let what, let offset):
            "malformed pickle at byte \(offset) of the pickle: \(printable(what)); save the checkpoint again"
        case .tooLarge(let what):
            "\(printable(what)) would take far more memory than the file's size; save a smaller checkpoint"
        case .noStateDict(let found):
            (found.isEmpty
                ? "holds no state dict" : "holds no state dict, only: \(printable(found.joined(separator: ", ")))")
                + "; save model.state_dict(), alone or under the key state_dict, or export the model: \(wayThroughONNX)"
        case .averagedAndRaw(let averaged, let raw):
            "holds averaged weights (\(printable(averaged))) and raw ones (\(printable(raw))); "
                + "say which are meant with --weights ema or --weights raw"
        case .noSuchWeights(let kind):
            "holds no \(kind == .averaged ? "averaged" : "raw") weights; leave --weights out"
        case .severalNetworks(let prefixes):
            "holds several networks (\(printable(prefixes.joined(separator: ", ")))); save the one that is meant alone, "
                + "or export it: \(wayThroughONNX)"
        case .unknownReparametrization(let name):
            "\(printable(name)) is computed from other tensors in a way that the file does not say; call "
                + "torch.nn.utils.parametrize.remove_parametrizations before saving, or export the model: \(wayThroughONNX)"
        case .notATensor(let name):
            "\(printable(name)) is not a tensor; save it as a tensor or a NumPy array"
        case .unsupportedTensor(let name, let kind):
            "tensor \(printable(name)) is of a kind that cannot be read, \(printable(kind)); save it as float32"
        case .duplicateTensor(let name):
            "two tensors are named \(printable(name)) once wrappers' prefixes are removed; keep one of them"
        case .tensorOutOfBounds(let name, let storage):
            "tensor \(printable(name)) reaches outside its storage of \(storage) elements; save the checkpoint again"
        }
    }
}

/// A text from an untrusted file, made fit for one line: control characters escaped, long texts cut.
public func printable(_ text: String) -> String {
    let limit = 120
    let scalars = text.unicodeScalars.prefix(limit).map { scalar in
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.properties.generalCategory == .format
            || scalar.value == 0x2028 || scalar.value == 0x2029
            ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return scalars.joined() + (text.unicodeScalars.count > limit ? "..." : "")
}
