import Checkpoint

/// Turns the nodes of an ONNX file into a graph, one after the other.
///
/// A value of the file is a constant, an image `[images][channels][height][width]` or a vector `[images][channels]`; both of
/// the latter are values of the graph, a vector with one pixel. Shapes are computed for a given number of images, so that
/// what exporters compute from shapes is a constant.
struct ONNXBuilder {
    enum Value {
        case constant(Tensor)
        case image(FloatGraph.Value)
        case vector(FloatGraph.Value)
    }

    let model: ONNXModel
    private let plan: ONNXPlan
    /// What the file says of the number of images, 1 where it leaves it open.
    let images: Int
    var graph: FloatGraph
    private var values: [String: Value] = [:]

    init(_ model: ONNXModel, plan: ONNXPlan, height: Int, width: Int) throws(GraphError) {
        self.model = model
        self.plan = plan
        guard model.inputs.count == 1, model.inputs[0].shape.count == 4 else {
            throw .unsupportedInput("\(model.inputs.count) inputs, where one image of 4 dimensions is taken")
        }
        let sizes = model.inputs[0].shape
        guard sizes[1] ?? 3 == 3 else { throw .unsupportedInput("images of \(sizes[1] ?? 0) channels instead of 3") }
        guard sizes[2] ?? height == height, sizes[3] ?? width == width else {
            throw .unsupportedInput("images of \(sizes[2] ?? height)x\(sizes[3] ?? width), not of \(height)x\(width)")
        }
        guard (1...1 << 16).contains(sizes[0] ?? 1) else { throw .unsupportedInput("\(sizes[0] ?? 0) images at once") }
        images = sizes[0] ?? 1
        graph = FloatGraph(input: FeatureShape(channels: 3, height: height, width: width))
        values[model.inputs[0].name] = .image(graph.input)
    }

    /// The graph ends with the features; the classifier's numbers are checked by who makes a head of them.
    func finished() throws(GraphError) -> (FloatGraph, ReferenceState) {
        let node = plan.classifier
        let features = try vector(node, 0)
        let linear = try linear(node, inputs: graph[features].shape.channels)
        guard features == graph.features else { throw refusal(node, "its input is not computed from the image") }
        var classifier = ["fc.weight": Tensor(shape: [linear.outputs, linear.inputs], values: linear.weights)]
        if let bias = linear.bias { classifier["fc.bias"] = Tensor(shape: [linear.outputs], values: bias) }
        if let name = plan.addedBias {
            let bias = try broadcast(constant(name, node), to: linear.outputs, node)
            classifier["fc.bias"] = Tensor(shape: [linear.outputs], values: bias)
        }
        var state = ReferenceState(features: [:], classifier: classifier, direction: nil)
        (state.featuresPrefix, state.classifierPrefix) = ("", "")
        return (graph, state)
    }

    mutating func append(_ node: ONNXNode) throws(GraphError) {
        guard let output = node.outputs.first, !output.isEmpty else { throw refusal(node, "it has no output") }
        let result: Value
        if let constant = try folded(node) { result = constant } else { result = try computed(node) }
        guard values.updateValue(result, forKey: output) == nil else {
            throw refusal(node, "its output has two sources")
        }
    }

    /// The operations that compute with images; those on constants are `folded`.
    private mutating func computed(_ node: ONNXNode) throws(GraphError) -> Value {
        switch node.operation {
        case "Conv": try convolution(node)
        case "BatchNormalization": try batchNorm(node)
        case "Relu": try activation(node, .relu)
        case "Clip": try clip(node)
        case "LeakyRelu": try activation(node, .leakyReLU(slope: number(node, "alpha", default: 0.01)))
        case "HardSwish": try activation(node, .hardSwish)
        case "HardSigmoid":
            try activation(
                node,
                .hardSigmoid(slope: number(node, "alpha", default: 0.2), offset: number(node, "beta", default: 0.5)))
        case "Sigmoid": try activation(node, .sigmoid)
        case "Mul", "Add", "Sub", "Div": try arithmetic(node)
        case "Concat": try concat(node)
        case "Pad": try pad(node)
        case "Slice": try slice(node)
        case "MaxPool": try maxPool(node)
        case "AveragePool": try averagePool(node)
        case "GlobalAveragePool": .image(try graph.append(.globalAveragePool, try image(node, 0), name: node.name))
        case "ReduceMean": try reduceMean(node)
        case "Flatten": try flatten(node)
        case "Reshape": try reshape(node)
        case "Gemm", "MatMul": try linearLayer(node)
        case "Identity": try value(node, 0)
        case "Dropout": try dropout(node)
        case "Softmax": throw refusal(node, "it stands before the last layer")
        default: throw .unsupportedOperation(node: node.name, operation: node.operation)
        }
    }

    private func dropout(_ node: ONNXNode) throws(GraphError) -> Value {
        if node.inputs.count > 2, !node.inputs[2].isEmpty, try constant(node, 2).first ?? 0 != 0 {
            throw refusal(node, "it is in training mode")
        }
        return try value(node, 0)
    }
}

