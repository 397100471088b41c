import Checkpoint

// Functions of single values, sums and products.
extension ONNXBuilder {
    /// The operations that are one function of every value.
    mutating func function(_ node: ONNXNode) throws(GraphError) -> Value {
        guard let function = singleFunction(node) else {
            throw .unsupportedOperation(node: node.name, operation: node.operation)
        }
        return try activation(node, function)
    }

    private func singleFunction(_ node: ONNXNode) -> Activation? {
        switch node.operation {
        case "Relu": .relu
        case "LeakyRelu": .leakyReLU(slope: number(node, "alpha", default: 0.01))
        case "HardSwish": .hardSwish
        case "HardSigmoid":
            .hardSigmoid(slope: number(node, "alpha", default: 0.2), offset: number(node, "beta", default: 0.5))
        case "Sigmoid": .sigmoid
        case "Swish": .gated(by: .sequence([.affine(factor: number(node, "alpha", default: 1), offset: 0), .sigmoid]))
        case "Tanh": .tanh
        case "Erf": .erf
        case "Exp": .exp
        case "Log": .log
        case "Abs": .abs
        case "Neg": .affine(factor: -1, offset: 0)
        case "Sqrt": .power(0.5)
        case "Reciprocal": .power(-1)
        case "Softplus": .softplus
        case "Mish": .gated(by: .sequence([.softplus, .tanh]))
        case "Elu": .elu(scale: number(node, "alpha", default: 1))
        case "Gelu":
            if case .string("tanh")? = node.attributes["approximate"] { .geluByTanh } else { .gelu }
        default: nil
        }
    }

    mutating func activation(_ node: ONNXNode, _ function: Activation) throws(GraphError) -> Value {
        let view = try view(node, 0)
        return like(view, try graph.append(.activation(function), view.source, name: node.name))
    }

    /// Limits are inputs since operator set 11, attributes before.
    mutating func clip(_ node: ONNXNode) throws(GraphError) -> Value {
        var low = number(node, "min", default: -.infinity)
        var high = number(node, "max", default: .infinity)
        if has(node, 1) { low = try constant(node, 1).first ?? low }
        if has(node, 2) { high = try constant(node, 2).first ?? high }
        guard low <= high else { throw refusal(node, "limits \(low) and \(high)") }
        return try clipped(node, try view(node, 0), low...high)
    }

    private mutating func clipped(
        _ node: ONNXNode, _ view: ONNXView, _ limits: ClosedRange<Float>
    ) throws(GraphError) -> Value {
        let clip = Activation.clip(low: limits.lowerBound, high: limits.upperBound)
        let result = try graph.append(.activation(clip), view.source, name: node.name)
        if let norm = norms[view.source], limits.upperBound == .infinity {
            norms[result] = (norm.source, norm.groups, max(norm.least, limits.lowerBound))
        }
        return like(view, result)
    }

    /// x where that is positive, a number for each channel times x elsewhere: slope * x + (1 - slope) * relu(x).
    mutating func parametricReLU(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let slopes = try constant(node, 1)
        if slopes.count == 1 { return try activation(node, .leakyReLU(slope: slopes.values[0])) }
        guard let numbers = try perChannel(slopes, for: view, node) else {
            throw refusal(node, "slopes of shape \(slopes.shape)")
        }
        let zeros = numbers.map { _ in Float(0) }
        let line = try graph.append(
            .batchNorm(BatchNorm(factors: numbers, offsets: zeros)), view.source, name: "\(node.name).slope")
        let positive = try graph.append(.relu, view.source, name: "\(node.name).positive")
        let rest = try graph.append(
            .batchNorm(BatchNorm(factors: numbers.map { 1 - $0 }, offsets: zeros)), positive, name: "\(node.name).rest")
        return like(view, try graph.append(.add, rest, line, name: node.name))
    }

    // MARK: Two operands

    /// Add, Sub, Mul, Div, Pow, Max and Min: of two values, or of a value and constants.
    mutating func arithmetic(_ node: ONNXNode) throws(GraphError) -> Value {
        guard node.inputs.count == 2 else { throw refusal(node, "\(node.inputs.count) inputs instead of 2") }
        switch (try value(node, 0), try value(node, 1)) {
        case (.constant, .constant): throw refusal(node, "both inputs are constants")
        case (.computed(let view), .constant(let tensor)):
            return try arithmetic(node, view, with: tensor, isReversed: false)
        case (.constant(let tensor), .computed(let view)):
            return try arithmetic(node, view, with: tensor, isReversed: true)
        case (.computed(let first), .computed(let second)):
            return try arithmetic(node, first, second)
        }
    }

