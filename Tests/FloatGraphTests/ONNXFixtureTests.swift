import Checkpoint
import FloatGraph
import Foundation
import Testing

/// Files that exporters wrote, with what ONNX Runtime computes from them.
@Suite struct ONNXFixtureTests {
    private struct Outcome: Decodable {
        let image: [Float]
        let logits: [Float]
    }

    @Test(arguments: [
        "exported-11", "exported-13", "exported-17", "dynamo-18", "dynamo-21", "handmade-same-upper",
        "handmade-same-lower", "handmade-uneven", "handmade-shape-arithmetic", "handmade-reduce-mean",
    ])
    func `an exported network computes what ONNX Runtime computes`(name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/onnx")
        let model = try ONNXModel(contentsOf: folder.appending(path: "\(name).onnx").path)
        let expected = try JSONDecoder().decode(
            Outcome.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
        let network = try ONNXNetwork(model, height: 13, width: 13)
        for graph in [network.graph, network.graph.simplified()] {
            let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: [expected.image]))[0]
            let head = try ClassifierHead(of: network.state, dimensions: features.count)
            let logits = head.logits(of: features, alpha: 0)
            let largest = expected.logits.map(abs).max() ?? 0
            let difference = zip(logits, expected.logits).map { abs($0 - $1) }.max() ?? .infinity
            #expect(
                logits.count == expected.logits.count && difference <= 1e-4 * largest, "\(difference) of \(largest)")
        }
    }
}
