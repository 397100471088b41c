import Checkpoint
import FloatGraph
import Foundation
import Testing

/// Files that exporters wrote, with what ONNX Runtime computes from them.
@Suite struct ONNXFixtureTests {
    private static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/onnx")

    private struct Outcome: Decodable {
        let image: [Float]
        let logits: [Float]
    }

    @Test(arguments: [
        "exported-11", "exported-13", "exported-17", "dynamo-18", "dynamo-21", "handmade-same-upper",
        "handmade-same-lower", "handmade-uneven", "handmade-shape-arithmetic", "handmade-reduce-mean",
        "handmade-channels-last", "handmade-old", "external-20", "gates-17", "gates-dynamo", "shuffled-17",
        "shuffled-dynamo", "scaled-17", "scaled-dynamo", "attention-17", "attention-dynamo", "windows-17",
        "windows-dynamo",
        "rectifiedclasses-17", "rectifiedclasses-dynamo", "flattened-17", "flattened-dynamo", "cosine-17",
        "cosine-dynamo", "grey-17", "grey-dynamo", "twoclassifiers-17", "twoclassifiers-dynamo", "experts-17",
    ])
    func `an exported network computes what ONNX Runtime computes`(name: String) throws {
        let folder = Self.folder
        let model = try ONNXModel(contentsOf: folder.appending(path: "\(name).onnx").path)
        let expected = try JSONDecoder().decode(
            Outcome.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
        let network = try ONNXNetwork(
            model, output: name.hasPrefix("experts") ? "logits" : nil, height: 13, width: 13)
        #expect((network.classifier == .cosine) == name.hasPrefix("cosine"))
        for graph in [network.graph, network.graph.simplified()] {
            let features = graph.features(of: Activations(shape: graph[graph.input].shape, images: [expected.image]))[0]
            let head = try ClassifierHead(
                of: network.state, as: network.classifier, parameters: network.parameters, dimensions: features.count)
            let logits = head.logits(of: features, alpha: 0)
            let largest = expected.logits.map(abs).max() ?? 0
            let difference = zip(logits, expected.logits).map { abs($0 - $1) }.max() ?? .infinity
            #expect(
                logits.count == expected.logits.count && difference <= 1e-4 * largest, "\(difference) of \(largest)")
        }
    }

    @Test func `of several outputs that may be the logits one must be named`() throws {
        let model = try ONNXModel(contentsOf: Self.folder.appending(path: "experts-17.onnx").path)
        #expect(throws: GraphError.severalOutputs(["first", "second", "logits"])) {
            try ONNXNetwork(model, height: 13, width: 13)
        }
        #expect(throws: GraphError.noSuchOutput("third", outputs: ["first", "second", "logits"])) {
            try ONNXNetwork(model, output: "third", height: 13, width: 13)
        }
        let first = try ONNXNetwork(model, output: "first", height: 13, width: 13)
        #expect(first.state.classifier["fc.weight"]?.shape == [5, 8])
    }
}
