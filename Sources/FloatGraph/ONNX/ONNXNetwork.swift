import Checkpoint

/// The network of an ONNX file: what lies before its classifier as a graph, and the classifier's numbers.
public struct ONNXNetwork: Sendable {
    public var graph: FloatGraph { backbone.graph }
    public let backbone: Backbone
    /// The classifier alone: `fc.weight`, `[classes][features]`, and `fc.bias` where there is one.
    public let state: ReferenceState
    /// What the file does with its features before the last product, where that is known to be more than a linear layer.
    public let classifier: ClassifierKind?
    /// Of a normalised classifier, the factor of its products.
    public let parameters: ClassifierParameters

    /// For images of `height` by `width` pixels. `output` names the output that gives the logits, where there are several.
    /// Throws where an operation, or what it is used for, is not known here.
    public init(_ model: ONNXModel, output: String? = nil, height: Int, width: Int) throws(GraphError) {
        let plan = try ONNXPlan(model, output: output)
        var builder = try ONNXBuilder(model, height: height, width: width)
        for node in plan.nodes {
            try builder.append(node)
        }
        let logits = try builder.logits(named: plan.logits, node: plan.last)
        let ending = try ONNXEnding(builder.graph, logits: logits, plan)
        var backbone = Backbone(graph: ending.graph, takesGrey: builder.takesGrey, passedOver: [])
        backbone.assumptions = plan.notes
        if ending.graph.isQuantised {
            backbone.assumptions.append(
                "the file is quantised already and keeps its numbers; there is no float network behind it")
        }
        self.backbone = backbone
        classifier = ending.kind
        parameters = ending.parameters
        var state = ReferenceState(features: [:], classifier: ending.tensors, direction: nil)
        (state.featuresPrefix, state.classifierPrefix) = ("", "")
        self.state = state
    }

    /// Height and width of the images that the file states; nil where it leaves them open.
    public static func imageSize(of model: ONNXModel) -> (height: Int, width: Int)? {
        guard let input = try? ONNXInput(of: model), let height = input.height, let width = input.width else {
            return nil
        }
        return (height, width)
    }
}

extension ONNXBuilder {
    /// The value of the graph that is a vector of one number a class.
    mutating func logits(named name: String, node: ONNXNode) throws(GraphError) -> FloatGraph.Value {
        guard case .computed(let view)? = value(named: name) else {
            throw refusal(node, "output \(printable(name)) is not computed from the image")
        }
        let axes = featureAxes(view).filter { !view.axes[$0].isEmpty }
        guard axes.count <= 1 else {
            throw .noLinearLayer(output: name, node: node.name, operation: node.operation)
        }
        return try placed(view, channels: axes, node)
    }
}

/// Which nodes of a model make the logits.
struct ONNXPlan {
    /// The name of the value that holds the logits.
    let logits: String
    /// The node that makes it.
    let last: ONNXNode
    /// What the logits depend on, in order of execution. Nodes of other outputs are not among them.
    let nodes: [ONNXNode]
    /// What stands behind the logits and is passed over, since the device ranks and normalises them itself; one line each.
    let notes: [String]

    init(_ model: ONNXModel, output: String?) throws(GraphError) {
        var producers: [String: Int] = [:]
        for (index, node) in model.nodes.enumerated() {
            for output in node.outputs where !output.isEmpty { producers[output] = index }
        }
        let output = try Self.output(of: model, named: output, producers)
        let ending = Self.logits(behind: output, model, producers)
        guard let last = producers[ending.name], !Self.passedOver.contains(model.nodes[last].operation) else {
            throw .noLinearLayer(output: output, node: "none", operation: "none")
        }
        logits = ending.name
        self.last = model.nodes[last]
        notes = ending.passedOver.map {
            "node \(printable($0.name)) (\(printable($0.operation))) behind the logits is passed over"
        }
        var needed: Set<Int> = []
        var pending = [logits]
        while let name = pending.popLast() {
            guard let index = producers[name], needed.insert(index).inserted else { continue }
            pending += model.nodes[index].inputs
        }
        nodes = needed.sorted().map { model.nodes[$0] }
    }

    /// The output that was asked for, or the only one that can be meant: of several that lead to one vector of logits the
    /// first, and where just one ends in a linear layer, that one.
    private static func output(
        of model: ONNXModel, named name: String?, _ producers: [String: Int]
    ) throws(GraphError) -> String {
        if let name {
            guard model.outputs.contains(name) else { throw .noSuchOutput(name, outputs: model.outputs) }
            return name
        }
        guard let first = model.outputs.first else { throw .noLinearLayer(output: "", node: "none", operation: "none") }
        guard model.outputs.count > 1 else { return first }
        var logits: [String] = []
        var candidates: [String] = []
        for output in model.outputs {
            let ending = Self.logits(behind: output, model, producers)
            guard isLinear(ending.name, model, producers), !logits.contains(ending.name) else { continue }
            logits.append(ending.name)
            candidates.append(output)
        }
        guard candidates.count == 1 else { throw .severalOutputs(candidates.isEmpty ? model.outputs : candidates) }
        return candidates[0]
    }

    private static let passedOver: Set<String> = [
        "Softmax", "LogSoftmax", "Sigmoid", "Cast", "ArgMax", "TopK", "Identity", "Dropout", "QuantizeLinear",
        "DequantizeLinear",
    ]

    /// Behind operations that change no order of the logits: their name, and those operations.
    private static func logits(
        behind output: String, _ model: ONNXModel, _ producers: [String: Int]
    ) -> (name: String, passedOver: [ONNXNode]) {
        var name = output
        var passedOver: [ONNXNode] = []
        // Every step goes to an earlier node, or the file is not in order.
        while let index = producers[name], passedOver.count < 8, Self.passedOver.contains(model.nodes[index].operation),
            let input = model.nodes[index].inputs.first
        {
            passedOver.append(model.nodes[index])
            name = input
        }
        return (name, passedOver.filter { !["Cast", "Identity", "Dropout"].contains($0.operation) })
    }

    /// Whether a value is made by a linear layer, but for sums, constant factors and changes of shape.
    private static func isLinear(_ name: String, _ model: ONNXModel, _ producers: [String: Int]) -> Bool {
        var name = name
        for _ in 0..<8 {
            guard let index = producers[name] else { return false }
            let node = model.nodes[index]
            switch node.operation {
            case "Gemm", "MatMul", "Conv", "QLinearConv", "QLinearMatMul", "com.microsoft.QGemm": return true
            case "Add", "Mul", "Div", "Flatten", "Reshape", "Squeeze", "GlobalAveragePool", "ReduceMean", "Identity":
                guard let input = node.inputs.first(where: { producers[$0] != nil }) else { return false }
                name = input
            default: return false
            }
        }
        return false
    }
}
