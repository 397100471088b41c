import Checkpoint
import SampleNetworks
import Testing

@testable import FloatGraph

@Test func theReferenceNetworkHasItsPublishedSize() throws {
    let state = sampleState()
    let graph = try Architecture.twoBranchResNet32.graph(of: state, height: 32, width: 32)
    let weights = graph.nodes.reduce(0) { sum, node in
        guard case .convolution(let convolution) = node.operation else { return sum }
        return sum + convolution.weights.count
    }
    let norms = graph.nodes.reduce(0) { sum, node in
        guard case .batchNorm(let norm) = node.operation else { return sum }
        return sum + norm.weight.count + norm.bias.count
    }
    // "537,488 parameters, 73.6 M multiply-adds at 32x32", without the classifier.
    #expect(weights + norms == 537_488)
    #expect((73_500_000...73_700_000).contains(graph.multiplyAdds))
    #expect(graph[graph.features].shape == FeatureShape(channels: 128, height: 1, width: 1))
}

@Test(arguments: [(32, 32), (33, 47)])
func foldingKeepsTheFeatures(height: Int, width: Int) throws {
    var values = SampleValues(seed: 3)
    let graph = try Architecture.twoBranchResNet32.graph(of: sampleState(), height: height, width: width)
    let folded = graph.simplified()
    let shape = graph[graph.input].shape
    let images = Activations(shape: shape, images: [values.array(shape.count), values.array(shape.count)])
    let norms = folded.nodes.filter { if case .batchNorm = $0.operation { true } else { false } }
    #expect(norms.isEmpty)
    for (plain, other) in zip(graph.features(of: images), folded.features(of: images)) {
        let size = plain.map(abs).max() ?? 0
        #expect(zip(plain, other).allSatisfy { abs($0 - $1) <= 1e-5 * size })
    }
}

@Test func aBatchNormWhoseConvolutionIsReadElsewhereStays() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 1, height: 1, width: 1))
    let convolution = Convolution(
        inputChannels: 1, outputChannels: 1, window: Window(size: 1, stride: 1, padding: 0), weights: [2], bias: [1])
    let value = try graph.append(.convolution(convolution), graph.input, name: "conv")
    let norm = BatchNorm(weight: [3], bias: [5], mean: [1], variance: [1])
    let normalised = try graph.append(.batchNorm(norm), value, name: "bn")
    try graph.append(.add, value, normalised, name: "add")
    let image = Activations(shape: graph[graph.input].shape, images: [[4]])
    let folded = graph.simplified()
    #expect(folded.nodes.count == 4)
    #expect(folded.features(of: image) == graph.features(of: image))
}

@Test func aCheckpointOfAnotherNetworkIsNotRecognised() {
    let state = ReferenceState(
        features: ["fc.weight": Tensor(shape: [1], values: [0])], classifier: [:], direction: nil)
    #expect(throws: GraphError.unknownArchitecture) { try Architecture.recognise(state) }
}

/// How a checkpoint can be wrong, and what is said about it.
private struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let error: GraphError
    let spoil: @Sendable (inout ReferenceState) -> Void

    init(_ description: String, _ error: GraphError, _ spoil: @escaping @Sendable (inout ReferenceState) -> Void) {
        testDescription = description
        self.error = error
        self.spoil = spoil
    }
}

private let faults = [
    Fault("a missing weight", .missingTensor(name: "feat_model.layer2.0.conv1.weight", expected: [32, 16, 3, 3])) {
        $0.features["layer2.0.conv1.weight"] = nil
    },
    Fault("a missing statistic", .missingTensor(name: "feat_model.bn1.running_var", expected: [16])) {
        $0.features["bn1.running_var"] = nil
    },
    Fault(
        "a transposed weight",
        .wrongShape(name: "feat_model.layer3.0.conv1.weight", expected: [64, 32, 3, 3], found: [32, 64, 3, 3])
    ) {
        $0.features["layer3.0.conv1.weight"] = Tensor(
            shape: [32, 64, 3, 3], values: $0.features["layer3.0.conv1.weight"]!.values)
    },
    Fault("an infinite weight", .notFinite(name: "feat_model.conv1.weight", index: 5, value: .infinity)) {
        $0.features["conv1.weight"]!.values[5] = .infinity
    },
    Fault(
        "a negative variance", .negativeVariance(name: "feat_model.cb_block.bn2.running_var", index: 63, value: -1)
    ) {
        $0.features["cb_block.bn2.running_var"]!.values[63] = -1
    },
    Fault("a tensor too many", .unexpectedTensor(name: "feat_model.layer4.0.conv1.weight")) {
        $0.features["layer4.0.conv1.weight"] = Tensor(shape: [1], values: [0])
    },
    Fault("a missing classifier", .missingTensor(name: "classifier.weight", expected: [1, 128])) {
        $0.classifier = [:]
    },
    Fault(
        "a classifier of other features", .wrongShape(name: "classifier.weight", expected: [2, 128], found: [2, 64])
    ) {
        $0.classifier["weight"] = Tensor(shape: [2, 64], values: [Float](repeating: 0, count: 128))
    },
    Fault("a short direction", .wrongShape(name: "embed", expected: [128], found: [64])) {
        $0.direction = [Float](repeating: 1, count: 64)
    },
]

@Test("A checkpoint that does not fit is refused by the name of its tensor", arguments: faults)
private func misfitsAreRefused(fault: Fault) throws {
    var state = sampleState()
    fault.spoil(&state)
    #expect(throws: fault.error) {
        let graph = try Architecture.recognise(state).graph(of: state, height: 32, width: 32)
        _ = try ClassifierHead(of: state, dimensions: graph[graph.features].shape.channels)
    }
}

@Test func aNaNIsRefusedWithItsPlace() throws {
    var state = sampleState()
    state.classifier["weight"]!.values[130] = .nan
    let error = #expect(throws: GraphError.self) {
        try ClassifierHead(of: state, dimensions: 128)
    }
    guard case .notFinite("classifier.weight", 130, let value) = error else {
        Issue.record("another error: \(String(describing: error))")
        return
    }
    #expect(value.isNaN)
}
