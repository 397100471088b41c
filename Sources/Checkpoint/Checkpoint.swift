/// A file of weights, read without executing anything.
///
/// The file may come from anywhere: reading it ends in values or in a `CheckpointError`, after time in proportion to the
/// file's size. Memory stays below twice the file's size and 64 MB until the values of tensors are asked for.
public struct Checkpoint {
    /// How the file is written; the raw value is its name for people.
    public enum Form: String, Sendable {
        /// What torch.save has written since PyTorch 1.6.
        case torchZip = "PyTorch zip"
        /// What it wrote before, and writes still when told to.
        case torchLegacy = "PyTorch legacy"
        case safetensors
    }

    public let form: Form
    let storages: Storages
    /// What the file says beside the numbers of its tensors.
    let pickle: Pickle

    /// Reads the whole file and interprets it; the values of tensors are gathered only when asked for.
    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path))
    }

    /// Interprets a file image.
    public init(bytes: [UInt8]) throws(CheckpointError) {
        // 24 MB hold the descriptions of some 10,000 tensors and their optimiser's, more than the largest networks need.
        let budget = bytes.count / 4 + 24 << 20
        switch FileForm(of: bytes) {
        case .torchLegacy:
            form = .torchLegacy
            let file = try LegacyFile(bytes, memoryBudget: budget)
            (storages, pickle) = (.legacy(file), file.pickle)
        case .safetensors:
            form = .safetensors
            (storages, pickle) = (.file(bytes), try safetensors(bytes))
        case nil where !bytes.starts(with: ZipArchive.signature), .onnx:
            throw .unknownForm
        case .torchZip, nil:
            // Also a zip that is damaged or lacks what torch.save writes: reading it says what is wrong.
            form = .torchZip
            let archive = try TorchArchive(bytes)
            storages = .zip(archive, bytes)
            pickle = try PickleInterpreter.interpret(try archive.entry("data.pkl"), memoryBudget: budget)
        case let other?:
            throw .foreignForm(other.foreign!.name, wayOut: other.foreign!.wayOut)
        }
    }

    /// The classes that are not known here and stand in the file, each once, in the order of their first mention. Nothing of
    /// them was looked up or run.
    public var foreignNames: [String] { pickle.classNames }
}

private func safetensors(_ bytes: [UInt8]) throws(CheckpointError) -> Pickle {
    var header = try SafetensorsHeader(bytes)
    return try header.tensors()
}

/// Where the numbers of tensors stand.
enum Storages {
    case zip(TorchArchive, [UInt8])
    case legacy(LegacyFile)
    /// Every tensor says its range of the file itself.
    case file([UInt8])

    var file: [UInt8] {
        switch self {
        case .zip(_, let file), .file(let file): file
        case .legacy(let file): file.bytes
        }
    }

    /// The bytes of a PyTorch storage.
    func bytes(of key: String) throws(CheckpointError) -> ArraySlice<UInt8> {
        switch self {
        case .zip(let archive, _): return try archive.entry("data/\(key)")
        case .legacy(let file):
            guard let range = file.storages[key] else { throw .missingEntry("data of storage \(key)") }
            return file.bytes[range]
        case .file: throw .missingEntry("data of storage \(key)")
        }
    }
}
