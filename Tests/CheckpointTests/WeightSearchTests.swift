import CheckpointWriter
import Testing

@testable import Checkpoint

/// Weights are found where training scripts put them, and what stands beside them is passed over.
@Suite struct WeightSearchTests {
    private static let one = Item.array([1], code: "u1", order: "|", shape: [1])
    private static let matrix = Item.array([1, 2], code: "u1", order: "|", shape: [2, 1])
    private static let network: [(String, Item)] = [("conv.weight", one), ("fc.weight", matrix), ("fc.bias", one)]

    private func keys(_ root: Item) throws -> [[String]] {
        let state = try checkpoint(root).referenceState()
        return [state.features.keys.sorted(), state.classifier.keys.sorted()]
    }

    private func refusal(_ root: Item) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try checkpoint(root).referenceState() }
    }

    @Test(arguments: [
        "state_dict_best", "best_state_dict", "state_dict", "model_state", "model_state_dict", "model", "net",
        "network",
        "ema", "state_dict_ema",
    ])
    func `a state dict stands under the names that scripts use`(name: String) throws {
        let root = Item.dictionary([("epoch", .int(3)), (name, .dictionary(Self.network)), ("lr", .float(0.1))])
        #expect(try keys(root) == [["conv.weight"], ["fc.bias", "fc.weight"]])
    }

    @Test func `a state dict stands at the top, and containers nest`() throws {
        #expect(
            try keys(.dictionary(Self.network + [("epoch", .int(1))])) == [["conv.weight"], ["fc.bias", "fc.weight"]])
        let nested = Item.dictionary([("model", .dictionary([("state_dict", .dictionary(Self.network))]))])
        #expect(try keys(nested) == [["conv.weight"], ["fc.bias", "fc.weight"]])
        // A container's name with something else in it is no container.
        let named = Item.dictionary([("model", .text("resnet")), ("state_dict", .dictionary(Self.network))])
        #expect(try keys(named)[0] == ["conv.weight"])
    }

    @Test func `feature model and classifier may stand apart, wherever the two stand`() throws {
        let split = Item.dictionary([
            ("feat_model", .dictionary([("module.a", Self.one)])),
            ("classifier", .dictionary([("module.weight", Self.matrix)])),
        ])
        for root in [split, .dictionary([("state_dict", split)]), .dictionary([("state_dict_best", split)])] {
            #expect(try keys(root) == [["a"], ["weight"]])
        }
    }

    @Test func `the best epoch is preferred to the latest`() throws {
        let both = Item.dictionary([
            ("state_dict", .dictionary([("latest", Self.one)])), ("state_dict_best", .dictionary([("best", Self.one)])),
        ])
        #expect(try keys(both)[0] == ["best"])
    }

    @Test(arguments: ["_fc", "linear", "classifier", "head", "last_linear", "classifier.1"])
    func `the last layer is the classifier whatever its name`(layer: String) throws {
        let state = try checkpoint(
            .dictionary([("conv.weight", Self.one), ("\(layer).weight", Self.matrix), ("\(layer).bias", Self.one)])
        ).referenceState()
        #expect(state.classifier["fc.weight"]?.values == [1, 2] && state.classifier["fc.bias"]?.values == [1])
        #expect(Array(state.features.keys) == ["conv.weight"])
        #expect(state.featuresPrefix == "" && state.classifierPrefix == "")
    }

    @Test func `layers of which none is surely the classifier stay where they are`() throws {
        let two = Item.dictionary([("classifier.0.weight", Self.matrix), ("classifier.3.weight", Self.matrix)])
        #expect(try keys(two) == [["classifier.0.weight", "classifier.3.weight"], []])
        #expect(try keys(.dictionary([("head.weight", Self.one)])) == [["head.weight"], []])
    }

    @Test(arguments: [
        "module.", "_orig_mod.", "module._orig_mod.", "model.", "backbone.", "encoder.", "module.encoder.",
        "net.module.",
    ])
    func `what wrappers put before every key is removed`(prefix: String) throws {
        #expect(
            try keys(.dictionary(Self.network.map { (prefix + $0, $1) })) == [
                ["conv.weight"], ["fc.bias", "fc.weight"],
            ])
    }

    @Test func `a prefix of the backbone alone is removed`() throws {
        let root = Item.dictionary([
            ("backbone.conv.weight", Self.one), ("backbone.bn.bias", Self.one), ("classifier.weight", Self.matrix),
        ])
        #expect(try keys(root) == [["bn.bias", "conv.weight"], ["fc.weight"]])
    }

    @Test func `a collision that removing prefixes makes is refused`() {
        let both = Item.reference(features: [("module.a", Self.one), ("a", Self.one)])
        #expect(refusal(both) == .duplicateTensor("feat_model.a"))
    }

    /// A module as pickle writes it: an instance whose state has its parameters, buffers and submodules.
    private func module(
        parameters: [(String, Item)] = [], buffers: [(String, Item)] = [], _ modules: [(String, Item)] = []
    )
        -> Item
    {
        .build(
            .raw(Item.global("torch.nn.modules", "Module").bytes + Array(")".utf8) + [0x81]),
            state: .dictionary([
                ("training", .bool(false)), ("_parameters", .dictionary(parameters)),
                ("_buffers", .dictionary(buffers)),
                ("_modules", .dictionary(modules)),
            ]))
    }

    @Test func `a module that was saved whole is walked as data`() throws {
        let layer = module(parameters: [("weight", Self.one), ("bias", .none)], buffers: [("running_mean", Self.one)])
        let network = module([
            ("stage", module([("0", layer), ("1", layer)])), ("fc", module(parameters: [("weight", Self.matrix)])),
        ])
        let expected = [
            ["stage.0.running_mean", "stage.0.weight", "stage.1.running_mean", "stage.1.weight"], ["fc.weight"],
        ]
        #expect(try keys(network) == expected)
        #expect(try keys(.dictionary([("model", network), ("epoch", .int(1))])) == expected)
        #expect(try keys(module([("module", network)])) == expected)
    }

    @Test func `modules that would make two to the 64 keys, or one of endless depth, are refused`() {
        // Each level holds the level before it twice.
        var bytes = module(parameters: [("w", Self.one)]).bytes
        for _ in 0..<64 {
            bytes += Array("q\u{0}0".utf8)
            bytes += module([("a", .raw(Array("h\u{0}".utf8))), ("b", .raw(Array("h\u{0}".utf8)))]).bytes
        }
        #expect(refusal(.raw(bytes)) == .tooLarge("a list of all modules"))

        let object = Item.raw(Item.global("m", "M").bytes + Array(")".utf8) + [0x81] + Array("q\u{0}".utf8))
        let own = Item.build(
            object, state: .dictionary([("_modules", .dictionary([("a", .raw(Array("h\u{0}".utf8)))]))]))
        #expect(refusal(own)?.description.contains("would take far more memory") == true)
    }

    @Test func `a file without weights is refused by what it holds`() {
        #expect(refusal(.dictionary([("weights", .none)])) == .noStateDict(found: ["weights"]))
        #expect(refusal(.dictionary([("state_dict", .dictionary([]))])) == .noStateDict(found: ["state_dict"]))
        #expect(refusal(.dictionary([("embed", Self.one)])) == .noStateDict(found: ["embed"]))
        #expect(refusal(.int(1)) == .noStateDict(found: []))
    }

    @Test func `a container that holds itself is searched once`() {
        let circular = Item.raw(
            Array("}q\u{0}(".utf8)
                + ["model", "net", "ema", "state_dict"].flatMap { Item.text($0).bytes + Array("h\u{0}".utf8) }
                + Array("u".utf8))
        #expect(refusal(circular) == .noStateDict(found: ["model", "net", "ema", "state_dict"]))
    }

    @Test func `numbers, texts and foreign objects among the tensors are passed over`() throws {
        let root = Item.dictionary(
            Self.network + [
                ("config", .call(.global("argparse", "Namespace"), [])), ("note", .text("x")), ("n", .int(1)),
            ])
        #expect(try keys(root) == [["conv.weight"], ["fc.bias", "fc.weight"]])
    }

    @Test func `a weight of a kind that cannot be read is named`() {
        let complex = Item.tensor(.storage("0", count: 1, type: "ComplexFloatStorage"), shape: [1], strides: [1])
        #expect(
            refusal(.dictionary([("w", complex)])) == .unsupportedTensor("w", kind: "torch.ComplexFloatStorage"))
        let text = Item.array([0, 0, 0, 0], code: "U1", shape: [1])
        #expect(refusal(.dictionary([("w", text)])) == .unsupportedTensor("w", kind: "numpy.dtype('U1')"))
    }
}
