/// A file of weights, read without executing anything.
///
/// The file may come from anywhere: reading it ends in values or in a `CheckpointError`, after time in proportion to the
/// file's size. Memory stays below twice the file's size and 64 MB until the values of tensors are asked for.
public struct Checkpoint {
    /// How the file is written.
    public enum Form: String, Sendable {
        case torchZip = "PyTorch zip"
    }

    public let form: Form
    let storages: Storages
    let pickle: Pickle

    /// Reads the whole file and interprets its pickle; the values of tensors are gathered only when asked for.
    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path))
    }

    /// Interprets a file image.
    public init(bytes: [UInt8]) throws(CheckpointError) {
        let archive = try TorchArchive(bytes)
        form = .torchZip
        storages = .zip(archive)
        pickle = try PickleInterpreter.interpret(
            try archive.entry("data.pkl"), memoryBudget: Self.structureBudget(fileSize: bytes.count))
    }

    /// What a file's structure may take, in bytes: 40 MB hold some 600,000 values, many times what a state dict needs,
    /// whatever else stands beside it.
    private static func structureBudget(fileSize: Int) -> Int {
        fileSize / 4 + 40 << 20
    }

    /// The classes that are not known here and stand in the file, each once, in the order of their first mention. Nothing of
    /// them was looked up or run.
    public var foreignNames: [String] {
        var seen: Set<String> = []
        return pickle.placeholders.map(\.name).filter { seen.insert($0).inserted }
    }
}

/// Where the numbers of tensors stand.
enum Storages {
    case zip(TorchArchive)

    var fileSize: Int {
        switch self {
        case .zip(let archive): archive.fileSize
        }
    }

    func bytes(of key: String) throws(CheckpointError) -> ArraySlice<UInt8> {
        switch self {
        case .zip(let archive): try archive.entry("data/\(key)")
        }
    }
}
