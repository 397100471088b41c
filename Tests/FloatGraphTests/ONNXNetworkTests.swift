import FloatGraph
import Testing

@testable import Checkpoint

/// What cannot be converted is refused with the node's name.
@Suite struct ONNXNetworkTests {
    private static func node(
        _ operation: String, _ inputs: [String], _ output: String, _ attributes: [String: ONNXAttribute] = [:]
    ) -> ONNXNode {
        ONNXNode(name: "n", operation: operation, inputs: inputs, outputs: [output], attributes: attributes)
    }

    private static let ending = [
        node("GlobalAveragePool", ["f"], "mean"), node("Flatten", ["mean"], "vector"),
        node("MatMul", ["vector", "matrix"], "logits"),
    ]

    private static func tensor(_ shape: [Int], _ value: Float = 1) -> Tensor {
        Tensor(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
    }

    private static let constants = [
        "matrix": tensor([3, 2]), "conv": tensor([3, 3, 3, 3]), "three": tensor([3]), "one": tensor([1]),
        "line": tensor([3, 3, 3]), "negative": tensor([3], -1), "zero": tensor([], 0),
        "channels": tensor([1, 3, 1, 1]),
        "nan": tensor([3, 3, 1, 1], .nan), "rows": tensor([1, 1, 8, 1]), "axes": tensor([1], 2),
        "minus": tensor([1], -1),
        "pads": tensor([8], 1), "shape5": Tensor(shape: [5], values: [1, 3, 1, 8, 8]),
        "shape2": Tensor(shape: [2], values: [1, 7]), "far": tensor([1], 9), "none": tensor([0]),
        "column": tensor([3, 1]), "wide": tensor([0, 1 << 40]), "tall": tensor([1 << 40, 0]),
    ]

    private func network(
        _ nodes: [ONNXNode], inputs: [ONNXModel.Input] = [.init(name: "x", shape: [nil, 3, 8, 8])],
        output: String = "logits"
    ) throws -> ONNXNetwork {
        let model = ONNXModel(
            producer: "test", operatorSet: 17, nodes: nodes, initializers: Self.constants, inputs: inputs,
            outputs: [output])
        return try ONNXNetwork(model, height: 8, width: 8)
    }

    private func refusal(_ nodes: [ONNXNode]) -> GraphError? {
        #expect(throws: GraphError.self) { try network(nodes) }
    }

    @Test func `features, classifier and their sizes are found`() throws {
        let result = try network([Self.node("Conv", ["x", "conv"], "f")] + Self.ending)
        #expect(result.graph[result.graph.features].shape == FeatureShape(channels: 3, height: 1, width: 1))
        #expect(result.state.classifier["fc.weight"]?.shape == [2, 3])
        #expect(result.state.classifier["fc.bias"] == nil)
    }

    @Test(arguments: ["LSTM", "com.example.Conv", "ConvTranspose", "InstanceNormalization"])
    func `an operation that is not known is refused by name`(operation: String) {
        let error = refusal([Self.node(operation, ["x"], "f")] + Self.ending)
        #expect(error == .unsupportedOperation(node: "n", operation: operation))
        #expect(
            error?.description.hasPrefix("node n is of the operation \(operation), which cannot be converted") == true)
    }

