extension FloatGraph {
    /// The same network with fewer nodes. Batch normalisations are multiplied into convolutions before them; padding goes into
    /// windows; functions of one value become one; a linear layer behind a flattened image becomes a convolution as large as
    /// the image; what changes nothing and what nothing reads is gone.
    public func simplified() -> FloatGraph { simplifiedCounting().graph }

    /// With the numbers and list entries that were written for it: a test holds them to the size of the graph.
    func simplifiedCounting() -> (graph: FloatGraph, work: Int) {
        var simplification = Simplification(of: withoutIdentities())
        for value in simplification.original.values.dropFirst() {
            simplification.append(value)
        }
        let last = simplification.result(of: simplification.original.features)
        return (simplification.graph.withoutUnread(keeping: last), simplification.work)
    }

    /// Without the nodes that give their input.
    private func withoutIdentities() -> FloatGraph {
        var kept = FloatGraph(input: self[input].shape)
        var renamed = [kept.input]
        for node in nodes.dropFirst() {
            let inputs = node.inputs.map { renamed[$0.index] }
            let isIdentity = inputs.count == 1 && node.operation.isIdentity(on: kept[inputs[0]].shape)
            renamed.append(isIdentity ? inputs[0] : kept.append(node, reading: inputs))
        }
        return kept.withoutUnread(keeping: renamed[features.index])
    }

    /// The graph that ends with a value of this one.
    func upTo(_ value: Value) -> FloatGraph { withoutUnread(keeping: value) }

    /// The nodes that `last` depends on, and the input.
    private func withoutUnread(keeping last: Value) -> FloatGraph {
        var isRead = [Bool](repeating: false, count: nodes.count)
        isRead[last.index] = true
        for value in values.reversed() where isRead[value.index] {
            for input in self[value].inputs {
                isRead[input.index] = true
            }
        }
        var kept = FloatGraph(input: self[input].shape)
        var renamed = [Value](repeating: kept.input, count: nodes.count)
        for value in values.dropFirst() where isRead[value.index] {
            renamed[value.index] = kept.append(self[value], reading: self[value].inputs.map { renamed[$0.index] })
        }
        return kept
    }
}

extension Operation {
    fileprivate func isIdentity(on shape: FeatureShape) -> Bool {
        switch self {
        case .batchNorm(let norm): norm.isIdentity
        case .select(let selection): selection == Selection(whole: shape)
        case .flatten: shape.pixels == 1
        case .concat: true
        case .rearrange(let rearrangement): rearrangement.keepsOrder(of: shape) && rearrangement.shape == shape
        default: false
        }
    }
}

/// Builds the simplified graph node by node: what a node becomes depends on what its inputs have become.
private struct Simplification {
    typealias Value = FloatGraph.Value

    let original: FloatGraph
    private let readers: [[Value]]
    private(set) var graph: FloatGraph
    /// What each of the original's values has become.
    private var results: [Value]
    private var lists = ConcatenatedLists()
    /// How many batch normalisations each convolution has taken in.
    private var folds: [Value: Int] = [:]
    /// Numbers and list entries that were written.
    private(set) var work = 0

    /// Each fold writes all weights of a convolution, each function of a value is computed for every pixel: beyond these
    /// numbers, more than networks have, further nodes stay as they are.
    private static let mostFolds = 8
    private static let mostFunctions = 64
    /// Several times what the position tables of the largest usual networks have.
    private static let mostConstantNumbers = 1 << 25

    init(of original: FloatGraph) {
        self.original = original
        readers = original.readers()
        graph = FloatGraph(input: original[original.input].shape)
        results = [graph.input]
    }

    func result(of value: Value) -> Value { results[value.index] }

