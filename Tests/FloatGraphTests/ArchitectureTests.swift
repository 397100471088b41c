import Checkpoint
import Foundation
import SampleNetworks
import Testing

@testable import FloatGraph

/// A line of Tests/Fixtures/architectures.json, which Tools/training/fixtures/architectures.py wrote with PyTorch.
private struct Golden: Decodable {
    let side: Int
    let logits: [Float]
    /// By name and shape, where no function of SampleNetworks makes the network.
    let tensors: [String]?
}

private let goldens: [String: Golden] = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Fixtures/architectures.json")
    return try! JSONDecoder().decode([String: Golden].self, from: Data(contentsOf: file))
}()

private struct Network: CustomTestStringConvertible, Sendable {
    let architecture: Architecture
    let golden: String
    let tensors: @Sendable () -> [String: Tensor]
    /// Whether the tensors alone tell the architecture.
    let isRecognised: Bool
    var testDescription: String { golden }

    init(
        _ architecture: Architecture, golden: String? = nil, isRecognised: Bool = true,
        _ tensors: @autoclosure @escaping @Sendable () -> [String: Tensor]
    ) {
        self.architecture = architecture
        self.golden = golden ?? architecture.rawValue
        self.isRecognised = isRecognised
        self.tensors = tensors
    }

    /// One whose tensors the file of goldens lists.
    static func written(_ architecture: Architecture, _ golden: String, isRecognised: Bool = true) -> Network {
        Network(
            architecture, golden: golden, isRecognised: isRecognised, sampleTensors(goldens[golden]?.tensors ?? []))
    }

    static func cifar(_ architecture: Architecture, _ blocks: Int) -> Network {
        Network(architecture, sampleResNet(blocks: [blocks, blocks, blocks], projection: nil, classifier: "linear"))
    }
}

private let networks: [Network] = [
    .cifar(.cifarResNet20, 3), .cifar(.cifarResNet32, 5), .cifar(.cifarResNet44, 7), .cifar(.cifarResNet56, 9),
    .cifar(.cifarResNet110, 18),
    Network(
        .cifarResNet20, golden: "cifar-resnet20 option B",
        sampleResNet(blocks: [3, 3, 3], projection: "shortcut", classifier: "linear")),
    Network(
        .cifarResNet20, golden: "cifar-resnet20 grey",
        sampleResNet(blocks: [3, 3, 3], inputs: 1, projection: nil, classifier: "linear")),
    Network(
        .resNet10, golden: "resnet10 small images",
        sampleResNet(
            blocks: [1, 1, 1, 1], stem: (channels: 12, size: 3), projection: "shortcut", classifier: "linear")),
    Network(.resNet10, sampleResNet(blocks: [1, 1, 1, 1])),
    Network(.resNet18, sampleResNet(blocks: [2, 2, 2, 2])),
    Network(.resNet34, sampleResNet(blocks: [3, 4, 6, 3])),
    Network(.resNet50, sampleResNet(blocks: [3, 4, 6, 3], bottlenecks: true)),
    Network(.resNet101, sampleResNet(blocks: [3, 4, 23, 3], bottlenecks: true)),
    Network(.resNet152, sampleResNet(blocks: [3, 8, 36, 3], bottlenecks: true)),
    Network(.resNeXt50, sampleResNet(blocks: [3, 4, 6, 3], bottlenecks: true, groups: 32)),
    Network(.resNeXt101, sampleResNet(blocks: [3, 4, 23, 3], bottlenecks: true, groups: 32)),
    Network(.resNeXt152, sampleResNet(blocks: [3, 8, 36, 3], bottlenecks: true, groups: 32)),
    Network(
        .resNeXt50WithoutLastReLU, isRecognised: false,
        sampleResNet(blocks: [3, 4, 6, 3], bottlenecks: true, groups: 32)),
    Network(.mobileNetV2, sampleMobileNetV2()),
    .written(.mobileNetV2, "mobilenetv2 a quarter wide"),
    .written(.mobileNetV2, "mobilenetv2 timm"),
    .written(.mobileNetV3, "mobilenetv3 large"),
    .written(.mobileNetV3, "mobilenetv3 small"),
    .written(.mobileNetV3, "mobilenetv3 timm", isRecognised: false),
    .written(.tensorFlowMobileNetV3, "tf-mobilenetv3 timm", isRecognised: false),
    .written(.mnasNet, "mnasnet"),
    .written(.mnasNet, "mnasnet timm"),
    .written(.efficientNet, "efficientnet B0"),
    .written(.efficientNet, "efficientnet B5"),
    .written(.efficientNet, "efficientnet timm", isRecognised: false),
    .written(.tensorFlowEfficientNet, "tf-efficientnet timm", isRecognised: false),
    .written(.tensorFlowEfficientNet, "tf-efficientnet efficientnet_pytorch"),
    .written(.efficientNetLite, "efficientnet-lite timm", isRecognised: false),
    .written(.tensorFlowEfficientNetLite, "tf-efficientnet-lite timm", isRecognised: false),
    .written(.efficientNetV2, "efficientnetv2 S"),
    .written(.tensorFlowEfficientNetV2, "tf-efficientnetv2 timm", isRecognised: false),
]