    @Test(arguments: [
        (node("Conv", ["x", "line"], "f"), "weights of 3 dimensions for a value of 4"),
        (node("Conv", ["x", "conv"], "f", ["group": .int(3)]), "in 3 groups"),
        (node("Conv", ["x", "conv"], "f", ["group": .int(0)]), "in 0 groups"),
        (node("Conv", ["x", "conv", "one"], "f"), "1 biases for 3 channels"),
        (node("Conv", ["x", "conv"], "f", ["kernel_shape": .ints([5, 5])]), "does not fit the weights"),
        (node("Conv", ["x", "conv"], "f", ["pads": .ints([0, 0, -1, 0])]), "four numbers from 0 to 65536"),
        (node("Conv", ["x", "conv"], "f", ["strides": .ints([0, 1])]), "two numbers from 1 to 65536"),
        (node("Conv", ["x", "conv"], "f", ["auto_pad": .string("SAME")]), "auto_pad SAME is not known"),
        (node("Conv", ["x", "x"], "f"), "input 1 is not a constant"),
        (node("Conv", ["later", "conv"], "f"), "nothing before it computes its input later"),
        (node("Conv", ["x"], "f"), "input 1 is missing"),
        (node("Conv", ["one", "conv"], "f"), "weights of 4 dimensions for a value of 1"),
        (node("BatchNormalization", ["x", "three", "three", "three", "one"], "f"), "1 numbers for 3 channels"),
        (
            node("BatchNormalization", ["x", "three", "three", "three", "three"], "f", ["training_mode": .int(1)]),
            "it is in training mode"
        ),
        (node("Clip", ["x", "one", "negative"], "f"), "limits 1.0 and -1.0"),
        (node("Add", ["x", "three"], "f"), "of shapes [1, 3, 8, 8] and [3]"),
        (node("Max", ["x", "x"], "f"), "its second input is not a constant"),
        (node("Pow", ["x", "rows"], "f"), "a constant of shape [1, 1, 8, 1]"),
        (node("Div", ["x", "zero"], "f"), "a division by zero"),
        (node("Concat", ["x", "x"], "f", ["axis": .int(4)]), "axis 4 of 4 dimensions"),
        (node("Resize", ["x", "", "three"], "f"), "scales [1.0, 1.0, 1.0]"),
        (node("PRelu", ["x", "rows"], "f"), "slopes of shape [1, 1, 8, 1]"),
        (node("Transpose", ["x"], "f", ["perm": .ints([0, 1, 1, 2])]), "perm [0, 1, 1, 2]"),
        (node("Squeeze", ["x", "axes"], "f"), "a dimension that is not 1"),
        (node("Unsqueeze", ["x", "three"], "f"), "an axis that is named twice"),
        (node("Expand", ["x", "shape2"], "f"), "from [1, 3, 8, 8] to [1, 7]"),
        (node("Pad", ["x", "pads"], "f", ["mode": .string("reflect")]), "mode reflect instead of constant"),
        (node("Pad", ["x", "pads"], "f"), "0 for the images"),
        (node("Slice", ["x", "one", "far", "axes", "minus"], "f"), "it takes nothing"),
        (node("Slice", ["x", "far", "far", "axes"], "f"), "it takes nothing"),
        (node("Slice", ["x", "one"], "f"), "starts or ends are missing"),
        (node("Slice", ["x", "three", "one"], "f"), "of different numbers"),
        (node("MaxPool", ["x"], "f"), "kernel_shape is missing"),
        (
            node(
                "AveragePool", ["x"], "f",
                [
                    "kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "ceil_mode": .int(1),
                    "count_include_pad": .int(1),
                ]), "it counts padding and rounds up sizes"
        ),
        (node("ReduceMean", ["x", "far"], "f"), "axis 9 of 4 dimensions"),
        (node("Reshape", ["x", "shape2"], "f"), "from [1, 3, 8, 8] to [1, 7]"),
        (node("Gemm", ["x", "matrix"], "f"), "a matrix of 3x2 for 8 features"),
        (node("Dropout", ["x", "zero", "one"], "f"), "it is in training mode"),
        (node("Gather", ["shape5", "far"], "f"), "index 9 is out of range"),
        (node("Constant", [], "f", ["value": .other]), "not a constant of numbers"),
    ])
    func `a use that is not known is refused with its reason`(node: ONNXNode, reason: String) {
        let operation = node.operation
        let error = refusal([node] + Self.ending)
        guard case .unsupportedNode("n", operation, let text)? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "not refused")")
            return
        }
        #expect(text.contains(reason), "\(text)")
    }

    @Test(arguments: [["none", "one"], ["one", "none"]])
    func `a single number and no numbers make no numbers`(inputs: [String]) {
        let nodes = [Self.node("Add", inputs, "sizes"), Self.node("Reshape", ["x", "sizes"], "f")]
        #expect(refusal(nodes + Self.ending)?.description.contains("from [1, 3, 8, 8] to []") == true)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            node("Transpose", ["wide"], "sizes"),
            node("Slice", ["tall"], "sizes", ["starts": .ints([0]), "ends": .ints([.max])]),
        ])
    func `sizes beyond all counting are not counted through where there are no numbers`(node: ONNXNode) {
        let error = refusal([node, Self.node("Reshape", ["x", "sizes"], "f")] + Self.ending)
        #expect(error?.description.contains(node.operation) == true)
    }

    @Test func `numbers that make no sense are refused by the name of their tensor`() {
        #expect(
            refusal([Self.node("Conv", ["x", "nan"], "f")] + Self.ending)?.description.hasPrefix("tensor nan holds nan")
                == true)
        let norm = Self.node("BatchNormalization", ["x", "three", "three", "three", "negative"], "f")
        #expect(
            refusal([norm] + Self.ending)?.description.hasPrefix("tensor negative holds the negative variance") == true)
    }

    @Test func `a model without a linear layer at its end is refused with what is there`() {
        let nodes = [Self.node("Conv", ["x", "conv"], "f"), Self.node("Relu", ["f"], "logits")]
        #expect(refusal(nodes) == .noLinearLayer(output: "logits", node: "n", operation: "Relu"))
        #expect(refusal([]) == .noLinearLayer(output: "logits", node: "none", operation: "none"))
    }

    @Test func `a node that reads itself ends`() {
        #expect(refusal([Self.node("Identity", ["logits"], "logits")])?.description.contains("linear layer") == true)
        #expect(
            refusal([Self.node("Relu", ["f"], "f")] + Self.ending)?.description.contains("nothing before it") == true)
    }

    @Test(
        arguments: [
            ([], "0 inputs"), ([.init(name: "x", shape: [1, 3]), .init(name: "y", shape: [1])], "2 inputs"),
            ([.init(name: "x", shape: [1, 2, 8, 8])], "images of 2 channels"),
            ([.init(name: "x", shape: [0, 3, 8, 8])], "0 images at once"),
            ([.init(name: "x", shape: [.max, 3, 8, 8])], "images at once"),
            ([.init(name: "x", shape: [1, 3, 16, 16])], "images of 16x16, not of 8x8"),
        ] as [([ONNXModel.Input], String)])
    func `another input than one image of the size is refused`(inputs: [ONNXModel.Input], reason: String) {
        let error = #expect(throws: GraphError.self) { try network(Self.ending, inputs: inputs) }
        #expect(error?.description.contains(reason) == true)
    }

    @Test func `an output without a name, or with the input's, is refused`() {
        let unnamed = ONNXNode(name: "n", operation: "Relu", inputs: ["x"], outputs: ["", "f"], attributes: [:])
        #expect(refusal([unnamed] + Self.ending)?.description.contains("it has no output") == true)
        let nodes = [Self.node("Relu", ["x"], "x"), Self.node("Relu", ["x"], "f")]
        #expect(refusal(nodes + Self.ending)?.description.contains("its output has two sources") == true)
    }

    @Test(arguments: ["DynamicQuantizeLinear", "ConvInteger"])
    func `numbers that are quantised in a way that is not kept are named`(operation: String) {
        #expect(
            refusal([Self.node(operation, ["x"], "f")] + Self.ending) == .quantised(node: "n", operation: operation))
    }

    @Test func `what stands behind the logits is passed over by name`() throws {
        let nodes = [
            Self.node("GlobalAveragePool", ["x"], "mean"), Self.node("Flatten", ["mean"], "vector"),
            Self.node("MatMul", ["vector", "column"], "logit"), Self.node("Sigmoid", ["logit"], "logits"),
        ]
        let result = try network(nodes)
        #expect(result.state.classifier["fc.weight"]?.shape == [1, 3])
        #expect(result.backbone.assumptions == ["node n (Sigmoid) behind the logits is passed over"])
        let head = try ClassifierHead(of: result.state, dimensions: 3)
        #expect(head.isOfOneLogit && head.classes == 2)
    }

    @Test func `what is computed from constants is bounded by the file`() {
        let doubling = (0..<40).map { Self.node("Concat", ["c\($0)", "c\($0)"], "c\($0 + 1)", ["axis": .int(0)]) }
        let nodes = [Self.node("Identity", ["three"], "c0")] + doubling + [Self.node("Add", ["x", "c40"], "f")]
        #expect(refusal(nodes + Self.ending)?.description.contains("more constants than the file justifies") == true)
    }

    @Test func `nodes of other outputs do not matter`() throws {
        let nodes = [Self.node("Conv", ["x", "conv"], "f"), Self.node("LSTM", ["f"], "aside")] + Self.ending
        #expect(throws: Never.self) { try network(nodes) }
    }
}