    mutating func append(_ value: Value) {
        let node = original[value]
        let inputs = node.inputs.map(result)
        let simpler =
            switch node.operation {
            case .batchNorm(let norm): normalised(node, by: norm, inputs[0])
            case .activation(let function): activated(node, by: function, inputs[0])
            case .multiply: gated(node, inputs)
            case .select(let selection): selected(node, selection, inputs[0])
            case .convolution(let convolution): convolved(node, convolution, inputs[0])
            case .maxPool(let window): maxPooled(node, window, inputs[0])
            case .averagePool(let window, let countsPadding):
                averaged(node, window, countsPadding: countsPadding, inputs[0])
            case .concat: joined(node, inputs)
            case .globalAveragePool: averagedWhole(node, inputs[0])
            case .rearrange, .resample, .flatten: moved(node, inputs[0])
            case .input, .add, .constant, .softmax, .layerNorm, .l2Norm, .matrixProduct: nil as Value?
            }
        results.append(simpler ?? graph.append(node, reading: inputs))
    }

    /// Whether the original's value that a node reads first is read by that node alone: what computes it may change.
    private func isOnlyReader(_ node: FloatGraph.Node) -> Bool { readers[node.inputs[0].index].count == 1 }

    /// nil where the simplified node has sizes that nothing computes, such as a window of more than 65536 pixels.
    private mutating func append(_ operation: Operation, _ inputs: [Value], name: String) -> Value? {
        try? graph.append(operation, inputs, name: name)
    }

    // MARK: Constants

    /// The numbers of a constant in other places are another constant.
    private mutating func moved(_ node: FloatGraph.Node, _ input: Value) -> Value? {
        guard case .constant(let numbers, let shape) = graph[input].operation,
            work + node.shape.count <= Self.mostConstantNumbers
        else { return nil }
        work += node.shape.count
        let values = node.operation.computed(
            from: [Activations(constant: numbers, shape: shape, images: 1)], shape: node.shape)
        return append(.constant(values.values, node.shape), [], name: node.name)
    }

    // MARK: Functions of single values

    private mutating func normalised(_ node: FloatGraph.Node, by norm: BatchNorm, _ input: Value) -> Value? {
        guard isOnlyReader(node) else { return nil }
        switch graph[input].operation {
        case .convolution(let convolution):
            guard folds[input, default: 0] < Self.mostFolds else { return nil }
            folds[input, default: 0] += 1
            work += convolution.weights.count
            graph.replaceOperation(input, with: .convolution(convolution.followed(by: norm)))
            return input
        case .batchNorm(let first):
            graph.replaceOperation(input, with: .batchNorm(first.followed(by: norm)))
            return input
        case .activation(let first):
            guard let function = norm.uniform, first.length < Self.mostFunctions, !first.isRounding else { return nil }
            work += first.length
            graph.replaceOperation(input, with: .activation(first.followed(by: function)))
            return input
        default:
            return nil
        }
    }

    private mutating func activated(_ node: FloatGraph.Node, by function: Activation, _ input: Value) -> Value? {
        // Rounded again to the same bytes, nothing changes.
        if case .bytes(let bytes) = function, graph[input].operation.statedBytes == bytes { return input }
        // What is rounded to bytes is a value of its own.
        guard isOnlyReader(node), !function.isRounding else { return nil }
        switch graph[input].operation {
        case .activation(let first):
            guard first.length + function.length <= Self.mostFunctions, !first.isRounding else { return nil }
            work += first.length
            return append(.activation(first.followed(by: function)), graph[input].inputs, name: node.name)
        case .batchNorm(let norm):
            guard let first = norm.uniform else { return nil }
            return append(.activation(first.followed(by: function)), graph[input].inputs, name: node.name)
        default:
            return nil
        }
    }