    private mutating func arithmetic(
        _ node: ONNXNode, _ first: ONNXView, _ second: ONNXView
    ) throws(GraphError) -> Value {
        switch node.operation {
        case "Add", "Sum": return try combined(node, first, second, .add)
        case "Mul": return try combined(node, first, second, .multiply)
        case "Sub":
            let negative = try graph.append(
                .activation(.affine(factor: -1, offset: 0)), second.source, name: "\(node.name).negative")
            return try combined(node, first, ONNXView(source: negative, axes: second.axes), .add)
        case "Div":
            if let norm = norms[second.source], norm.source == first.source, second.repeats(in: first) {
                let operation = Operation.l2Norm(groups: norm.groups, epsilon: norm.least)
                return like(first, try graph.append(operation, first.source, name: node.name))
            }
            let inverse = try graph.append(.activation(.power(-1)), second.source, name: "\(node.name).inverse")
            return try combined(node, first, ONNXView(source: inverse, axes: second.axes), .multiply)
        default: throw refusal(node, "its second input is not a constant")
        }
    }

    /// A value and a constant.
    private mutating func arithmetic(
        _ node: ONNXNode, _ view: ONNXView, with tensor: Tensor, isReversed: Bool
    ) throws(GraphError) -> Value {
        guard let numbers = try perChannel(tensor, for: view, node) else {
            return try arithmeticByNumbers(node, view, with: tensor, isReversed: isReversed)
        }
        guard numbers.allSatisfy(\.isFinite) else { throw refusal(node, "a constant that is not finite") }
        let isOne = Set(numbers).count == 1
        let (factors, offsets): ([Float], [Float])
        switch node.operation {
        case "Add", "Sum": (factors, offsets) = (numbers.map { _ in 1 }, numbers)
        case "Sub" where isReversed: (factors, offsets) = (numbers.map { _ in -1 }, numbers)
        case "Sub": (factors, offsets) = (numbers.map { _ in 1 }, numbers.map { -$0 })
        case "Mul": (factors, offsets) = (numbers, numbers.map { _ in 0 })
        case "Div" where !isReversed:
            guard !numbers.contains(0) else { throw refusal(node, "a division by zero") }
            (factors, offsets) = (numbers.map { 1 / $0 }, numbers.map { _ in 0 })
        case "Pow" where isOne && !isReversed:
            return like(view, try graph.append(.activation(.power(numbers[0])), view.source, name: node.name))
        case "Div" where isOne:
            let inverse = try graph.append(.activation(.power(-1)), view.source, name: "\(node.name).inverse")
            let operation = Operation.activation(.affine(factor: numbers[0], offset: 0))
            return like(view, try graph.append(operation, inverse, name: node.name))
        case "Max" where isOne: return try clipped(node, view, numbers[0]...Float.infinity)
        case "Min" where isOne: return try clipped(node, view, -Float.infinity...numbers[0])
        default: throw refusal(node, "a constant of shape \(tensor.shape)")
        }
        // One number for all is a function, which a gate may contain; else it goes into the convolution before.
        let operation: Operation =
            tensor.count == 1
            ? .activation(.affine(factor: factors[0], offset: offsets[0]))
            : .batchNorm(BatchNorm(factors: factors, offsets: offsets))
        let axes = try broadcastAxes(view, tensor.shape, node)
        return .computed(ONNXView(source: try graph.append(operation, view.source, name: node.name), axes: axes))
    }

    /// A constant that differs from pixel to pixel is a value of the graph.
    private mutating func arithmeticByNumbers(
        _ node: ONNXNode, _ view: ONNXView, with tensor: Tensor, isReversed: Bool
    ) throws(GraphError) -> Value {
        var values = tensor.values
        switch node.operation {
        case "Div" where !isReversed: values = values.map { 1 / $0 }
        case "Sub" where !isReversed: values = values.map { -$0 }
        case "Add", "Mul", "Sum": break
        default: throw refusal(node, "a constant of shape \(tensor.shape)")
        }
        guard values.allSatisfy(\.isFinite) else { throw refusal(node, "a constant that is not finite") }
        let constant = try appendConstant(Tensor(shape: tensor.shape, values: values), node)
        let isSum = node.operation != "Mul" && node.operation != "Div"
        return try combined(node, view, constant, isSum ? .add : .multiply)
    }

