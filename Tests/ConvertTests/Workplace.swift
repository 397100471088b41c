import Checkpoint
import CheckpointWriter
import Foundation
import ProgramRunner
import SampleNetworks

/// A folder with a small data set, a configuration and room for a checkpoint.
struct Workplace {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        // CIFAR-10 records: a label, then 3072 bytes that differ from image to image.
        var values = SampleValues(seed: 31)
        let records = (0..<12).flatMap { number in
            [UInt8(number % 10)] + values.array(3072, in: 0...255).map { UInt8($0) }
        }
        _ = try folder.write(records, to: "data_batch_1.bin")
        _ = try folder.write(records, to: "test_batch.bin")
        _ = try folder.write(
            Array((0..<10).map { "name \($0)" }.joined(separator: "\n").utf8), to: "names.txt")
        _ = try folder.write(
            Array([500, 300, 200, 150, 101, 100, 20, 19, 5, 1].map(String.init).joined(separator: "\n").utf8),
            to: "counts.txt")
        let configuration = """
            input: {size: 8, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}
            class_names: names.txt
            class_counts: counts.txt
            networks: {classifier: {def_file: CausalNormClassifier, params: {num_head: 2, tau: 16.0, gamma: 0.03125, alpha: 1.5}}}
            """
        _ = try folder.write(Array(configuration.utf8), to: "config.yaml")
    }

    var data: String { "cifar10:\(folder.url.path)" }
    var configuration: String { folder.path("config.yaml") }
    var checkpoint: String { folder.path("checkpoint.pth") }
    var model: String { folder.path("model.rbit") }

    /// Writes the checkpoint file.
    func writeCheckpoint(_ bytes: [UInt8] = sampleCheckpoint) throws {
        _ = try folder.write(bytes, to: "checkpoint.pth")
    }

    func convert(_ more: [String] = []) throws -> ProgramResult {
        try runProgram(
            "rarebit-convert",
            ["convert", checkpoint, "-o", model, "--calibrate", data, "--config", configuration] + more)
    }

    /// Options that say that one image of each class was trained with, which leaves two of the twelve.
    func oneOfEachClass() throws -> [String] {
        _ = try folder.write(Array(String(repeating: "1\n", count: 10).utf8), to: "ones.txt")
        return ["--class-counts", folder.path("ones.txt")]
    }

    /// Everything in the folder, by name.
    func contents() throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.url.appendingPathComponent($0))) })
    }
}

/// Of the sample network.
let sampleCheckpoint = checkpointBytes(sampleState())

/// A checkpoint as torch.save would write it.
func checkpointBytes(_ state: ReferenceState) -> [UInt8] {
    var storages: [(String, [UInt8])] = []
    let features = items(state.features, &storages)
    let classifier = items(state.classifier, &storages)
    let embed = state.direction.map { Item.array(littleEndian($0), shape: [Int32($0.count)]) } ?? .none
    let root = Item.reference(features: features, classifier: classifier, embed: embed)
    return checkpointZip(root, storages: storages).build()
}

/// A file that holds nothing but a state dict.
func checkpointBytes(stateDict: [String: Tensor]) -> [UInt8] {
    var storages: [(String, [UInt8])] = []
    let root = Item.dictionary(items(stateDict, &storages))
    return checkpointZip(root, storages: storages).build()
}

private func items(_ tensors: [String: Tensor], _ storages: inout [(String, [UInt8])]) -> [(String, Item)] {
    tensors.sorted { $0.key < $1.key }.map { name, tensor in
        let key = String(storages.count)
        storages.append((key, littleEndian(tensor.values)))
        var strides = [Int32](repeating: 1, count: tensor.shape.count)
        for axis in tensor.shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * Int32(tensor.shape[axis + 1])
        }
        let storage = Item.storage(key, count: Int32(tensor.values.count))
        return (name, .tensor(storage, shape: tensor.shape.map(Int32.init), strides: strides))
    }
}
