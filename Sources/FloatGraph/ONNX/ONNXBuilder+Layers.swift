import Checkpoint

// Convolutions, linear layers, pooling, normalisation.
extension ONNXBuilder {
    /// Over an image, or over a line: `[images][channels][length]`.
    mutating func convolution(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        var shape = try constant(node, 1).shape
        guard shape.count == view.axes.count, [3, 4].contains(shape.count), !shape.contains(0) else {
            throw refusal(node, "weights of \(shape.count) dimensions for a value of \(view.axes.count)")
        }
        if let banded = try convolutionOverChannels(node, view) { return banded }
        let input = try image(node, 0)
        let isLine = shape.count == 3
        if isLine { shape.insert(1, at: 2) }
        let groups = integer(node, "group", default: 1)
        let channels = graph[input].shape.channels
        guard groups > 0, channels % groups == 0, shape[0] % groups == 0, shape[1] == channels / groups else {
            throw refusal(node, "weights of shape \(shape) in \(groups) groups for \(channels) channels")
        }
        let window = try window(node, over: graph[input].shape, size: (shape[2], shape[3]), isLine: isLine).window
        let convolution = Convolution(
            inputChannels: channels, outputChannels: shape[0], groups: groups, window: window,
            weights: try numbers(node, 1), bias: try bias(node, of: shape[0]))
        let value = try graph.append(.convolution(convolution), input, name: node.name)
        let result = imageView(value)
        guard isLine else { return .computed(result) }
        return .computed(ONNXView(source: result.source, axes: [result.axes[0], result.axes[1], result.axes[3]]))
    }

    private func bias(_ node: ONNXNode, of channels: Int) throws(GraphError) -> [Float] {
        let bias = has(node, 2) ? try numbers(node, 2) : [Float](repeating: 0, count: channels)
        guard bias.count == channels else { throw refusal(node, "\(bias.count) biases for \(channels) channels") }
        return bias
    }

    /// A convolution of one channel along a line that is the channels of a vector, as gates over neighbouring channels have
    /// it: a matrix with the weights along its diagonal.
    private mutating func convolutionOverChannels(_ node: ONNXNode, _ view: ONNXView) throws(GraphError) -> Value? {
        let shape = graph[view.source].shape
        guard view.axes.count == 3, try constant(node, 1).shape.prefix(2) == [1, 1], shape.pixels == 1,
            view.axes[2] == [.init(size: shape.channels, stride: 1)], shape.channels <= 4096
        else { return nil }
        let line = FeatureShape(channels: 1, height: 1, width: shape.channels)
        let axis = try window(node, over: line, size: (1, try constant(node, 1).count), isLine: true).window.x
        guard axis.steps(along: shape.channels) == shape.channels, axis.stride == 1 else { return nil }
        let numbers = try numbers(node, 1)
        var weights = [Float](repeating: 0, count: shape.channels * shape.channels)
        for output in 0..<shape.channels {
            for position in axis.positions(at: output, along: shape.channels) {
                weights[output * shape.channels + output - axis.before + position * axis.dilation] = numbers[position]
            }
        }
        let bias = [Float](repeating: try bias(node, of: 1)[0], count: shape.channels)
        let convolution = Convolution(
            inputChannels: shape.channels, outputChannels: shape.channels, window: Window(size: 1), weights: weights,
            bias: bias)
        return like(view, try graph.append(.convolution(convolution), view.source, name: node.name))
    }

    mutating func batchNorm(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        guard integer(node, "training_mode", default: 0) == 0 else { throw refusal(node, "it is in training mode") }
        guard view.axes.count >= 2 else { throw refusal(node, "its input has no channels") }
        let source = try channels(of: view, axis: 1, node)
        let channels = view.axes[1].size
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
        return like(source, try graph.append(.batchNorm(norm), source.source, name: node.name))
    }

