import Checkpoint

// Pooling, and what makes one number of many.
extension ONNXBuilder {
    mutating func maxPool(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let window = try window(node, over: graph[input].shape, size: nil).window
        let value = try graph.append(.maxPool(window), input, name: node.name)
        return .computed(imageView(value))
    }

    mutating func averagePool(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        let (window, isExtended) = try window(node, over: graph[input].shape, size: nil)
        let countsPadding = integer(node, "count_include_pad", default: 0) != 0
        // The last window would reach past the padding, and what lies there does not count.
        guard !(countsPadding && isExtended) else {
            throw refusal(node, "it counts padding and rounds up sizes")
        }
        let value = try graph.append(.averagePool(window, countsPadding: countsPadding), input, name: node.name)
        return .computed(imageView(value))
    }

    enum Reduction {
        case mean, sum, maximum, l2Norm
    }

    mutating func reduce(_ node: ONNXNode, _ reduction: Reduction) throws(GraphError) -> Value {
        let view = try view(node, 0)
        var axes = try integers(node, "axes", orInput: 1) ?? []
        if axes.isEmpty {
            guard integer(node, "noop_with_empty_axes", default: 0) == 0 else { return .computed(view) }
            axes = Array(view.axes.indices)
        }
        return try reduce(
            node, reduction, axes: axes, keepsDimensions: integer(node, "keepdims", default: 1) != 0)
    }

    mutating func reduce(
        _ node: ONNXNode, _ reduction: Reduction, axes: [Int], keepsDimensions: Bool
    ) throws(GraphError) -> Value {
        let view = try view(node, 0)
        var reduced: Set<Int> = []
        for axis in axes { reduced.insert(try self.axis(axis, of: view.axes.count, node)) }
        var result: ONNXView
        if let pooled = try pooled(view, reduced, reduction, node) {
            result = pooled
        } else if let summed = try summed(view, reduced, reduction, node) {
            result = summed
        } else {
            let others = featureAxes(view).filter { !reduced.contains($0) }
            let value = try placed(
                view, channels: others, columns: reduced.sorted().filter(featureAxes(view).contains), node)
            let moved = ONNXView(source: value, axes: rowMajor(view.shape, of: others + reduced.sorted()))
            guard let pooled = try pooled(moved, reduced, reduction, node) else {
                throw refusal(node, "over the images")
            }
            result = pooled
        }
        if !keepsDimensions {
            result = ONNXView(
                source: result.source,
                axes: result.axes.indices.filter { !reduced.contains($0) }.map { result.axes[$0] })
        }
        return .computed(result)
    }

    /// Where the dimensions are all rows or all columns of the source, or both: a pooling.
    private mutating func pooled(
        _ view: ONNXView, _ axes: Set<Int>, _ reduction: Reduction, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView? {
        let shape = graph[view.source].shape
        guard view.seesAll(of: shape) else { return nil }
        let steps = axes.sorted().flatMap { view.axes[$0] }
        guard steps.allSatisfy({ $0.stride < shape.pixels }) else { return nil }
        let count = steps.size
        let isRow = steps.allSatisfy { $0.stride < shape.width && $0.size * $0.stride <= shape.width }
        let isColumn = steps.allSatisfy { $0.stride >= shape.width }
        let whole = count == shape.pixels
        guard whole || (isRow && count == shape.width) || (isColumn && count == shape.height) else { return nil }
        let window = Window(
            y: Window.Axis(size: whole || !isRow ? shape.height : 1),
            x: Window.Axis(size: whole || isRow ? shape.width : 1))
        var source = view.source
        if reduction == .l2Norm {
            source = try graph.append(.activation(.power(2)), source, name: "\(node.name).squares")
        }
        let pooling: Operation =
            switch reduction {
            case .maximum: .maxPool(window)
            case .mean, .sum, .l2Norm: whole ? .globalAveragePool : .averagePool(window, countsPadding: true)
            }
        source = try graph.append(pooling, source, name: node.name)
        if reduction == .sum || reduction == .l2Norm {
            var functions = [Activation.affine(factor: Float(count), offset: 0)]
            if reduction == .l2Norm { functions.append(.power(0.5)) }
            source = try graph.append(.activation(.sequence(functions)), source, name: "\(node.name).sum")
        }
        let left = graph[source].shape
        var kept = view.axes
        for axis in axes { kept[axis] = [] }
        let scaled = kept.map { axis in
            axis.map { step -> ONNXView.Step in
                if step.stride == ONNXView.images { return step }
                if step.stride >= shape.pixels {
                    return .init(size: step.size, stride: step.stride / shape.pixels * left.pixels)
                }
                return step.stride >= shape.width
                    ? .init(size: step.size, stride: step.stride / shape.width * left.width) : step
            }
        }
        return ONNXView(source: source, axes: scaled)
    }

    /// Where one dimension is the channels of the source: a convolution that sums them.
    private mutating func summed(
        _ view: ONNXView, _ axes: Set<Int>, _ reduction: Reduction, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView? {
        let shape = graph[view.source].shape
        guard view.seesAll(of: shape), axes.count == 1, let axis = axes.first, reduction != .maximum,
            let step = view.axes[axis].first, view.axes[axis].count == 1, step.stride % shape.pixels == 0,
            step.stride != ONNXView.images, shape.channels * (shape.channels / step.size) <= 1 << 22
        else { return nil }
        // Channels that one of the sums takes in lie `inner` apart.
        let (inner, outputs) = (step.stride / shape.pixels, shape.channels / step.size)
        var weights = [Float](repeating: 0, count: outputs * shape.channels)
        for channel in 0..<shape.channels {
            let output = channel / (inner * step.size) * inner + channel % inner
            weights[output * shape.channels + channel] = reduction == .mean ? 1 / Float(step.size) : 1
        }
        var source = view.source
        if reduction == .l2Norm {
            source = try graph.append(.activation(.power(2)), source, name: "\(node.name).squares")
        }
        let sum = Convolution(
            inputChannels: shape.channels, outputChannels: outputs, window: Window(size: 1), weights: weights,
            bias: [Float](repeating: 0, count: outputs))
        source = try graph.append(.convolution(sum), source, name: node.name)
        if reduction == .l2Norm {
            source = try graph.append(.activation(.power(0.5)), source, name: "\(node.name).root")
            if inner == 1 { norms[source] = (view.source, outputs, 0) }
        }
        let kept = view.axes.enumerated().map { index, steps in
            index == axis
                ? []
                : steps.map { other in
                    other.stride != ONNXView.images && other.stride >= step.size * step.stride
                        ? ONNXView.Step(size: other.size, stride: other.stride / step.size) : other
                }
        }
        return ONNXView(source: source, axes: kept)
    }
}
