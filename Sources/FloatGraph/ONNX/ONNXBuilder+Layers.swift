import Checkpoint

// Convolutions, linear layers, pooling, normalisation.
extension ONNXBuilder {
    mutating func convolution(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let shape = try constant(node, 1).shape
        guard shape.count == 4, !shape.contains(0) else {
            throw refusal(node, "weights of \(shape.count) dimensions instead of 4")
        }
        let groups = integer(node, "group", default: 1)
        let channels = graph[input].shape.channels
        guard groups > 0, channels % groups == 0, shape[0] % groups == 0, shape[1] == channels / groups else {
            throw refusal(node, "weights of shape \(shape) in \(groups) groups for \(channels) channels")
        }
        let window = try window(node, over: graph[input].shape, size: (shape[2], shape[3])).window
        let bias = has(node, 2) ? try numbers(node, 2) : [Float](repeating: 0, count: shape[0])
        guard bias.count == shape[0] else { throw refusal(node, "\(bias.count) biases for \(shape[0]) channels") }
        let convolution = Convolution(
            inputChannels: channels, outputChannels: shape[0], groups: groups, window: window,
            weights: try numbers(node, 1), bias: bias)
        return .image(try graph.append(.convolution(convolution), input, name: node.name))
    }

    mutating func batchNorm(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try operand(node, 0)
        guard integer(node, "training_mode", default: 0) == 0 else { throw refusal(node, "it is in training mode") }
        let channels = graph[input].shape.channels
        var parameters: [[Float]] = []
        for index in 1...4 {
            let values = try numbers(node, index)
            guard values.count == channels else {
                throw refusal(node, "\(values.count) numbers for \(channels) channels")
            }
            parameters.append(values)
        }
        if let index = parameters[3].firstIndex(where: { $0 < 0 }) {
            throw .negativeVariance(name: printable(node.inputs[4]), index: index, value: parameters[3][index])
        }
        let norm = BatchNorm(
            weight: parameters[0], bias: parameters[1], mean: parameters[2], variance: parameters[3],
            epsilon: Double(number(node, "epsilon", default: 1e-5)))
        return try like(node, 0, try graph.append(.batchNorm(norm), input, name: node.name))
    }

    struct Linear {
        let outputs: Int
        let inputs: Int
        /// `[outputs][inputs]`.
        let weights: [Float]
        let bias: [Float]?
    }

    /// The numbers of a Gemm or MatMul.
    func linear(_ node: ONNXNode, inputs: Int) throws(GraphError) -> Linear {
        let isGemm = node.operation == "Gemm"
        let shape = try constant(node, 1).shape
        guard shape.count == 2, !shape.contains(0), integer(node, "transA", default: 0) == 0 else {
            throw refusal(node, "not a vector times a matrix of constants")
        }
        let isRowForOutput = isGemm && integer(node, "transB", default: 0) != 0
        guard shape[isRowForOutput ? 1 : 0] == inputs else {
            throw refusal(node, "a matrix of \(shape[0])x\(shape[1]) for \(inputs) features")
        }
        let outputs = shape[isRowForOutput ? 0 : 1]
        let factor = isGemm ? number(node, "alpha", default: 1) : 1
        let values = try numbers(node, 1)
        let weights = (0..<outputs).flatMap { output in
            (0..<inputs).map { factor * values[isRowForOutput ? output * inputs + $0 : $0 * outputs + output] }
        }
        guard isGemm, has(node, 2) else { return Linear(outputs: outputs, inputs: inputs, weights: weights, bias: nil) }
        let beta = number(node, "beta", default: 1)
        let bias = try broadcast(constant(node, 2), to: outputs, node).map { beta * $0 }
        return Linear(outputs: outputs, inputs: inputs, weights: weights, bias: bias)
    }

    mutating func linearLayer(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try vector(node, 0)
        let linear = try linear(node, inputs: graph[input].shape.channels)
        let convolution = Convolution(
            inputChannels: linear.inputs, outputChannels: linear.outputs, window: Window(size: 1),
            weights: linear.weights, bias: linear.bias ?? [Float](repeating: 0, count: linear.outputs))
        return .vector(try graph.append(.convolution(convolution), input, name: node.name))
    }

    mutating func maxPool(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let window = try window(node, over: graph[input].shape, size: nil).window
        return .image(try graph.append(.maxPool(window), input, name: node.name))
    }

