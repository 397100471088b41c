import CheckpointWriter
import Foundation
import Testing

@testable import Checkpoint

/// A network is found by its own names, wherever they stand, and what stands beside it is passed over by name.
@Suite struct NetworkSearchTests {
    private static let one = Item.array([1], code: "u1", order: "|", shape: [1])
    private static let two = Item.array([2], code: "u1", order: "|", shape: [1])
    private static let matrix = Item.array([1, 2], code: "u1", order: "|", shape: [2, 1])
    private static let complex = Item.tensor(
        .storage("0", count: 1, type: "ComplexFloatStorage"), shape: [1], strides: [1])
    private static let backbones = ["layer1.conv.weight"]

    private static func network(_ prefix: String, _ weight: Item = one) -> [(String, Item)] {
        [("\(prefix)stem.weight", weight), ("\(prefix)layer1.conv.weight", weight)]
    }
    private static func classifier(_ prefix: String) -> [(String, Item)] {
        [("\(prefix)weight", matrix), ("\(prefix)bias", one)]
    }

    private func state(_ entries: [(String, Item)], _ kind: WeightKind? = nil) throws(CheckpointError) -> ReferenceState
    {
        try checkpoint(.dictionary(entries)).referenceState(backbones: Self.backbones, weights: kind)
    }

