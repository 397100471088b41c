import Checkpoint

// Functions of single values, sums and products.
extension ONNXBuilder {
    mutating func activation(_ node: ONNXNode, _ function: Activation) throws(GraphError) -> Value {
        let input = try operand(node, 0)
        return try like(node, 0, try graph.append(.activation(function), input, name: node.name))
    }

    /// Limits are inputs since operator set 11, attributes before.
    mutating func clip(_ node: ONNXNode) throws(GraphError) -> Value {
        var low = number(node, "min", default: -.infinity)
        var high = number(node, "max", default: .infinity)
        if has(node, 1) { low = try constant(node, 1).first ?? low }
        if has(node, 2) { high = try constant(node, 2).first ?? high }
        guard low <= high else { throw refusal(node, "limits \(low) and \(high)") }
        return try activation(node, .clip(low: low, high: high))
    }

    /// Add, Sub, Mul and Div: of two values, or of a value and constants, one for all or one for each channel.
    mutating func arithmetic(_ node: ONNXNode) throws(GraphError) -> Value {
        switch (try value(node, 0), try value(node, 1)) {
        case (.constant, .constant): throw refusal(node, "both inputs are constants")
        case (_, .constant(let tensor)): return try arithmetic(node, 0, with: tensor)
        case (.constant(let tensor), _):
            guard node.operation == "Add" || node.operation == "Mul" else {
                throw refusal(node, "its first input is a constant")
            }
            return try arithmetic(node, 1, with: tensor)
        default: break
        }
        let (first, second) = (try operand(node, 0), try operand(node, 1))
        switch node.operation {
        case "Add": return try like(node, 0, try graph.append(.add, first, second, name: node.name))
        case "Mul": return try product(node, first, second)
        default: throw refusal(node, "its second input is not a constant")
        }
    }

    /// x * f(x) is a function of one value; another product has two inputs.
    private mutating func product(
        _ node: ONNXNode, _ first: FloatGraph.Value, _ second: FloatGraph.Value
    ) throws(GraphError) -> Value {
        let firstIsLarger = graph[first].shape.count >= graph[second].shape.count
        let result: FloatGraph.Value
        if let gate = function(from: first, to: second) {
            result = try graph.append(.activation(.gated(by: gate)), first, name: node.name)
        } else if let gate = function(from: second, to: first) {
            result = try graph.append(.activation(.gated(by: gate)), second, name: node.name)
        } else {
            result = try graph.append(.multiply, first, second, name: node.name)
        }
        return try like(node, firstIsLarger ? 0 : 1, result)
    }

    /// The function by which activations make `result` of `source`; nil where something else does.
    private func function(from source: FloatGraph.Value, to result: FloatGraph.Value) -> Activation? {
        var functions: [Activation] = []
        var value = result
        while value != source {
            // More functions in a row than a gate is written with.
            guard case .activation(let function) = graph[value].operation, functions.count < 8 else { return nil }
            functions.insert(function, at: 0)
            value = graph[value].inputs[0]
        }
        return functions.count > 1 ? .sequence(functions) : functions.first
    }

    /// A value and a constant.
    private mutating func arithmetic(_ node: ONNXNode, _ input: Int, with tensor: Tensor) throws(GraphError) -> Value {
        let source = try operand(node, input)
        let channels = graph[source].shape.channels
        let isForChannels = try isForChannels(tensor.shape, of: try value(node, input))
        guard tensor.count == 1 || (tensor.count == channels && isForChannels) else {
            throw refusal(node, "a constant of shape \(tensor.shape) for \(channels) channels")
        }
        let numbers = try broadcast(tensor, to: channels, node)
        let (factors, offsets): ([Float], [Float])
        switch node.operation {
        case "Add": (factors, offsets) = (numbers.map { _ in 1 }, numbers)
        case "Sub": (factors, offsets) = (numbers.map { _ in 1 }, numbers.map { -$0 })
        case "Mul": (factors, offsets) = (numbers, numbers.map { _ in 0 })
        default:
            guard !numbers.contains(0) else { throw refusal(node, "a division by zero") }
            (factors, offsets) = (numbers.map { 1 / $0 }, numbers.map { _ in 0 })
        }
        // One number for all is a function, which a gate may contain; else it goes into the convolution before.
        let operation: Operation =
            tensor.count == 1
            ? .activation(.affine(factor: factors[0], offset: offsets[0]))
            : .batchNorm(BatchNorm(factors: factors, offsets: offsets))
        return try like(node, input, try graph.append(operation, source, name: node.name))
    }

    /// Whether the sizes of a constant, aligned with the last of the value's, put its numbers along the channels.
    private func isForChannels(_ sizes: [Int], of value: Value) throws(GraphError) -> Bool {
        let channelsFromEnd = if case .vector = value { 1 } else { 3 }
        return sizes.count >= channelsFromEnd
            && sizes.enumerated().allSatisfy { index, size in
                size == 1 || sizes.count - index == channelsFromEnd
            }
    }
}