// One at a time: the largest has 60 million weights.
@Suite(.serialized) struct AKnownArchitecture {
    @Test("computes PyTorch's logits, before and after folding", arguments: networks)
    private func computesPyTorchsLogits(network: Network) throws {
        let golden = try #require(goldens[network.golden])
        var state = ReferenceState(stateDict: network.tensors())
        state.takeLastLayer(of: network.architecture)
        #expect(try !network.isRecognised || Architecture.recognise(state) == network.architecture)
        let graph = try network.architecture.graph(of: state, height: golden.side, width: golden.side)
        let shape = graph[graph.input].shape
        let image = Activations(
            shape: shape, images: [values(named: "image", count: shape.count, in: -2...2)])
        let head = try ClassifierHead(
            of: state, dimensions: graph[graph.features].shape.channels)
        for graph in [graph, graph.simplified()] {
            let logits = head.logits(of: graph.features(of: image)[0], alpha: 0)
            let largest = golden.logits.map(abs).max()!
            let difference = zip(logits, golden.logits).map { abs($0 - $1) }.max()!
            #expect(logits.count == golden.logits.count && difference <= 1e-4 * largest)
        }
    }

    @Test("takes pictures of other sizes", arguments: [(47, 100), (1, 1)])
    func takesOtherSizes(height: Int, width: Int) throws {
        let state = ReferenceState(stateDict: sampleMobileNetV2())
        let graph = try Architecture.mobileNetV2.graph(of: state, height: height, width: width)
        #expect(graph[graph.features].shape == FeatureShape(channels: 1280, height: 1, width: 1))
    }

    /// timm's networks and those that TensorFlow trained have the same tensors.
    @Test(arguments: [
        ("mobilenetv3 timm", [Architecture.mobileNetV3, .tensorFlowMobileNetV3]),
        ("efficientnet timm", [.efficientNet, .tensorFlowEfficientNet]),
        ("tf-efficientnet-lite timm", [.efficientNetLite, .tensorFlowEfficientNetLite]),
    ])
    private func isAskedForWhereNamesLeaveItOpen(golden: String, candidates: [Architecture]) throws {
        let state = ReferenceState(stateDict: sampleTensors(try #require(goldens[golden]?.tensors)))
        #expect(throws: GraphError.severalArchitectures(candidates)) { try Architecture.recognise(state) }
    }

    @Test func isTakenForNoOtherThanItsTensorsSay() throws {
        let state = ReferenceState(stateDict: sampleMobileNetV2())
        #expect(throws: GraphError.otherArchitecture(.efficientNet, found: [.mobileNetV2])) {
            try Architecture.efficientNet.graph(of: state, height: 32, width: 32)
        }
    }

    @Test func isNotRecognisedByPartOfItsNames() {
        let squeezed = ["conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.0.0.se.conv_reduce.weight"]
        let otherDepth = (0..<7).map { "layer1.\($0).conv1.weight" } + ["conv1.weight", "layer1.0.conv2.weight"]
        for names in [squeezed, otherDepth, ["conv1.weight"]] {
            let tensor = Tensor(shape: [1, 1, 1, 1], values: [0])
            let state = ReferenceState(stateDict: Dictionary(uniqueKeysWithValues: names.map { ($0, tensor) }))
            #expect(throws: GraphError.unknownArchitecture) { try Architecture.recognise(state) }
        }
    }

    /// A single stage of timm's names, which is then the convolution in front of the mean: no blocks are left.
    @Test func isNotRecognisedWithoutBlocks() {
        let names = ["conv_stem.weight", "bn1.weight", "blocks.0.0.conv.weight", "blocks.0.0.bn1.weight"]
        let tensor = Tensor(shape: [1, 1, 1, 1], values: [0])
        let state = ReferenceState(stateDict: Dictionary(uniqueKeysWithValues: names.map { ($0, tensor) }))
        #expect(throws: GraphError.unknownArchitecture) { try Architecture.recognise(state) }
    }

    /// Its backbone is known, and passed over is what makes a detector of it: without a word the classifier would be missed.
    @Test(arguments: [
        "roi_head.bbox_head.fc_cls.weight", "rpn_head.rpn_conv.weight",
        "model.roi_heads.box_predictor.cls_score.weight",
        "bbox_head.gfl_cls.0.weight",
    ])
    func isNotTakenOutOfADetector(key: String) {
        var state = ReferenceState(stateDict: sampleMobileNetV2())
        #expect(throws: Never.self) { try Architecture.recognise(state) }
        state.passedOver = [key]
        #expect(throws: GraphError.detector) { try Architecture.recognise(state) }
    }

    @Test func namesTensorsAsTheFileDoes() {
        var tensors = sampleResNet(blocks: [3, 3, 3], projection: nil, classifier: "linear")
        tensors["layer2.1.bn2.weight"] = nil
        let state = ReferenceState(stateDict: tensors)
        #expect(throws: GraphError.missingTensor(name: "layer2.1.bn2.weight", expected: [32])) {
            try Architecture.cifarResNet20.graph(of: state, height: 32, width: 32)
        }
    }
}
