import Checkpoint

/// Turns the nodes of an ONNX file into a graph, one after the other.
///
/// A value of the file is a constant or a view of a value of the graph. Shapes are computed for a given number of images, so
/// that what exporters compute from shapes is a constant.
struct ONNXBuilder {
    enum Value {
        case constant(Tensor)
        case computed(ONNXView)
    }

    let model: ONNXModel
    /// What the file says of the number of images, 1 where it leaves it open.
    let images: Int
    var graph: FloatGraph
    /// Whether it sees the luminance of pictures alone.
    private(set) var takesGrey = false
    var values: [String: Value] = [:]
    /// Values that the file has as bytes, by name.
    var bytes: [String: Bytes] = [:]
    /// Norms that a value may be divided by, by the value of the graph that they are: of what, in how many groups of its
    /// channels, and never less than what.
    var norms: [FloatGraph.Value: (source: FloatGraph.Value, groups: Int, least: Float)] = [:]
    /// Constants that may still be computed with: `Self.foldedNumbers` for each number of the file.
    var numbersToFold: Int

    init(_ model: ONNXModel, height: Int, width: Int) throws(GraphError) {
        self.model = model
        let input = try ONNXInput(of: model)
        guard input.height ?? height == height, input.width ?? width == width else {
            throw .unsupportedInput(
                "images of \(input.height ?? height)x\(input.width ?? width), not of \(height)x\(width)")
        }
        images = input.images
        numbersToFold =
            Self.leastNumbersToFold + Self.foldedNumbers * model.initializers.values.reduce(0) { $0 + $1.count }
        graph = FloatGraph(input: FeatureShape(channels: 3, height: height, width: width))
        var view = imageView(graph.input)
        takesGrey = input.channels == 1
        if takesGrey {
            let grey = try graph.append(.convolution(.luminance), graph.input, name: "grey")
            view = imageView(grey)
        }
        if input.channelsAreLast { view.axes = [0, 2, 3, 1].map { view.axes[$0] } }
        values[model.inputs[0].name] = .computed(view)
    }

    mutating func append(_ node: ONNXNode) throws(GraphError) {
        guard let output = node.outputs.first, !output.isEmpty else { throw refusal(node, "it has no output") }
        if try appendQuantised(node) { return }
        if node.operation == "Split" {
            for (name, part) in zip(node.outputs, try split(node)) where !name.isEmpty { try define(name, part, node) }
            return
        }
        let result: Value
        if let constant = try folded(node) { result = constant } else { result = try computed(node) }
        try define(output, result, node)
    }

    mutating func define(_ name: String, _ value: Value, _ node: ONNXNode) throws(GraphError) {
        guard values.updateValue(value, forKey: name) == nil else {
            throw refusal(node, "its output has two sources")
        }
    }

    /// The operations that compute with images; those on constants are `folded`.
    mutating func computed(_ node: ONNXNode) throws(GraphError) -> Value {
        switch node.operation {
        case "Conv": try convolution(node)
        case "BatchNormalization": try batchNorm(node)
        case "LayerNormalization": try layerNorm(node)
        case "LpNormalization": try lpNormalization(node)
        case "PRelu": try parametricReLU(node)
        case "Clip": try clip(node)
        case "Mul", "Add", "Sub", "Div", "Pow", "Max", "Min", "Sum": try arithmetic(node)
        case "Concat": try concat(node)
        case "Pad": try pad(node)
        case "Slice": try slice(node)
        case "Gather": try gather(node)
        case "GatherND": try gatherSlices(node)
        case "Transpose": try transpose(node)
        case "Reshape": try reshape(node)
        case "Flatten": try flatten(node)
        case "Squeeze": try squeeze(node)
        case "Unsqueeze": try unsqueeze(node)
        case "Expand": try expand(node)
        case "DepthToSpace", "SpaceToDepth": try spaceAndDepth(node)
        case "Resize", "Upsample": try resize(node)
        case "MaxPool": try maxPool(node)
        case "AveragePool": try averagePool(node)
        case "GlobalAveragePool": try reduce(node, .mean, axes: [2, 3], keepsDimensions: true)
        case "GlobalMaxPool": try reduce(node, .maximum, axes: [2, 3], keepsDimensions: true)
        case "ReduceMean": try reduce(node, .mean)
        case "ReduceSum": try reduce(node, .sum)
        case "ReduceMax": try reduce(node, .maximum)
        case "ReduceL2": try reduce(node, .l2Norm)
        case "Gemm", "MatMul": try linearLayer(node)
        case "Softmax": try softmax(node)
        case "Identity", "Cast", "CastLike": try value(node, 0)
        case "Dropout": try dropout(node)
        case "QuantizeLinear": try quantisedConstant(node)
        case "DequantizeLinear": try dequantisedConstant(node)
        case let name where Self.quantised.contains(name): throw .quantised(node: node.name, operation: name)
        default: try function(node)
        }
    }

    private static let quantised: Set<String> = [
        "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "com.microsoft.QLinearGlobalAveragePool",
    ]

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
        // Bytes are for the operations that say by what scale.
        guard bytes[name] == nil else { throw .quantised(node: node.name, operation: node.operation) }
        guard let tensor = model.initializers[name] else {
            throw refusal(node, "nothing before it computes its input \(printable(name))")
        }
        return .constant(tensor)
    }

    /// A value of the graph, which a constant becomes.
    mutating func view(_ node: ONNXNode, _ input: Int) throws(GraphError) -> ONNXView {
        switch try value(node, input) {
        case .computed(let view): return view
        case .constant(let tensor): return try appendConstant(tensor, node)
        }
    }

    /// The value of the graph with the channels, rows and columns of an image; a line has no rows.
    mutating func image(_ node: ONNXNode, _ input: Int) throws(GraphError) -> FloatGraph.Value {
        let view = try view(node, input)
        switch view.axes.count {
        case 3: return try placed(view, channels: [1], columns: [2], node)
        case 4: return try placed(view, channels: [1], rows: [2], columns: [3], node)
        default: throw refusal(node, "input \(input) is no image")
        }
    }

    func constant(_ node: ONNXNode, _ input: Int) throws(GraphError) -> Tensor {
        guard case .constant(let tensor) = try value(node, input) else {
            throw refusal(node, "input \(input) is not a constant")
        }
        return tensor
    }

    /// Sizes of a value, outermost first.
    func shape(of value: Value) -> [Int] {
        switch value {
        case .constant(let tensor): tensor.shape
        case .computed(let view): view.shape
        }
    }

    func value(named name: String) -> Value? {
        values[name] ?? bytes[name].map { .computed($0.view) } ?? model.initializers[name].map(Value.constant)
    }

    /// A dimension of a value of so many, counted from the front.
    func axis(_ axis: Int, of count: Int, _ node: ONNXNode) throws(GraphError) -> Int {
        let resolved = axis < 0 ? axis + count : axis
        guard (0..<count).contains(resolved) else { throw refusal(node, "axis \(axis) of \(count) dimensions") }
        return resolved
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
