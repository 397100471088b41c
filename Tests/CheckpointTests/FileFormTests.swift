import CheckpointWriter
import Testing

@testable import Checkpoint

/// A file is taken for what it is, whatever it happens to begin like.
@Suite struct FileFormTests {
    private static let root = Item.dictionary([("w", .array([1], code: "u1", order: "|", shape: [1]))])

    private static func zip(_ names: [String]) -> [UInt8] {
        ZipBuilder(entries: names.map { .init(name: $0, data: Array("data".utf8)) }).build()
    }

    /// A protobuf field: its tag, the length, and that many bytes.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    private static let onnxFile: [UInt8] = {
        let node = field(1, field(4, Array("Relu".utf8)))
        return [0x08, 0x08] + field(2, Array("pytorch".utf8)) + field(7, node) + field(8, [0x10, 17])
    }()

    /// Small files of every form, made as its own programs lay them out.
    private static let samples: [(FileForm, [UInt8])] = [
        (.torchZip, checkpointZip(root).build()), (.torchLegacy, legacyFile(root)),
        (.safetensors, safetensorsFile(header: #"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [1])),
        (.safetensors, safetensorsFile(header: "{}      ", data: [])), (.onnx, onnxFile),
        (.torchScript, zip(["net/data.pkl", "net/version", "net/constants.pkl", "net/code/__torch__.py"])),
        (.torchExport, zip(["net/archive_format", "net/models/model.json"])),
        (.keras, zip(["metadata.json", "config.json", "model.weights.h5"])),
        (.numPyArchive, zip(["weight.npy", "bias.npy"])), (.tensorFlowLite, [0x1C, 0, 0, 0] + Array("TFL3".utf8)),
        (.executorch, [0x1C, 0, 0, 0] + Array("ET12".utf8)), (.hdf5, [0x89] + Array("HDF\r\n\u{1A}\n".utf8)),
        (.numPyArray, [0x93] + Array("NUMPY".utf8) + [1, 0]), (.gguf, Array("GGUF".utf8) + [3, 0, 0, 0]),
        (.rarebit, Array("RBIT\r\n\u{1A}\n".utf8) + [UInt8](repeating: 0, count: 56)), (.plainPickle, root.pickle),
        (.html, Array("\n <!DOCTYPE html><html>".utf8)), (.html, Array("<?xml version='1.0'?><Error>".utf8)),
        (.pointer, Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n".utf8)),
        (.compressed, [0x1F, 0x8B, 8, 0]), (.compressed, [UInt8](repeating: 0, count: 257) + Array("ustar".utf8)),
        (.empty, []),
    ]

    @Test func `every recogniser says yes to files of its form and no to those of every other`() {
        for (form, bytes) in Self.samples {
            let file = FileBeginning(bytes)
            for other in FileForm.allCases {
                #expect(other.recognises(file) == (other == form), "\(other) of a file of \(form)")
            }
        }
        #expect(Set(Self.samples.map(\.0)) == Set(FileForm.allCases))
    }

    @Test func `a safetensors header of any length is no ONNX`() throws {
        // The first byte of the length is ONNX's first byte where its low byte is 8; the others are fields then.
        for length in Array(64..<2048) + [0x120008, 0x3A08, 0x3A0108, 0x12_0208, 0x4208] {
            let name = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
            let padding = String(repeating: " ", count: length - name.utf8.count)
            let file = safetensorsFile(header: name + padding, data: [7])
            #expect(FileForm(of: file) == .safetensors && ONNXOutline(file) == nil, "a header of \(length) bytes")
            #expect(try Checkpoint(bytes: file).form == .safetensors)
        }
    }

    @Test func `what is not read is named, with the way out`() {
        for (form, bytes) in Self.samples {
            guard let foreign = form.foreign else { continue }
            let error = #expect(throws: CheckpointError.self) { try WeightsFile(bytes: bytes) }
            #expect(error == .foreignForm(foreign.name, wayOut: foreign.wayOut))
            #expect(error?.description.hasPrefix("is \(foreign.name); ") == true)
        }
        #expect(FileForm.torchScript.foreign?.wayOut.contains("torch.onnx.export") == true)
    }

    @Test func `a download that was cut off is called that`() throws {
        let safetensors = safetensorsFile(
            header: #"{"w":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}"#, data: [UInt8](repeating: 1, count: 64))
        let legacy = legacyFile(
            .dictionary([("w", .tensor(.storage("0", count: 64), shape: [64], strides: [1]))]),
            storages: [("0", [UInt8](repeating: 1, count: 256))])
        for file in [safetensors, legacy, Self.onnxFile] {
            #expect(throws: CheckpointError.endsEarly) { try WeightsFile(bytes: Array(file.prefix(file.count - 8))) }
        }
        #expect(throws: CheckpointError.truncatedZip) {
            try WeightsFile(bytes: Array(checkpointZip(Self.root).build().dropLast(200)))
        }
    }
}
