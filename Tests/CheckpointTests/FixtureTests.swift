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

    @Test(arguments: ["tiny-tensors", "with-module-prefix"])
    func `every tensor has PyTorch's type, shape and values`(name: String) throws {
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: fixture("\(name).json"))))
        let checkpoint = try Checkpoint(contentsOf: fixture("\(name).pt"))
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

    @Test func `a global that would run a command is refused by name`() {
        #expect(throws: CheckpointError.unknownGlobal("posix.system", offset: 281)) {
            try Checkpoint(contentsOf: fixture("unknown-global.pt"))
        }
    }

    @Test func `an object of a foreign class is refused by name`() {
        #expect(throws: CheckpointError.unknownGlobal("argparse.Namespace", offset: 277)) {
            try Checkpoint(contentsOf: fixture("foreign-object.pt"))
        }
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
