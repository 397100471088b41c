import Testing

@testable import Checkpoint
@testable import FloatGraph

/// Reading a file of many nodes takes work in proportion to them.
@Suite struct ONNXWorkTests {
    private static func node(_ operation: String, _ inputs: [String], _ output: String) -> ONNXNode {
        ONNXNode(name: output, operation: operation, inputs: inputs, outputs: [output], attributes: [:])
    }

    private static func model(_ nodes: [ONNXNode], from last: String) -> ONNXModel {
        let ending = [
            node("GlobalAveragePool", [last], "mean"), node("Flatten", ["mean"], "vector"),
            node("MatMul", ["vector", "matrix"], "logits"),
        ]
        let constants = [
            "matrix": Tensor(shape: [3, 2], values: [Float](repeating: 1, count: 6)),
            "channels": Tensor(shape: [1, 3, 1, 1], values: [1, 2, 3]),
            "norm": Tensor(shape: [3], values: [1, 2, 3]),
        ]
        return ONNXModel(
            producer: "test", operatorSet: 17, nodes: nodes + ending, initializers: constants,
            inputs: [.init(name: "x", shape: [1, 3, 8, 8])], outputs: ["logits"])
    }

    @Test(arguments: [
        ["Relu"], ["Sigmoid"], ["Add", "self"], ["Mul", "channels"],
        ["BatchNormalization", "norm", "norm", "norm", "norm"],
        ["Concat"],
    ])
    func `no node copies the ones before it`(operation: [String]) throws {
        let count = 3000
        let nodes = (0..<count).map { number in
            let input = number == 0 ? "x" : "v\(number - 1)"
            let others = operation.dropFirst().map { $0 == "self" ? input : $0 }
            return Self.node(operation[0], [input] + others, "v\(number)")
        }
        let model = Self.model(nodes, from: "v\(count - 1)")
        let plan = try ONNXPlan(model, output: nil)
        var builder = try ONNXBuilder(model, height: 8, width: 8)
        var moves = 0
        var address: UnsafePointer<FloatGraph.Node>?
        for node in plan.nodes {
            try builder.append(node)
            let current = builder.graph.nodes.withUnsafeBufferPointer(\.baseAddress)
            if current != address { moves += 1 }
            address = current
        }
        #expect(builder.graph.nodes.count > count)
        // An array that grows moves as often as it doubles.
        #expect(moves < 32)
    }
}