    /// x * f(x) is a function of x.
    private mutating func gated(_ node: FloatGraph.Node, _ inputs: [Value]) -> Value? {
        for (value, gate) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
            if case .activation(let function) = graph[gate].operation, graph[gate].inputs == [value],
                !function.isRounding
            {
                return append(.activation(.gated(by: function)), [value], name: node.name)
            }
        }
        return nil
    }

    // MARK: Pixels and channels

    private mutating func selected(_ node: FloatGraph.Node, _ selection: Selection, _ input: Value) -> Value? {
        guard case .select(let first) = graph[input].operation else { return nil }
        let source = graph[input].inputs[0]
        return selection.after(first, of: graph[source].shape).flatMap { both in
            append(.select(both), [source], name: node.name)
        }
    }

    private mutating func convolved(_ node: FloatGraph.Node, _ convolution: Convolution, _ input: Value) -> Value? {
        if let (source, window) = unpadded(input, convolution.window) {
            var wider = convolution
            wider.window = window
            return append(.convolution(wider), [source], name: node.name)
        }
        if isOnlyReader(node), case .convolution(let first) = graph[input].operation,
            let both = convolution.after(colours: first)
        {
            return append(.convolution(both), graph[input].inputs, name: node.name)
        }
        guard case .flatten = graph[input].operation, convolution.groups == 1, convolution.window.isPointwise else {
            return nil
        }
        let source = graph[input].inputs[0]
        let shape = graph[source].shape
        let whole = Convolution(
            inputChannels: shape.channels, outputChannels: convolution.outputChannels,
            window: Window(y: Window.Axis(size: shape.height), x: Window.Axis(size: shape.width)),
            weights: convolution.weights, bias: convolution.bias)
        return append(.convolution(whole), [source], name: node.name)
    }

    private mutating func maxPooled(_ node: FloatGraph.Node, _ window: Window, _ input: Value) -> Value? {
        // Zeros around an image are like nothing around it where no pixel is negative.
        guard let (source, wider) = unpadded(input, window),
            case .activation(.clip(let low, _)) = graph[source].operation, low >= 0,
            Operation.maxPool(wider).outputShape(of: [graph[source].shape]) == node.shape
        else { return nil }
        return append(.maxPool(wider), [source], name: node.name)
    }

    private mutating func averaged(
        _ node: FloatGraph.Node, _ window: Window, countsPadding: Bool, _ input: Value
    ) -> Value? {
        let shape = graph[input].shape
        if node.shape.pixels == 1, window.y.covers(shape.height), window.x.covers(shape.width) {
            return append(.globalAveragePool, [input], name: node.name)
        }
        guard countsPadding || !window.hasPadding, let (source, wider) = unpadded(input, window) else { return nil }
        return append(.averagePool(wider, countsPadding: true), [source], name: node.name)
    }

    /// The mean of the means of all rows, or of other parts of one size, is the mean of all pixels.
    private mutating func averagedWhole(_ node: FloatGraph.Node, _ input: Value) -> Value? {
        guard isOnlyReader(node), case .averagePool(let window, _) = graph[input].operation else { return nil }
        let source = graph[input].inputs[0]
        guard window.y.tiles(graph[source].shape.height), window.x.tiles(graph[source].shape.width) else { return nil }
        return append(.globalAveragePool, [source], name: node.name)
    }

    /// Where `input` is an image with zeros around it: that image, and the window with the zeros as its padding.
    private func unpadded(_ input: Value, _ window: Window) -> (Value, Window)? {
        guard case .select(let selection) = graph[input].operation else { return nil }
        let source = graph[input].inputs[0]
        let shape = graph[source].shape
        guard selection.channels.isWhole(shape.channels), let y = window.y.padded(by: selection.y, of: shape.height),
            let x = window.x.padded(by: selection.x, of: shape.width)
        else { return nil }
        return (source, Window(y: y, x: x))
    }

    /// A list that begins with all of an earlier one, as in densely connected networks, takes that one's result in.
    private mutating func joined(_ node: FloatGraph.Node, _ inputs: [Value]) -> Value? {
        let (known, list) = lists.list(of: inputs)
        work += known.steps
        let shorter = known.result.map { [$0] + inputs[known.count...] } ?? inputs
        guard let value = append(.concat, shorter, name: node.name) else { return nil }
        lists.note(value, list)
        return value
    }
}