    mutating func averagePool(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let (window, isExtended) = try window(node, over: graph[input].shape, size: nil)
        let countsPadding = integer(node, "count_include_pad", default: 0) != 0
        // The last window would reach past the padding, and what lies there does not count.
        guard !(countsPadding && isExtended) else { throw refusal(node, "it counts padding and rounds up sizes") }
        return .image(
            try graph.append(.averagePool(window, countsPadding: countsPadding), input, name: node.name))
    }

    mutating func reduceMean(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let axes = try integers(node, "axes", orInput: 1) ?? []
        guard Set(axes.map { $0 < 0 ? $0 + 4 : $0 }) == [2, 3] else {
            throw refusal(node, "a mean over other axes than height and width")
        }
        let mean = try graph.append(.globalAveragePool, input, name: node.name)
        return integer(node, "keepdims", default: 1) != 0 ? .image(mean) : .vector(mean)
    }
}

// MARK: Windows

extension ONNXBuilder {
    /// The window of a convolution or pooling; a pooling says its size itself.
    ///
    /// `isExtended`: rounding up the number of steps made a window reach past the padding.
    private func window(
        _ node: ONNXNode, over shape: FeatureShape, size: (y: Int, x: Int)?
    ) throws(GraphError) -> (window: Window, isExtended: Bool) {
        let stated = try pair(node, "kernel_shape", default: size.map { [$0.y, $0.x] })
        guard size == nil || stated == [size!.y, size!.x] else {
            throw refusal(node, "kernel_shape \(stated) does not fit the weights")
        }
        let strides = try pair(node, "strides", default: [1, 1])
        let dilations = try pair(node, "dilations", default: [1, 1])
        let pads = try integers(node, "pads", orInput: nil) ?? [0, 0, 0, 0]
        guard pads.count == 4, pads.allSatisfy({ (0...1 << 16).contains($0) }) else {
            throw refusal(node, "pads \(pads.prefix(8)), where four numbers from 0 to 65536 are taken")
        }
        let roundsUp = integer(node, "ceil_mode", default: 0) != 0
        var isExtended = false
        var axes: [Window.Axis] = []
        for (index, edge) in [shape.height, shape.width].enumerated() {
            var axis = Window.Axis(
                size: stated[index], stride: strides[index], dilation: dilations[index], before: pads[index],
                after: pads[index + 2])
            try pad(&axis, automatically: node, edge: edge)
            if roundsUp { isExtended = axis.roundUpSteps(edge: edge) || isExtended }
            axes.append(axis)
        }
        return (Window(y: axes[0], x: axes[1]), isExtended)
    }

    /// `auto_pad`, by which the padding follows from the sizes.
    private func pad(
        _ axis: inout Window.Axis, automatically node: ONNXNode, edge: Int
    ) throws(GraphError) {
        guard case .string(let mode)? = node.attributes["auto_pad"], mode != "NOTSET" else { return }
        let steps = (edge + axis.stride - 1) / axis.stride
        let padding = max((steps - 1) * axis.stride + axis.extent - edge, 0)
        switch mode {
        case "VALID": (axis.before, axis.after) = (0, 0)
        case "SAME_UPPER": (axis.before, axis.after) = (padding / 2, padding - padding / 2)
        case "SAME_LOWER": (axis.before, axis.after) = (padding - padding / 2, padding / 2)
        default: throw refusal(node, "auto_pad \(printable(mode)) is not known")
        }
    }

    /// Two numbers from 1 to 65536, for height and width.
    private func pair(_ node: ONNXNode, _ name: String, default standard: [Int]?) throws(GraphError) -> [Int] {
        guard let values = try integers(node, name, orInput: nil) ?? standard else {
            throw refusal(node, "\(name) is missing")
        }
        guard values.count == 2, values.allSatisfy({ (1...1 << 16).contains($0) }) else {
            throw refusal(node, "\(name) \(values.prefix(8)), where two numbers from 1 to 65536 are taken")
        }
        return values
    }
}

extension Window.Axis {
    /// Pixels from the window's first position to its last one.
    fileprivate var extent: Int { (size - 1) * dilation + 1 }

    /// Extends the padding so that no pixel is left over behind the last step, unless a step would begin in the padding behind
    /// the image; true where it did.
    fileprivate mutating func roundUpSteps(edge: Int) -> Bool {
        let room = before + edge + after - extent
        guard room >= 0 else { return false }
        var steps = (room + stride - 1) / stride + 1
        if (steps - 1) * stride >= before + edge { steps -= 1 }
        let missing = (steps - 1) * stride - room
        after += max(missing, 0)
        return missing > 0
    }
}
