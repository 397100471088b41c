/// How a file is written, told by what it must contain: of the forms listed here, exactly one recogniser says yes to a file.
enum FileForm: CaseIterable {
    case torchZip, torchLegacy, safetensors, onnx
    case torchScript, torchExport, keras, numPyArchive
    case tensorFlowLite, executorch, hdf5, numPyArray, gguf, rarebit
    case plainPickle, html, pointer, compressed, empty

    /// What a file of the forms that are not read is called, and the way out; nil for those that are read.
    var foreign: (name: String, wayOut: String)? {
        let throughONNX = "export the model in the program that made it: \(wayThroughONNX)"
        return switch self {
        case .torchZip, .torchLegacy, .safetensors, .onnx: nil
        case .torchScript:
            (
                "a TorchScript file",
                "save torch.jit.load(FILE).state_dict() with torch.save, or export the model: \(wayThroughONNX)"
            )
        case .torchExport: ("an archive of torch.export", throughONNX)
        case .keras: ("a Keras archive", "model.export(\"model.onnx\", format=\"onnx\") in Keras writes ONNX")
        case .hdf5:
            ("an HDF5 file, as Keras writes", "model.export(\"model.onnx\", format=\"onnx\") in Keras writes ONNX")
        case .tensorFlowLite:
            ("a TensorFlow Lite model", "give the model that it was made from, or its ONNX by tf2onnx --tflite")
        case .executorch: ("an ExecuTorch program", "give the model that it was made from: \(wayThroughONNX)")
        case .numPyArchive, .numPyArray:
            ("an archive or array of NumPy", "save a dictionary of tensors by name with torch.save")
        case .gguf: ("a GGUF file", "give the checkpoint that it was made from")
        case .rarebit: ("a Rarebit model already", "give the checkpoint that it was made from")
        case .plainPickle:
            ("a pickle that torch.save did not write", "save the model's state_dict() with torch.save")
        case .html:
            ("a page of HTML or XML, not a model", "the download went wrong: copy the address of the file itself")
        case .pointer: ("a pointer of git-lfs, not the file itself", "fetch the file with git lfs pull")
        case .compressed: ("a compressed file or a tar archive", "unpack it and give the model inside")
        case .empty: ("empty", "download or copy it again")
        }
    }

    /// nil where no recogniser knows the file.
    init?(of bytes: [UInt8]) {
        let file = FileBeginning(bytes)
        guard let form = Self.allCases.first(where: { $0.recognises(file) }) else { return nil }
        self = form
    }

    func recognises(_ file: FileBeginning) -> Bool {
        switch self {
        case .torchZip:
            file.hasEntry { $0.isFile("data.pkl") } && !Self.torchScript.recognises(file)
        case .torchScript:
            file.hasEntry { $0.isFile("constants.pkl") || $0.isFile("model.ptl") || $0.isFolder("code") }
        case .torchExport:
            file.hasEntry { $0.isFile("archive_format") || $0.path.hasSuffix("serialized_exported_program.json") }
        case .keras: file.hasEntry { $0.path == "model.weights.h5" }
        case .numPyArchive: file.hasEntries && !file.hasEntry { !$0.path.hasSuffix(".npy") }
        case .torchLegacy: LegacyFile.isBegun(by: file.bytes)
        case .safetensors: SafetensorsHeader.isBegun(by: file.bytes)
        case .onnx: ONNXOutline(file.bytes) != nil
        case .tensorFlowLite: file.has("TFL3", at: 4)
        case .executorch: file.has("ET12", at: 4)
        case .hdf5: file.has([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
        case .numPyArray: file.has([0x93] + Array("NUMPY".utf8))
        case .gguf: file.has("GGUF")
        case .rarebit: file.has("RBIT\r\n\u{1A}\n")
        case .plainPickle:
            file.has([0x80]) && file.bytes.count > 2 && (2...5).contains(file.bytes[1])
                && file.bytes.last == UInt8(ascii: ".") && !LegacyFile.isBegun(by: file.bytes)
        case .html: ["<!doctype", "<html", "<head", "<?xml"].contains { file.text.hasPrefix($0) }
        case .pointer: file.text.hasPrefix("version https://git-lfs")
        case .compressed:
            [[0x1F, 0x8B], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x28, 0xB5, 0x2F, 0xFD], [0x37, 0x7A, 0xBC, 0xAF]].contains
            {
                file.has($0)
            } || file.has("BZh") || file.has("ustar", at: 257)
        case .empty: file.bytes.isEmpty
        }
    }
}

/// How a file of any network reaches this program; every refusal of an unknown network ends with it.
public let wayThroughONNX =
    "torch.onnx.export(model.eval(), torch.zeros(1, 3, HEIGHT, WIDTH), \"model.onnx\") writes ONNX, which says its network itself"

/// What recognisers look at, read once.
struct FileBeginning {
    let bytes: [UInt8]
    /// The first 64 bytes as text in lower case, without what may stand before it.
    let text: String
    private let entries: [Entry]

    /// The path of a zip file's entry.
    struct Entry {
        let path: String

        /// Whether it is a file of this name in the top folder that PyTorch puts all entries in, or without one.
        func isFile(_ name: String) -> Bool {
            path == name || path.hasSuffix("/\(name)") && path.utf8.count { $0 == UInt8(ascii: "/") } == 1
        }

        /// Whether it stands in a folder of this name below the top one.
        func isFolder(_ name: String) -> Bool {
            path.split(separator: "/", maxSplits: 2).dropFirst().first == name[...] && path.contains("/\(name)/")
        }
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let begin = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        text = String(decoding: begin.prefix(256).drop { $0 <= 0x20 }.prefix(64), as: UTF8.self).lowercased()
        entries = bytes.starts(with: ZipArchive.signature) ? ZipArchive.paths(in: bytes).map(Entry.init) : []
    }

    var hasEntries: Bool { !entries.isEmpty }

    func hasEntry(_ condition: (Entry) -> Bool) -> Bool { entries.contains(where: condition) }

    func has(_ magic: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: magic) }

    func has(_ magic: String, at offset: Int = 0) -> Bool { has(Array(magic.utf8), at: offset) }
}