extension Convolution {
    /// This and, before it, a mixture of few channels, as of colours that change places or become grey; nil where `first` is
    /// more than that.
    fileprivate func after(colours first: Convolution) -> Convolution? {
        guard first.window.isPointwise, first.groups == 1, first.inputChannels <= 4, groups == 1,
            !first.bias.contains(where: { $0 != 0 })
        else { return nil }
        let (inputs, positions) = (first.inputChannels, window.count)
        var mixed = [Float](repeating: 0, count: outputChannels * inputs * positions)
        for output in 0..<outputChannels {
            for input in 0..<inputs {
                for position in 0..<positions {
                    let sum = (0..<inputChannels).reduce(0.0) { sum, channel in
                        let weight = weights[(output * inputChannels + channel) * positions + position]
                        return sum + Double(weight) * Double(first.weights[channel * inputs + input])
                    }
                    mixed[(output * inputs + input) * positions + position] = Float(sum)
                }
            }
        }
        return Convolution(
            inputChannels: inputs, outputChannels: outputChannels, window: window, weights: mixed, bias: bias)
    }

    /// w' = w * factor and b' = b * factor + offset for each output channel, in double.
    fileprivate func followed(by norm: BatchNorm) -> Convolution {
        var result = self
        let weightsPerOutput = weightsPerOutput
        result.weights.withUnsafeMutableBufferPointer { weights in
            for output in 0..<outputChannels {
                let (factor, offset) = norm.affine(output)
                for index in output * weightsPerOutput..<(output + 1) * weightsPerOutput {
                    weights[index] = Float(Double(weights[index]) * factor)
                }
                result.bias[output] = Float(Double(bias[output]) * factor + offset)
            }
        }
        return result
    }
}

extension BatchNorm {
    private var affines: [(factor: Double, offset: Double)] { weight.indices.map(affine) }

    fileprivate var isIdentity: Bool { affines.allSatisfy { $0 == (1, 0) } }

    /// The function of a single value that this is where all channels are alike.
    fileprivate var uniform: Activation? {
        let affines = affines
        guard affines.allSatisfy({ $0 == affines[0] }) else { return nil }
        return .affine(factor: Float(affines[0].factor), offset: Float(affines[0].offset))
    }

    fileprivate func followed(by other: BatchNorm) -> BatchNorm {
        let both = zip(affines, other.affines)
        return BatchNorm(
            factors: both.map { Float($0.factor * $1.factor) },
            offsets: both.map { Float($0.offset * $1.factor + $1.offset) })
    }
}

extension Activation {
    /// Functions one after the other.
    fileprivate var length: Int {
        if case .sequence(let parts) = self { parts.count } else { 1 }
    }

    fileprivate var isRounding: Bool {
        if case .bytes = self { true } else { false }
    }

    fileprivate func followed(by other: Activation) -> Activation {
        switch (self, other) {
        case (.clip(let low, let high), .clip(let otherLow, let otherHigh)):
            // Both clips in one, also where they have no value in common.
            let clip = { min(max($0, otherLow), otherHigh) }
            return .clip(low: clip(low), high: clip(high))
        case (.sequence(let parts), .sequence(let others)):
            return .sequence(parts + others)
        case (.sequence(let parts), _):
            return .sequence(parts + [other])
        case (_, .sequence(let others)):
            return .sequence([self] + others)
        default:
            return .sequence([self, other])
        }
    }
}

extension Window {
    fileprivate var hasPadding: Bool { [y.before, y.after, x.before, x.after].contains { $0 > 0 } }
}

extension Window.Axis {
    /// Whether the steps cut an edge into parts without a rest, and none of them lies in the padding behind it.
    fileprivate func tiles(_ edge: Int) -> Bool {
        guard dilation == 1, before == 0, size == stride || size == edge, let steps = steps(along: edge) else {
            return false
        }
        return steps * size == edge
    }

    /// Whether the first step sees an edge whole and nothing else.
    fileprivate func covers(_ edge: Int) -> Bool { size == edge && dilation == 1 && before == 0 }

    /// With the zeros of a selection as padding; nil where it cuts something off or leaves something out.
    fileprivate func padded(by span: Selection.Span, of edge: Int) -> Window.Axis? {
        let behind = span.start + span.count - edge
        guard span.step == 1, span.start <= 0, behind >= 0, before - span.start <= 1 << 16, after + behind <= 1 << 16
        else { return nil }
        var result = self
        result.before -= span.start
        result.after += behind
        return result
    }
}