    /// A view whose dimension `axis` is the channels of its source: as it is, or moved there.
    mutating func channels(of view: ONNXView, axis: Int, _ node: ONNXNode) throws(GraphError) -> ONNXView {
        let shape = graph[view.source].shape
        let whole: [ONNXView.Step] = shape.channels == 1 ? [] : [.init(size: shape.channels, stride: shape.pixels)]
        if view.axes[axis] == whole, view.seesAll(of: shape) { return view }
        let others = featureAxes(view).filter { $0 != axis }
        let isImage = axis == 1 && others == [2, 3]
        let value = try placed(
            view, channels: [axis], rows: isImage ? [2] : [], columns: isImage ? [3] : others, node)
        return ONNXView(source: value, axes: rowMajor(view.shape, of: [axis] + others))
    }

    /// Over the last dimension alone.
    mutating func layerNorm(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let last = view.axes.count - 1
        guard try axis(integer(node, "axis", default: -1), of: view.axes.count, node) == last else {
            throw refusal(node, "over more than the last dimension")
        }
        let source = try channels(of: view, axis: last, node)
        let count = view.axes[last].size
        let weight = try broadcast(constant(node, 1), to: count, node)
        let bias = has(node, 2) ? try broadcast(constant(node, 2), to: count, node) : weight.map { _ in 0 }
        let norm = LayerNorm(weight: weight, bias: bias, epsilon: Double(number(node, "epsilon", default: 1e-5)))
        return like(source, try graph.append(.layerNorm(norm), source.source, name: node.name))
    }