    /// A constant as a value of the graph.
    mutating func appendConstant(_ tensor: Tensor, _ node: ONNXNode) throws(GraphError) -> ONNXView {
        guard tensor.count > 0 else { throw refusal(node, "a constant of no numbers") }
        let shape = FeatureShape(channels: tensor.count, height: 1, width: 1)
        let value = try graph.append(.constant(tensor.values, shape), [], name: "\(node.name).constant")
        return ONNXView(source: value, axes: rowMajor(tensor.shape, of: Array(tensor.shape.indices)))
    }

    // MARK: Broadcasting

    /// The dimensions of a value that a constant of fewer, or of ones more, does not change but in their number.
    private func broadcastAxes(_ view: ONNXView, _ sizes: [Int], _ node: ONNXNode) throws(GraphError) -> [[ONNXView
        .Step]]
    {
        let missing = max(sizes.count - view.axes.count, 0)
        guard sizes.prefix(missing).allSatisfy({ $0 == 1 }) else {
            throw refusal(node, "a constant of shape \(sizes) for a value of shape \(view.shape)")
        }
        return [[ONNXView.Step]](repeating: [], count: missing) + view.axes
    }

    /// One number a channel of a view's source, where a constant says no more than that; nil where it does.
    private func perChannel(_ tensor: Tensor, for view: ONNXView, _ node: ONNXNode) throws(GraphError) -> [Float]? {
        let shape = graph[view.source].shape
        if tensor.count == 1 { return [Float](repeating: tensor.values[0], count: shape.channels) }
        guard view.seesAll(of: shape), tensor.shape.count <= view.axes.count else { return nil }
        let own = rowMajor(tensor.shape, of: Array(tensor.shape.indices))
        let axes = [[ONNXView.Step]](repeating: [], count: view.axes.count - own.count) + own
        guard let pairs = pairs(of: view.axes, axes) else { return nil }
        let pixels = shape.pixels
        var indices = [Int](repeating: 0, count: shape.channels)
        for pair in pairs where pair.first != ONNXView.images && pair.second != 0 {
            guard pair.first % pixels == 0 else { return nil }
            let stride = pair.first / pixels
            for channel in indices.indices { indices[channel] += channel / stride % pair.size * pair.second }
        }
        guard !pairs.contains(where: { $0.first == ONNXView.images && $0.second != 0 }) else { return nil }
        let values = tensor.values
        return indices.map { values[$0] }
    }

    /// How one set of dimensions steps where another does; a dimension of size 1 is repeated. Where `full` has no step and
    /// `other` has, or where steps do not divide each other, nil.
    private func pairs(
        of full: [[ONNXView.Step]], _ other: [[ONNXView.Step]]
    ) -> [(size: Int, first: Int, second: Int)]? {
        var result: [(size: Int, first: Int, second: Int)] = []
        for (axis, steps) in full.enumerated() {
            let others = other[axis].isEmpty ? steps.map { .init(size: $0.size, stride: 0) } : other[axis]
            guard let aligned = [ONNXView.Step].aligned(steps, others) else { return nil }
            result += aligned
        }
        return result
    }

    /// A sum or product of two values, of which dimensions of size 1 are repeated.
    private mutating func combined(
        _ node: ONNXNode, _ first: ONNXView, _ second: ONNXView, _ operation: Operation
    ) throws(GraphError) -> Value {
        let rank = max(first.axes.count, second.axes.count)
        func padded(_ view: ONNXView) -> ONNXView {
            let missing = [[ONNXView.Step]](repeating: [], count: rank - view.axes.count)
            return ONNXView(source: view.source, axes: missing + view.axes)
        }
        var (full, other) = (padded(first), padded(second))
        for axis in 0..<rank {
            let (a, b) = (full.axes[axis].size, other.axes[axis].size)
            guard a == b || a == 1 || b == 1 else {
                throw refusal(node, "of shapes \(first.shape) and \(second.shape)")
            }
        }
        func isFull(_ view: ONNXView, _ against: ONNXView) -> Bool {
            view.seesAll(of: graph[view.source].shape)
                && (0..<rank).allSatisfy { against.axes[$0].isEmpty || !view.axes[$0].isEmpty }
        }
        if !isFull(full, other) {
            if isFull(other, full) { (full, other) = (other, full) } else { full = try repeated(full, other, node) }
        }
        var aligned = pairs(of: full.axes, other.axes)
        if aligned == nil {
            full = try unfolded(full, node)
            other = try unfolded(other, node)
            aligned = pairs(of: full.axes, other.axes)
        }
        guard let aligned else { throw refusal(node, "of shapes \(first.shape) and \(second.shape)") }
        if let function = function(of: node, full, other, aligned, operation) {
            return like(full, try graph.append(.activation(function.gate), function.source, name: node.name))
        }
        let operand = try self.operand(other.source, like: full.source, aligned, isProduct: operation.isProduct, node)
        return like(full, try graph.append(operation, full.source, operand, name: node.name))
    }

