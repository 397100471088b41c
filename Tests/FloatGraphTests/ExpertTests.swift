import Checkpoint
import Foundation
import Testing

@testable import FloatGraph

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/experts")

/// Of Tests/Fixtures/experts/logits.json, which Tools/training/fixtures/experts.py wrote with PyTorch.
private struct Golden: Decodable {
    let side: Int
    let logits: [Float]
}

/// A checkpoint under the names of a published multi-expert project.
private struct Project: CustomTestStringConvertible, Sendable {
    let name: String
    let architecture: Architecture
    let kind: ClassifierKind
    let experts: Int
    var testDescription: String { name }

    func state() throws -> ReferenceState {
        try Checkpoint(contentsOf: folder.appendingPathComponent("\(name).pt").path)
            .referenceState(backbones: Architecture.keys)
    }
}

private let projects = [
    Project(name: "ride", architecture: .expertCIFARResNet, kind: .cosine, experts: 4),
    Project(name: "sade", architecture: .expertResNet, kind: .cosine, experts: 3),
    Project(name: "balpoe", architecture: .expertCIFARResNet, kind: .linear, experts: 3),
]

@Suite struct AMultiExpertCheckpoint {
    @Test("is recognised and answers with the mean of its experts' logits, as PyTorch does", arguments: projects)
    private func answersAsPyTorchDoes(project: Project) throws {
        let goldens = try JSONDecoder().decode(
            [String: Golden].self, from: Data(contentsOf: folder.appendingPathComponent("logits.json")))
        let golden = try #require(goldens[project.name])
        var state = try project.state()
        #expect(try Architecture.recognise(state) == project.architecture)
        let experts = try #require(try state.joinExperts())
        #expect(experts.count == project.experts && experts.kind == project.kind)
        let graph = try project.architecture.graph(of: state, height: golden.side, width: golden.side)
        let dimensions = graph[graph.features].shape.channels
        let head = try ClassifierHead(
            of: state, as: experts.kind, parameters: ClassifierParameters(heads: experts.count, tau: experts.tau),
            dimensions: dimensions)
        let shape = graph[graph.input].shape
        let image = Activations(shape: shape, images: [(0..<shape.count).map { Float(sin(Double($0))) }])
        for graph in [graph, graph.simplified()] {
            let logits = head.logits(of: graph.features(of: image)[0], alpha: 0)
            let largest = golden.logits.map(abs).max()!
            let difference = zip(logits, golden.logits).map { abs($0 - $1) }.max()!
            #expect(largest > 0 && logits.count == golden.logits.count && difference <= 1e-4 * largest)
        }
    }

    @Test func namesWhatIsNoPartOfTheNetwork() throws {
        var state = try projects[0].state()
        _ = try state.joinExperts()
        let backbone = try Architecture.expertCIFARResNet.backbone(of: state, height: 16, width: 16)
        #expect(backbone.passedOver.contains { $0.contains("expert_help_pred_fcs.0.weight") })
    }

    @Test func isRefusedWhereExpertsDiffer() throws {
        var state = try projects[2].state()
        state.features["linears.1.weight"] = Tensor(shape: [4, 16], values: [Float](repeating: 0, count: 64))
        #expect(throws: GraphError.wrongShape(name: "linears.1.weight", expected: [5, 16], found: [4, 16])) {
            try state.joinExperts()
        }
        var other = try projects[0].state()
        other.features["layer3s.1.0.conv1.weight"] = nil
        // Experts are counted by their last stage.
        let expected = GraphError.unexpectedTensor(name: "layer2s.1.0.bn1.bias")
        #expect(throws: expected) { try Architecture.expertCIFARResNet.graph(of: other, height: 16, width: 16) }
    }
}