    mutating func lpNormalization(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        guard integer(node, "p", default: 2) == 2 else { throw refusal(node, "p is not 2") }
        let axis = try axis(integer(node, "axis", default: -1), of: view.axes.count, node)
        let source = try channels(of: view, axis: axis, node)
        return like(source, try graph.append(.l2Norm(groups: 1, epsilon: 0), source.source, name: node.name))
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

    /// A matrix of constants times the last dimension: a convolution of single pixels. Of two computed values a product.
    mutating func linearLayer(_ node: ONNXNode) throws(GraphError) -> Value {
        if node.operation == "MatMul" {
            switch (try value(node, 0), try value(node, 1)) {
            case (.computed(let first), .computed(let second)): return try matrixProduct(node, first, second)
            case (.constant(let matrix), .computed(let second)):
                return try linear(node, second, axis: second.axes.count - 2, matrix, transposed: true)
            case (.computed(let view), .constant(let matrix)) where matrix.shape.count > 2:
                let sizes = matrix.shape.drop { $0 == 1 }
                guard sizes.count <= 2 else {
                    return try matrixProduct(node, view, appendConstant(matrix, node))
                }
                let rows = matrix.shape[matrix.shape.count - 2]
                let plain = Tensor(shape: [rows, matrix.count / max(rows, 1)], values: matrix.values)
                return try linear(node, view, axis: view.axes.count - 1, plain, transposed: false)
            default: break
            }
        }
        let view = try view(node, 0)
        guard let last = view.axes.indices.last else { throw refusal(node, "its input has no dimensions") }
        let source = try channels(of: view, axis: last, node)
        let linear = try linear(node, inputs: graph[source.source].shape.channels)
        return try appendLinear(linear, to: source, axis: last, node)
    }

    /// `matrix` times dimension `axis` of a view; transposed: `[outputs][inputs]`.
    private mutating func linear(
        _ node: ONNXNode, _ view: ONNXView, axis: Int, _ matrix: Tensor, transposed: Bool
    ) throws(GraphError) -> Value {
        guard axis >= 0, matrix.shape.count == 2, !matrix.shape.contains(0),
            matrix.shape[transposed ? 1 : 0] == view.axes[axis].size
        else { throw refusal(node, "a matrix of shape \(matrix.shape) for a value of shape \(view.shape)") }
        let source = try channels(of: view, axis: axis, node)
        let (inputs, outputs) = (view.axes[axis].size, matrix.shape[transposed ? 0 : 1])
        let values = matrix.values
        guard values.allSatisfy(\.isFinite) else { throw refusal(node, "a matrix that is not finite") }
        let weights =
            transposed
            ? values : (0..<outputs).flatMap { output in (0..<inputs).map { values[$0 * outputs + output] } }
        return try appendLinear(
            Linear(outputs: outputs, inputs: inputs, weights: weights, bias: nil), to: source, axis: axis, node)
    }

    private mutating func appendLinear(
        _ linear: Linear, to view: ONNXView, axis: Int, _ node: ONNXNode
    ) throws(GraphError) -> Value {
        let convolution = Convolution(
            inputChannels: linear.inputs, outputChannels: linear.outputs, window: Window(size: 1),
            weights: linear.weights, bias: linear.bias ?? [Float](repeating: 0, count: linear.outputs))
        let value = try graph.append(.convolution(convolution), view.source, name: node.name)
        var axes = view.axes
        axes[axis] = [.init(size: linear.outputs, stride: graph[value].shape.pixels)]
        return .computed(ONNXView(source: value, axes: axes))
    }

    /// `[...][rows][inner]` times `[...][inner][columns]`, for each of the dimensions in front.
    private mutating func matrixProduct(
        _ node: ONNXNode, _ first: ONNXView, _ second: ONNXView
    ) throws(GraphError) -> Value {
        let rank = max(first.axes.count, second.axes.count)
        guard first.axes.count >= 2, second.axes.count >= 2 else { throw refusal(node, "of a value of one dimension") }
        var (first, second) = (first, second)
        first.axes = [[ONNXView.Step]](repeating: [], count: rank - first.axes.count) + first.axes
        second.axes = [[ONNXView.Step]](repeating: [], count: rank - second.axes.count) + second.axes
        for axis in 0..<rank - 2 where first.axes[axis].size != second.axes[axis].size {
            func wide(_ steps: [ONNXView.Step]) -> [ONNXView.Step] {
                steps.map { .init(size: $0.size, stride: $0.stride == ONNXView.images ? $0.stride : 0) }
            }
            if first.axes[axis].isEmpty { first.axes[axis] = wide(second.axes[axis]) }
            if second.axes[axis].isEmpty { second.axes[axis] = wide(first.axes[axis]) }
        }
        let batch = featureAxes(first).filter { $0 < rank - 2 }
        guard first.axes[rank - 1].size == second.axes[rank - 2].size,
            (0..<rank - 2).allSatisfy({ first.axes[$0].size == second.axes[$0].size })
        else { throw refusal(node, "of shapes \(first.shape) and \(second.shape)") }
        let columns = try placed(first, channels: batch + [rank - 1], columns: [rank - 2], node)
        let rows = try placed(second, channels: batch + [rank - 2], columns: [rank - 1], node)
        let groups = batch.reduce(1) { $0 * first.axes[$1].size }
        let value = try graph.append(.matrixProduct(groups: groups), columns, rows, name: node.name)
        var shape = first.shape
        shape[rank - 1] = second.axes[rank - 1].size
        return .computed(ONNXView(source: value, axes: rowMajor(shape, of: batch + [rank - 1, rank - 2])))
    }

    mutating func softmax(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let rank = view.axes.count
        let axis = try axis(integer(node, "axis", default: model.operatorSet < 13 ? 1 : -1), of: rank, node)
        guard model.operatorSet >= 13 || axis == rank - 1 else {
            throw refusal(node, "over several dimensions; export it with operator set 13 or newer")
        }
        let source = try innermost(axis, of: view, node)
        let groups = graph[source.source].shape.channels / max(view.axes[axis].size, 1)
        return like(source, try graph.append(.softmax(groups: groups), source.source, name: node.name))
    }

    /// A view whose dimension `axis` is groups of neighbouring channels of its source: as it is, or moved there.
    private mutating func innermost(_ axis: Int, of view: ONNXView, _ node: ONNXNode) throws(GraphError) -> ONNXView {
        let shape = graph[view.source].shape
        let size = view.axes[axis].size
        if view.axes[axis] == [.init(size: size, stride: shape.pixels)], view.seesAll(of: shape),
            shape.channels % size == 0
        {
            return view
        }
        return try channels(of: view, axis: axis, node)
    }
}
