import Checkpoint
import Foundation
import Testing

@testable import FloatGraph

/// What PyTorch computed with the committed checkpoint: see Tools/training/golden.py, which wrote the file.
private struct Golden {
    private var arrays: [String: (shape: [Int], bytes: Data)] = [:]

    init(contentsOf url: URL) throws {
        let data = try Data(contentsOf: url)
        let headerEnd = try #require(data.range(of: Data("\n\n".utf8)))
        var offset = headerEnd.upperBound
        // The first two lines name the format and the checkpoint.
        for line in String(decoding: data[..<headerEnd.lowerBound], as: UTF8.self).split(separator: "\n").dropFirst(2) {
            let fields = line.split(separator: " ")
            let shape = try fields.dropFirst(2).map { try #require(Int($0)) }
            let count = shape.reduce(1, *) * (fields[1] == "float32" ? 4 : 1)
            arrays[String(fields[0])] = (shape, data[offset..<offset + count])
            offset += count
        }
        #expect(offset == data.count)
    }

    /// The rows of a float32 array of two dimensions.
    func rows(_ name: String) throws -> [[Float]] {
        let (shape, bytes) = try #require(arrays[name])
        let values = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { index in
                Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
            }
        }
        return (0..<shape[0]).map { Array(values[($0 * shape[1])..<(($0 + 1) * shape[1])]) }
    }

    /// uint8 RGB images, as `[channels][height][width]` after normalisation.
    func images(mean: Float, standardDeviation: Float) throws -> [[Float]] {
        let (shape, bytes) = try #require(arrays["images"])
        let pixels = [UInt8](bytes)
        let area = shape[1] * shape[2]
        return (0..<shape[0]).map { image in
            (0..<3 * area).map { index in
                let byte = pixels[3 * (image * area + index % area) + index / area]
                return (Float(byte) / 255 - mean) / standardDeviation
            }
        }
    }
}

/// The largest difference of two rows as a share of the largest value.
private func relativeError(_ found: [Float], _ expected: [Float]) -> Float {
    zip(found, expected).map { abs($0 - $1) }.max()! / expected.map(abs).max()!
}

@Test func theCommittedCheckpointGivesTheLogitsOfPyTorch() throws {
    let root = URL(fileURLWithPath: #filePath + "/../../..").standardizedFileURL
    let golden = try Golden(contentsOf: root.appendingPathComponent("Tests/Fixtures/fashion-mnist-lt.golden"))
    let state = try Checkpoint(
        contentsOf: root.appendingPathComponent("Tools/models/fashion-mnist-lt/checkpoint.pth").path
    ).referenceState()
    let graph = try Architecture.recognise(state).graph(of: state, height: 32, width: 32).foldingBatchNorms()
    // Mean and standard deviation, K, tau and gamma stand in the checkpoint's config.yaml.
    let images = try golden.images(mean: 0.2273, standardDeviation: 0.3348)
    let head = try ClassifierHead(of: state, dimensions: 128, heads: 2, tau: 16, gamma: 1 / 32)
    let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: images))
    #expect(features.count == 16)
    for (found, expected) in zip(features, try golden.rows("features")) {
        #expect(relativeError(found, expected) <= 1e-4)
    }
    for (name, alpha) in [("logits-alpha-0", Float(0)), ("logits-alpha-1", 1)] {
        for (features, expected) in zip(features, try golden.rows(name)) {
            #expect(relativeError(head.logits(of: features, alpha: alpha), expected) <= 1e-4)
        }
    }
}