    /// `other`'s numbers in the places of `full`'s; of a product one a channel is enough.
    private mutating func operand(
        _ other: FloatGraph.Value, like full: FloatGraph.Value, _ pairs: [(size: Int, first: Int, second: Int)],
        isProduct: Bool, _ node: ONNXNode
    ) throws(GraphError) -> FloatGraph.Value {
        let (shape, pixels) = (graph[full].shape, graph[full].shape.pixels)
        let inside = pairs.filter { $0.first != ONNXView.images }
        guard !inside.contains(where: { $0.second == ONNXView.images }),
            pairs.allSatisfy({ $0.first != ONNXView.images || $0.second == ONNXView.images })
        else { throw refusal(node, "it joins images with what belongs to one; export it for one image") }
        let ordered = inside.sorted { ($0.first, $0.size) > ($1.first, $1.size) }
        let onPixels = ordered.filter { $0.first < pixels && $0.size > 1 }
        if onPixels.allSatisfy({ $0.second == 0 }), pixels > 1 {
            let channels = ordered.filter { $0.first >= pixels }.map { ONNXView.Step(size: $0.size, stride: $0.second) }
            let gate = FeatureShape(channels: shape.channels, height: 1, width: 1)
            let value = try rearranged(other, Rearrangement(shape: gate, steps: channels), node)
            guard !isProduct else { return value }
            let taps = Resampling(
                y: shape.height.taps { _ in 0 }, x: shape.width.taps { _ in 0 })
            return try graph.append(.resample(taps), value, name: "\(node.name).repeated")
        }
        let steps = ordered.map { ONNXView.Step(size: $0.size, stride: $0.second) }
        return try rearranged(other, Rearrangement(shape: shape, steps: steps), node)
    }

    /// `view` with every dimension as large as `other` has it.
    private mutating func repeated(
        _ view: ONNXView, _ other: ONNXView, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView {
        var wide = view
        for axis in view.axes.indices where view.axes[axis].isEmpty && !other.axes[axis].isEmpty {
            wide.axes[axis] = other.axes[axis].map {
                $0.stride == ONNXView.images ? $0 : .init(size: $0.size, stride: 0)
            }
        }
        return try unfolded(wide, node)
    }

    /// x * f(x), where the product is a function of one value.
    private func function(
        of node: ONNXNode, _ first: ONNXView, _ second: ONNXView, _ pairs: [(size: Int, first: Int, second: Int)],
        _ operation: Operation
    ) -> (gate: Activation, source: FloatGraph.Value)? {
        guard operation.isProduct, pairs.allSatisfy({ $0.first == $0.second }),
            graph[first.source].shape == graph[second.source].shape
        else { return nil }
        if first.source == second.source { return (.power(2), first.source) }
        if let gate = function(from: first.source, to: second.source) { return (.gated(by: gate), first.source) }
        if let gate = function(from: second.source, to: first.source) { return (.gated(by: gate), second.source) }
        return nil
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
}

extension Int {
    /// So many pixels of an edge, each the nearest to a position of another.
    func taps(_ position: (Int) -> Int) -> [Resampling.Tap] {
        (0..<self).map { Resampling.Tap(nearest: position($0)) }
    }
}

extension Operation {
    fileprivate var isProduct: Bool { if case .multiply = self { true } else { false } }
}

extension Activation {
    /// The approximation of the GELU by a hyperbolic tangent: x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2.
    fileprivate static let geluByTanh = Activation.gated(
        by: .sequence([
            .gated(by: .sequence([.power(2), .affine(factor: 0.044715, offset: 1)])),
            .affine(factor: Float((2 / Double.pi).squareRoot()), offset: 0), .tanh, .affine(factor: 0.5, offset: 0.5),
        ]))
}

extension ONNXView {
    /// Whether this has a number wherever `other` has, the same along the last dimension: what a norm along it is.
    fileprivate func repeats(in other: ONNXView) -> Bool {
        axes.count == other.axes.count
            && axes.indices.allSatisfy { axis in
                axes[axis].isEmpty || axes[axis].allSatisfy { $0.stride == 0 }
                    || axes[axis].size == other.axes[axis].size
            }
    }
}
