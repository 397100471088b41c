import Checkpoint

/// The network of an ONNX file: what lies before its last linear layer as a graph, and that layer as the classifier.
public struct ONNXNetwork: Sendable {
    public let graph: FloatGraph
    /// The classifier alone: `fc.weight`, `[classes][features]`, and `fc.bias` where there is one.
    public let state: ReferenceState

    /// For images of `height` by `width` pixels. Throws where an operation, or what it is used for, is not known here.
    public init(_ model: ONNXModel, height: Int, width: Int) throws(GraphError) {
        let plan = try ONNXPlan(model)
        var builder = try ONNXBuilder(model, plan: plan, height: height, width: width)
        for node in plan.nodes {
            try builder.append(node)
        }
        (graph, state) = try builder.finished()
    }

    /// Height and width of the images that the file states; nil where it leaves them open.
    public static func imageSize(of model: ONNXModel) -> (height: Int, width: Int)? {
        guard model.inputs.count == 1, model.inputs[0].shape.count == 4, let height = model.inputs[0].shape[2],
            let width = model.inputs[0].shape[3]
        else { return nil }
        return (height, width)
    }
}

/// Which nodes of a model make the network, and which of them the classifier.
struct ONNXPlan {
    /// The linear layer that makes the logits: a Gemm or a MatMul.
    let classifier: ONNXNode
    /// The name of the tensor that an Add after a MatMul adds.
    let addedBias: String?
    /// What the features depend on, in order of execution. Nodes of other outputs are not among them.
    let nodes: [ONNXNode]

    /// Of several outputs the first that a linear layer makes is taken.
    init(_ model: ONNXModel) throws(GraphError) {
        var producers: [String: Int] = [:]
        for (index, node) in model.nodes.enumerated() {
            for output in node.outputs where !output.isEmpty { producers[output] = index }
        }
        for output in model.outputs {
            guard let (classifier, bias) = Self.classifier(behind: output, model, producers) else { continue }
            self.classifier = model.nodes[classifier]
            addedBias = bias
            nodes = Self.ancestors(of: classifier, bias, model, producers)
            return
        }
        let last = model.outputs.first.flatMap { producers[$0] }.map { model.nodes[$0] }
        throw .noLinearLayer(
            output: model.outputs.first ?? "", node: last?.name ?? "none", operation: last?.operation ?? "none")
    }

    /// Behind operations that change no order of the logits: the node of the linear layer, and what is added to it.
    private static func classifier(
        behind output: String, _ model: ONNXModel, _ producers: [String: Int]
    ) -> (node: Int, bias: String?)? {
        var name = output
        var bias: String?
        // Every step goes to an earlier node, or the file is not in order.
        for _ in model.nodes {
            guard let index = producers[name] else { return nil }
            let node = model.nodes[index]
            switch node.operation {
            case "Softmax" where bias == nil, "LogSoftmax" where bias == nil, "Identity", "Dropout":
                guard let input = node.inputs.first else { return nil }
                name = input
            case "Add" where bias == nil && node.inputs.count == 2:
                guard
                    let constant = node.inputs.firstIndex(where: {
                        producers[$0] == nil || isConstant($0, model, producers)
                    })
                else { return nil }
                bias = node.inputs[constant]
                name = node.inputs[1 - constant]
            case "MatMul": return (index, bias)
            case "Gemm" where bias == nil: return (index, nil)
            default: return nil
            }
        }
        return nil
    }

    private static func isConstant(_ name: String, _ model: ONNXModel, _ producers: [String: Int]) -> Bool {
        producers[name].map { model.nodes[$0].operation == "Constant" } ?? true
    }

    /// The nodes that the inputs of a node, and a bias added to its result, depend on.
    private static func ancestors(of last: Int, _ bias: String?, _ model: ONNXModel, _ producers: [String: Int])
        -> [ONNXNode]
    {
        var needed: Set<Int> = []
        var pending = model.nodes[last].inputs
        if let bias { pending.append(bias) }
        while let name = pending.popLast() {
            guard let index = producers[name], index != last, needed.insert(index).inserted else { continue }
            pending += model.nodes[index].inputs
        }
        return needed.sorted().map { model.nodes[$0] }
    }
}
