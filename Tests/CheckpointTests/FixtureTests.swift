import CheckpointWriter
import Foundation
import Testing

@testable import Checkpoint

/// Files that PyTorch itself wrote, with the values it says are in them.
@Suite struct FixtureTests {
    struct Manifest: Decodable {
        struct Entry: Decodable {
            let dtype: String
            let shape: [Int]
            let values: [Float]
        }
        let tensors: [String: Entry]
    }

    private func manifest(_ name: String) throws -> Manifest {
        try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: URL(filePath: fixture("\(name).json"))))
    }

    @Test(
        arguments: [
            ("tiny-tensors", "pt", .torchZip), ("tiny-tensors", "legacy.pt", .torchLegacy),
            ("tiny-tensors", "no-checksums.pt", .torchZip), ("with-module-prefix", "pt", .torchZip),
        ] as [(String, String, Checkpoint.Form)])
    func `every tensor has PyTorch's type, shape and values`(name: String, suffix: String, form: Checkpoint.Form) throws
    {
        let manifest = try manifest(name)
        let checkpoint = try Checkpoint(contentsOf: fixture("\(name).\(suffix)"))
        #expect(checkpoint.form == form)
        let list = try checkpoint.tensorList()
        #expect(Set(list.map(\.key)) == Set(manifest.tensors.keys.map { $0.replacing("/", with: ".") }))

        let state = try checkpoint.referenceState()
        for (path, expected) in manifest.tensors {
            let listed = try #require(list.first { $0.key == path.replacing("/", with: ".") })
            #expect(listed.type.rawValue == expected.dtype && listed.shape == expected.shape)
            let key = path.split(separator: "/").last.map(String.init)?.replacing("module.", with: "") ?? ""
            if path.contains("feat_model") {
                #expect(state.features[key] == Tensor(shape: expected.shape, values: expected.values), "\(path)")
            } else if path.contains("classifier") {
                #expect(state.classifier[key] == Tensor(shape: expected.shape, values: expected.values), "\(path)")
            } else if path == "embed" {
                #expect(state.direction == expected.values)
            }
        }
    }

    @Test func `a training's whole state gives its weights, and the rest is listed or passed over`() throws {
        let manifest = try manifest("whole-training")
        let checkpoint = try Checkpoint(contentsOf: fixture("whole-training.pt"))
        let list = try checkpoint.tensorList()
        #expect(Set(list.map(\.key)).isSuperset(of: manifest.tensors.keys.map { $0.replacing("/", with: ".") }))
        #expect(list.first { $0.key == "model.fc.weight" }?.type == .float16)
        let state = try checkpoint.referenceState()
        try expect(state, manifest.tensors.filter { $0.key.hasPrefix("model/") }, prefix: "model/")
        #expect(checkpoint.foreignNames.contains("argparse.Namespace"))
    }

    @Test func `a module that was saved whole gives its state dict`() throws {
        let checkpoint = try Checkpoint(contentsOf: fixture("whole-module.pt"))
        try expect(checkpoint.referenceState(), manifest("whole-module").tensors, prefix: "module.")
        #expect(checkpoint.foreignNames.contains("torch.nn.parallel.data_parallel.DataParallel"))
    }

    @Test func `a safetensors file gives every type that PyTorch writes there`() throws {
        let manifest = try manifest("every-type")
        let checkpoint = try Checkpoint(contentsOf: fixture("every-type.safetensors"))
        #expect(checkpoint.form == .safetensors)
        let list = try checkpoint.tensorList()
        let state = try checkpoint.referenceState()
        #expect(Set(list.map(\.key)) == Set(manifest.tensors.keys))
        for (key, expected) in manifest.tensors {
            #expect(list.first { $0.key == key }?.type.rawValue == expected.dtype)
            #expect(state.features[key] == Tensor(shape: expected.shape, values: expected.values), "\(key)")
        }
    }

    @Test func `damaged weights are noticed by the checksums that torch.save writes`() throws {
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: fixture("with-module-prefix.pt"))))
        let archive = try ZipArchive(bytes)
        let (name, entry) = try #require(archive.entries.first { $0.key.hasSuffix("/data/0") })
        bytes[entry.range.lowerBound] ^= 1
        #expect(throws: CheckpointError.wrongChecksum(name)) { try Checkpoint(bytes: bytes).referenceState() }
    }

    /// All of a network's tensors, and no others.
    private func expect(_ state: ReferenceState, _ entries: [String: Manifest.Entry], prefix: String) throws {
        let found = state.features.merging(state.classifier) { first, _ in first }
        #expect(Set(found.keys) == Set(entries.keys.map { $0.dropFirst(prefix.count) }.map(String.init)))
        #expect(Set(state.classifier.keys) == ["fc.weight", "fc.bias"])
        for (key, expected) in entries {
            #expect(
                found[String(key.dropFirst(prefix.count))] == Tensor(shape: expected.shape, values: expected.values))
        }
    }

    @Test func `a call that would run a command is passed over and named`() throws {
        let checkpoint = try Checkpoint(contentsOf: fixture("unknown-global.pt"))
        #expect(checkpoint.foreignNames == ["posix.system"])
        #expect(try checkpoint.referenceState().classifier["fc.weight"]?.values == [Float](repeating: 1, count: 6))
    }

    @Test func `an object of a foreign class is passed over and named`() throws {
        let checkpoint = try Checkpoint(contentsOf: fixture("foreign-object.pt"))
        #expect(checkpoint.foreignNames == ["argparse.Namespace"])
        #expect(try checkpoint.referenceState().classifier["fc.bias"]?.values == [0, 0])
    }

    @Test func `a missing file and a folder are told apart`() {
        #expect(throws: CheckpointError.missingFile) { try Checkpoint(contentsOf: fixture("no-such-file.pt")) }
        #expect(throws: CheckpointError.unreadable("not a regular file")) { try Checkpoint(contentsOf: fixture("")) }
        #expect(throws: CheckpointError.unreadable("not a regular file")) { try Checkpoint(contentsOf: "/dev/zero") }
    }
}

func fixture(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/checkpoints/\(name)").path
}
