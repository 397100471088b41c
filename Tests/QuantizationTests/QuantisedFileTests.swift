import Checkpoint
import FloatGraph
import Foundation
import ModelFormat
import Testing

@testable import Quantization

/// Of a normalised image, `[channels][height][width]`.
private func logits(of file: [UInt8], on image: [Float]) throws -> [Float] {
    try withEngine(of: file) { engine in
        engine.show(image)
        engine.run(alpha: 0)
        return Array(engine.logits)
    }
}

/// Files that ONNX Runtime quantised keep their numbers: without a calibration image the model gives its answers.
@Suite struct AQuantisedFile {
    private static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/onnx")

    private struct Outcome: Decodable {
        /// Of 12x12 pixels, a byte each for R, G and B.
        let pictures: Data
        let logits: [Float]
        let quantum: Float

        /// `[channels][height][width]` of each, normalised.
        var images: [[Float]] {
            stride(from: 0, to: pictures.count, by: 3 * 144).map { start in
                (0..<3 * 144).map { index in
                    (Float(pictures[start + index % 144 * 3 + index / 144]) / 255 - 0.5) / 0.25
                }
            }
        }
    }

    private static func outcome(_ name: String) throws -> Outcome {
        let decoder = JSONDecoder()
        decoder.dataDecodingStrategy = .base64
        return try decoder.decode(Outcome.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
    }

    private static func quantized(_ name: String) throws -> (graph: FloatGraph, model: QuantizedModel) {
        let network = try ONNXNetwork(
            ONNXModel(contentsOf: folder.appending(path: "\(name).onnx").path), height: 12, width: 12)
        let graph = network.graph.simplified()
        let head = try ClassifierHead(of: network.state, dimensions: graph[graph.features].shape.channels)
        let description = ModelDescription(
            input: ModelInput(
                height: 12, width: 12, resizeSide: 12, mean: SIMD3(repeating: 0.5),
                standardDeviation: SIMD3(repeating: 0.25)),
            classNames: (0..<7).map { "class \($0)" }, classCounts: [], alpha: 0, provenance: ["source": name])
        return (
            graph,
            try quantize(graph, head: head, description: description, calibration: CalibrationImages([]))
        )
    }

    @Test(arguments: ["quantised-qdq", "quantised-operators"])
    func `answers as ONNX Runtime does`(name: String) throws {
        let expected = try Self.outcome(name)
        let model = try Self.quantized(name).model
        var (same, near) = (0, 0)
        let images = expected.images
        for (number, image) in images.enumerated() {
            let own = Array(expected.logits[7 * number..<7 * (number + 1)])
            let found = try logits(of: model.file, on: image)
            // Its logits are rounded: several may be the largest.
            let answer = found.indices.max { found[$0] < found[$1] }!
            same += own[answer] == own.max() ? 1 : 0
            near += zip(found, own).count { abs($0 - $1) <= expected.quantum }
        }
        #expect(images.count == 100)
        #expect(Double(same) >= 0.99 * Double(images.count), "\(same) of \(images.count) have the same class")
        #expect(
            Double(near) >= 0.95 * Double(expected.logits.count),
            "\(near) of \(expected.logits.count) logits are within a quantum")
    }

    @Test(arguments: ["quantised-qdq", "quantised-operators"])
    func `keeps scales, zero points and weights`(name: String) throws {
        let (graph, model) = try Self.quantized(name)
        let stated = Set(graph.nodes.compactMap(\.operation.statedBytes).map(AffineQuantization.init))
        let file = try ModelFile(model.file)
        file.withModel { model in
            for index in 0..<model.operationCount {
                let input = model.operation(index).input
                #expect(
                    stated.contains { $0.scale == input.scale && $0.zeroPoint == Int(input.zeroPoint) },
                    "\(input.scale), \(input.zeroPoint)")
            }
        }
        // Nothing is lost where the weights' own integers are kept.
        #expect(model.report.layers.compactMap(\.weightSignalToNoise).allSatisfy { $0 > 90 })
        #expect(model.report.layers.allSatisfy { $0.coarsenedChannels == 0 && $0.clampedBiases == 0 })
    }

    @Test func `that states a part of its numbers asks for images`() throws {
        var graph = FloatGraph(input: FeatureShape(channels: 3, height: 4, width: 4))
        let bytes = try #require(
            try Self.quantized("quantised-qdq").graph.nodes.lazy.compactMap(\.operation.statedBytes).first)
        let value = try graph.append(.activation(.bytes(bytes)), graph.input, name: "stated")
        let open = try graph.append(.activation(.sigmoid), value, name: "open")
        let convolution = Convolution(
            inputChannels: 3, outputChannels: 3, window: Window(size: 1), weights: [1, 0, 0, 0, 1, 0, 0, 0, 1],
            bias: [0, 0, 0])
        let last = try graph.append(.convolution(convolution), open, name: "last")
        try graph.append(.globalAveragePool, last, name: "features")
        let state = ReferenceState(
            features: [:], classifier: ["fc.weight": Tensor(shape: [2, 3], values: [1, 0, 0, 0, 1, 0])], direction: nil)
        let description = ModelDescription(
            input: ModelInput(
                height: 4, width: 4, resizeSide: 4, mean: SIMD3(repeating: 0.5),
                standardDeviation: SIMD3(repeating: 0.25)),
            classNames: ["a", "b"], classCounts: [], alpha: 0, provenance: ["source": "made"])
        let head = try ClassifierHead(of: state, dimensions: 3)
        #expect(throws: QuantizationError.noCalibrationImages) {
            try quantize(graph, head: head, description: description, calibration: CalibrationImages([]))
        }
    }
}
