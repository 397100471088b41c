import Evaluation
import FloatGraph
import Foundation
import Testing

@testable import rarebit_convert

/// The repository's folder, found from this file.
let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// What PyTorch computed from the committed checkpoint; Tools/training/fixtures/golden.py describes and writes the file.
private struct GoldenFile {
    let checkpointHash: String
    private var arrays: [String: (shape: [Int], bytes: Data)] = [:]

    init(_ url: URL) throws {
        let file = try Data(contentsOf: url)
        let end = try #require(file.range(of: Data("\n\n".utf8)))
        let lines = String(decoding: file[..<end.lowerBound], as: UTF8.self).split(separator: "\n")
        try #require(lines.first == "rarebit-golden 1")
        checkpointHash = String(try #require(lines[1].split(separator: " ").last))
        var start = end.upperBound
        for line in lines.dropFirst(2) {
            let words = line.split(separator: " ")
            let shape = words.dropFirst(2).compactMap { Int($0) }
            let size = shape.reduce(words[1] == "float32" ? 4 : 1, *)
            arrays[String(words[0])] = (shape, file[start..<start + size])
            start += size
        }
        try #require(start == file.endIndex)
    }

    /// The rows of a two-dimensional float32 array.
    func rows(_ name: String) throws -> [[Float]] {
        let (shape, bytes) = try #require(arrays[name])
        let values = bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { Float(bitPattern: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
        }
        return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
    }

    /// The images, `[image][row][column][R G B]`.
    func pictures() throws -> [Picture] {
        let (shape, bytes) = try #require(arrays["images"])
        let size = shape[1...].reduce(1, *)
        return (0..<shape[0]).map { number in
            let start = bytes.startIndex + number * size
            return Picture(width: shape[2], height: shape[1], bytes: [UInt8](bytes[start..<start + size]))
        }
    }
}

/// The largest difference, in units of the largest expected value.
private func relativeDifference(_ found: [Float], _ expected: [Float]) -> Float {
    let largest = expected.map(abs).max() ?? 0
    return (zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity) / largest
}

@Test func theFloatNetworkComputesWhatPyTorchComputes() throws {
    let golden = try GoldenFile(repository.appendingPathComponent("Tests/Fixtures/fashion-mnist-lt.golden"))
    let folder = repository.appendingPathComponent("Tools/models/fashion-mnist-lt")
    let checkpoint = folder.appendingPathComponent("checkpoint.pth").path
    #expect(try sha256(ofFiles: [checkpoint]) == golden.checkpointHash)

    let options = try NetworkOptions.parse(["--config", folder.appendingPathComponent("config.yaml").path])
    let model = try Network(checkpoint: checkpoint, options: options).model
    let normalizer = PictureNormalizer(model.input)
    let images = try golden.pictures().map { try #require(normalizer.normalized($0)) }
    let features = model.graph.features(of: Activations(shape: model.graph[model.graph.input].shape, images: images))
    for (found, expected) in zip(features, try golden.rows("features")) {
        #expect(relativeDifference(found, expected) <= 1e-4)
    }
    for (name, alpha) in [("logits-alpha-0", 0), ("logits-alpha-1", 1)] as [(String, Float)] {
        for (features, expected) in zip(features, try golden.rows(name)) {
            #expect(relativeDifference(model.head.logits(of: features, alpha: alpha), expected) <= 1e-4)
        }
    }
}