// MARK: Inputs and attributes of nodes

extension ONNXBuilder {
    func refusal(_ node: ONNXNode, _ reason: String) -> GraphError {
        .unsupportedNode(node: node.name, operation: node.operation, reason: reason)
    }

    func has(_ node: ONNXNode, _ input: Int) -> Bool {
        input < node.inputs.count && !node.inputs[input].isEmpty
    }

    func value(_ node: ONNXNode, _ input: Int) throws(GraphError) -> Value {
        guard has(node, input) else { throw refusal(node, "input \(input) is missing") }
        let name = node.inputs[input]
        if let value = values[name] { return value }
        guard let tensor = model.initializers[name] else {
            throw refusal(node, "nothing before it computes its input \(printable(name))")
        }
        return .constant(tensor)
    }

    /// A value of the graph, image or vector.
    func operand(_ node: ONNXNode, _ input: Int) throws(GraphError) -> FloatGraph.Value {
        switch try value(node, input) {
        case .image(let value), .vector(let value): return value
        case .constant: throw refusal(node, "input \(input) is a constant")
        }
    }

    func image(_ node: ONNXNode, _ input: Int) throws(GraphError) -> FloatGraph.Value {
        guard case .image(let value) = try value(node, input) else { throw refusal(node, "input \(input) is no image") }
        return value
    }

    func vector(_ node: ONNXNode, _ input: Int) throws(GraphError) -> FloatGraph.Value {
        guard case .vector(let value) = try value(node, input) else {
            throw refusal(node, "input \(input) is no vector of features")
        }
        return value
    }

    func constant(_ node: ONNXNode, _ input: Int) throws(GraphError) -> Tensor {
        guard case .constant(let tensor) = try value(node, input) else {
            throw refusal(node, "input \(input) is not a constant")
        }
        return tensor
    }

    func constant(_ name: String, _ node: ONNXNode) throws(GraphError) -> Tensor {
        if case .constant(let tensor)? = values[name] { return tensor }
        guard let tensor = model.initializers[name] else { throw refusal(node, "\(printable(name)) is not a constant") }
        return tensor
    }

    /// A result of the same kind, image or vector, as an input.
    ///
    /// Mutating, for it is called with what appending to the graph returns: another method would be called on a copy of the
    /// builder from before that, and each node would copy all earlier ones.
    mutating func like(_ node: ONNXNode, _ input: Int, _ result: FloatGraph.Value) throws(GraphError) -> Value {
        if case .vector = try value(node, input) { .vector(result) } else { .image(result) }
    }

    /// Sizes of a value, outermost first.
    func shape(of value: Value) -> [Int] {
        switch value {
        case .constant(let tensor): return tensor.shape
        case .image(let value):
            let shape = graph[value].shape
            return [images, shape.channels, shape.height, shape.width]
        case .vector(let value): return [images, graph[value].shape.channels]
        }
    }

    /// The finite values of a constant.
    func numbers(_ node: ONNXNode, _ input: Int) throws(GraphError) -> [Float] {
        let values = try constant(node, input).values
        if let index = values.firstNonFiniteIndex {
            throw .notFinite(name: printable(node.inputs[input]), index: index, value: values[index])
        }
        return values
    }

    func number(_ node: ONNXNode, _ name: String, default standard: Float) -> Float {
        if case .float(let value)? = node.attributes[name] { value } else { standard }
    }

    func integer(_ node: ONNXNode, _ name: String, default standard: Int) -> Int {
        if case .int(let value)? = node.attributes[name] { value } else { standard }
    }

    /// Integers of an attribute or, since a later operator set, of a constant input; nil where neither is there.
    func integers(_ node: ONNXNode, _ name: String, orInput input: Int?) throws(GraphError) -> [Int]? {
        if case .ints(let values)? = node.attributes[name] { return values }
        guard let input, has(node, input) else { return nil }
        let tensor = try constant(node, input)
        guard tensor.count <= 64 else { throw refusal(node, "\(tensor.count) numbers for \(name)") }
        return tensor.values.map(Int.init(clamping:))
    }

    /// One number a channel from a constant that broadcasts to `count` channels.
    func broadcast(_ tensor: Tensor, to count: Int, _ node: ONNXNode) throws(GraphError) -> [Float] {
        let values = tensor.values
        guard values.count == 1 || values.count == count, values.allSatisfy(\.isFinite) else {
            throw refusal(node, "a constant of \(values.count) numbers, or not finite, for \(count) channels")
        }
        return values.count == count ? values : [Float](repeating: values[0], count: count)
    }
}

extension Int {
    /// The nearest integer that can be represented; 0 for NaN.
    init(clamping value: Float) {
        self = value.isNaN ? 0 : value >= 0x1p62 ? Int(1) << 62 : value <= -0x1p62 ? -(Int(1) << 62) : Int(value)
    }
}