    private func refusal(_ entries: [(String, Item)], _ kind: WeightKind? = nil) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try state(entries, kind) }
    }

    @Test(arguments: [
        ("", "fc."), ("model.", "model.fc."), ("net.student.", "net.student.head."), ("encoder.", "fc."), ("0.", "1."),
        ("model.0.", "model.2."), ("_orig_mod.a._fsdp_wrapped_module.", "_orig_mod.a._fsdp_wrapped_module.fc.module."),
    ])
    func `the backbone's own names say where the network stands`(prefix: String, layer: String) throws {
        let foreign = [("criterion.weight", Self.one), ("metric.total", Self.one)]
        let state = try state(Self.network(prefix) + Self.classifier(layer) + (prefix.isEmpty ? [] : foreign))
        #expect(Set(state.features.keys) == ["stem.weight", "layer1.conv.weight"])
        #expect(Set(state.classifier.keys) == ["fc.weight", "fc.bias"])
        #expect(state.passedOver == (prefix.isEmpty ? [] : ["criterion.weight", "metric.total"]))
    }

    @Test func `a wrapper's name goes anywhere in a key`() throws {
        let state = try state([
            ("module.stem._checkpoint_wrapped_module.weight", Self.one),
            ("layer1._orig_mod.conv.module.weight", Self.one),
        ])
        #expect(Set(state.features.keys) == ["stem.weight", "layer1.conv.weight"])
    }

    @Test func `what is passed over is not read`() throws {
        let state = try state(Self.network("net.") + [("loss.phase", Self.complex)])
        #expect(state.passedOver == ["loss.phase"])
    }

    @Test func `what profilers and averaging count is passed over in any module`() throws {
        let counters = [("n_averaged", Self.one), ("total_ops", Self.one), ("layer1.conv.total_params", Self.one)]
        let state = try state(Self.network("") + counters)
        #expect(state.features.count == 2)
        #expect(state.passedOver == ["layer1.conv.total_params", "n_averaged", "total_ops"])
    }

    @Test func `a momentum encoder is passed over beside the encoder`() throws {
        let state = try state(Self.network("encoder_q.", Self.two) + Self.network("encoder_k."))
        #expect(state.features["stem.weight"]?.values == [2] && state.passedOver.count == 2)
    }

    @Test func `two networks of which neither is surely meant are refused by name`() {
        #expect(refusal(Self.network("left.") + Self.network("right.")) == .severalNetworks(["left.*", "right.*"]))
    }

    // MARK: Averaged weights

    @Test(arguments: ["ema", "state_dict_ema", "model_ema", "swa_model"])
    func `of averaged and raw weights in two containers the user says which`(container: String) throws {
        let file: [(String, Item)] = [
            ("state_dict", .dictionary(Self.network(""))), (container, .dictionary(Self.network("module.", Self.two))),
        ]
        #expect(refusal(file) == .averagedAndRaw(averaged: container, raw: "state_dict"))
        #expect(refusal(file)?.description.contains("--weights ema or --weights raw") == true)
        #expect(try state(file, .averaged).features["stem.weight"]?.values == [2])
        #expect(try state(file, .raw).features["stem.weight"]?.values == [1])
    }

    @Test(arguments: ["ema_model.", "teacher.backbone."])
    func `of averaged and raw weights under two names too`(prefix: String) throws {
        let file: [(String, Item)] = [
            ("state_dict", .dictionary(Self.network("model.") + Self.network(prefix, Self.two)))
        ]
        #expect(refusal(file) == .averagedAndRaw(averaged: prefix + "*", raw: "model.*"))
        #expect(try state(file, .averaged).features["stem.weight"]?.values == [2])
        #expect(try state(file, .raw).features["stem.weight"]?.values == [1])
    }

    @Test func `where Lightning averages, its state dict is the average`() throws {
        let file: [(String, Item)] = [
            ("state_dict", .dictionary(Self.network("model.", Self.two))),
            ("current_model_state", .dictionary(Self.network("model."))),
        ]
        #expect(refusal(file) == .averagedAndRaw(averaged: "state_dict", raw: "current_model_state"))
        #expect(try state(file, .averaged).features["stem.weight"]?.values == [2])
    }

    @Test func `the only weights are taken without asking, and what is not there is not given`() throws {
        let averaged: [(String, Item)] = [("n_averaged", Self.one)] + Self.network("module.")
        #expect(try state(averaged).features.count == 2 && state(averaged, .averaged).features.count == 2)
        #expect(refusal(averaged, .raw) == .noSuchWeights(.raw))
        #expect(refusal(Self.network(""), .averaged) == .noSuchWeights(.averaged))
        let alone: [(String, Item)] = [("model_ema", .dictionary(Self.network("")))]
        #expect(try state(alone).features.count == 2)
        #expect(refusal(alone, .raw) == .noSuchWeights(.raw))
        // A mean beside averaged weights is no raw network.
        #expect(try state(alone + [("mean", Self.one)]).features.count == 2)
    }

    // MARK: Reparametrisations

    private struct Weight: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    @Test func `weights that modules compute are those that PyTorch computes`() throws {
        let expected = try JSONDecoder().decode(
            [String: Weight].self, from: Data(contentsOf: URL(filePath: fixture("reparametrized.weights.json"))))
        let state = try Checkpoint(contentsOf: fixture("reparametrized.pt")).referenceState(backbones: ["stem.weight"])
        let found = state.features.merging(state.classifier) { first, _ in first }
        #expect(Set(found.keys) == Set(expected.keys) && expected.count == 9)
        for (key, weight) in expected {
            let tensor = try #require(found[key])
            #expect(tensor.shape == weight.shape, "\(key)")
            let largest = weight.values.map(abs).max() ?? 0
            #expect(zip(tensor.values, weight.values).allSatisfy { abs($0 - $1) <= 1e-6 * largest }, "\(key)")
        }
    }

    @Test func `a parametrisation that is not known is refused by the weight's name`() {
        let file = Self.network("net.") + [("net.a.parametrizations.weight.original", Self.one)]
        #expect(refusal(file) == .unknownReparametrization("a.weight"))
        let misshapen = Self.network("") + [("a.weight_g", Self.matrix), ("a.weight_v", Self.one)]
        #expect(refusal(misshapen) == .unknownReparametrization("a.weight"))
    }

    @Test func `the reparametrised weight of a backbone says where it stands`() throws {
        let state = try state([
            ("net.stem.weight", Self.one), ("net.layer1.conv.weight_orig", Self.two),
            ("net.layer1.conv.weight_mask", Self.one), ("net.head.weight_orig", Self.matrix),
            ("net.head.weight_mask", Self.matrix),
        ])
        #expect(state.features["layer1.conv.weight"]?.values == [2] && state.features.count == 2)
        #expect(state.classifier["fc.weight"]?.values == [1, 4])
    }
}
