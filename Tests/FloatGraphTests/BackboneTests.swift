import Checkpoint
import SampleNetworks
import Testing

@testable import FloatGraph

/// What a backbone's tensors do not say is said, and what is no part of it is passed over or refused.
@Suite struct BackboneTests {
    private static let small = sampleResNet(blocks: [3, 3, 3], projection: nil)

    private func backbone(_ change: (inout [String: Tensor]) -> Void = { _ in }) throws(GraphError) -> Backbone {
        var state = ReferenceState(stateDict: Self.small)
        change(&state.features)
        return try Architecture.recognise(state).backbone(of: state, height: 8, width: 8)
    }

    private static func tensor(_ shape: [Int], _ value: Float = 1) -> Tensor {
        Tensor(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }

    @Test(arguments: [
        ("class_weights", [10]), ("criterion.weight", [10]), ("logit_scale", []), ("projector.0.weight", [64, 64]),
        ("projector.1.running_var", [64]), ("queue", [64, 4]), ("aux.conv.weight", [4, 4, 3, 3]),
    ])
    func `what only training computes with is passed over by name`(name: String, shape: [Int]) throws {
        #expect(try backbone { $0[name] = Self.tensor(shape) }.passedOver == [name])
    }

    @Test(arguments: [
        ("layer1.0.se.fc1.weight", [4, 16]), ("attention.conv1.weight", [4, 4, 3, 3]), ("neck.running_var", [64]),
        ("layer4.scale", [1]), ("conv2.weight", [16]),
    ])
    func `what may be part of the network's computation is refused`(name: String, shape: [Int]) {
        let error = #expect(throws: GraphError.unexpectedTensor(name: name)) {
            try backbone { $0[name] = Self.tensor(shape) }
        }
        #expect(error?.description.hasSuffix(wayThroughONNX) == true)
    }

    @Test func `a classifier of several layers is refused with the way through ONNX`() {
        let error = #expect(throws: GraphError.severalClassifierLayers(names: ["fc.0.weight", "fc.3.weight"])) {
            try backbone {
                for name in ["fc.0", "fc.3"] {
                    $0["\(name).weight"] = Self.tensor([64, 64])
                    $0["\(name).bias"] = Self.tensor([64])
                }
            }
        }
        #expect(error?.description.hasSuffix(wayThroughONNX) == true)
    }

    @Test func `every refusal of an unknown network ends with the way through ONNX`() {
        let errors: [GraphError] = [
            .unknownArchitecture, .missingTensor(name: "a", expected: [1]),
            .wrongShape(name: "a", expected: [1], found: [2]), .unexpectedTensor(name: "a"),
            .severalClassifierLayers(names: ["a"]),
        ]
        for error in errors { #expect(error.description.hasSuffix(wayThroughONNX)) }
    }

    @Test func `a stem for small images in a network for large ones is said`() throws {
        #expect(try backbone().assumptions.isEmpty && !backbone().takesGrey)
        let state = ReferenceState(
            stateDict: sampleResNet(blocks: [1, 1, 1, 1], stem: (channels: 12, size: 3), projection: "shortcut"))
        let backbone = try Architecture.resNet10.backbone(of: state, height: 32, width: 32)
        #expect(backbone.assumptions.count == 1 && backbone.assumptions[0].hasPrefix("conv1 of 3x3 was taken for"))
        #expect(backbone.graph[backbone.graph.features].shape.channels == 96)
    }

    @Test func `layers that compute nothing are named`() throws {
        #expect(try backbone().graph.deadLayers.isEmpty)
        let dead = try backbone {
            $0["layer1.0.conv1.weight"] = Self.tensor([16, 16, 3, 3], 0)
            $0["layer2.1.bn2.running_var"]!.values[5] = .leastNonzeroMagnitude
        }
        #expect(
            dead.graph.deadLayers == [
                "all weights of layer1.0.conv1 are zero",
                "1 of 32 channels before layer2.1.bn2 never varied in training",
            ])
    }
}

@Suite struct OneLogitTests {
    private static func head(_ kind: ClassifierKind) throws(GraphError) -> ClassifierHead {
        let classifier = [
            "fc.weight": Tensor(shape: [1, 2], values: [3, -1]), "fc.bias": Tensor(shape: [1], values: [0.5]),
        ]
        let state = ReferenceState(features: [:], classifier: classifier, direction: [1, 0])
        return try ClassifierHead(of: state, as: kind, dimensions: 2)
    }

    @Test func `a single logit becomes two answers, its complement and its sigmoid`() throws {
        let head = try Self.head(.linear)
        #expect(head.isOfOneLogit && head.classes == 2)
        // Softmax over 0 and z gives 1 - sigmoid(z) and sigmoid(z).
        #expect(head.logits(of: [2, 1], alpha: 0) == [0, 5.5])
        // Along the direction [1, 0] TDE takes the part of the logit that the feature has there.
        #expect(head.logits(of: [2, 1], alpha: 1) == [0, -0.5])
    }

    @Test func `a normalised classifier of one logit too`() throws {
        let head = try Self.head(.cosine)
        let logits = head.logits(of: [3, -1], alpha: 0)
        #expect(logits[0] == 0 && abs(logits[1] - 16) < 1e-4)
    }

    @Test func `two logits stay two`() throws {
        let state = ReferenceState(
            features: [:], classifier: ["fc.weight": Tensor(shape: [2, 1], values: [1, 2])], direction: nil)
        let head = try ClassifierHead(of: state, dimensions: 1)
        #expect(!head.isOfOneLogit && head.classes == 2)
    }
}
