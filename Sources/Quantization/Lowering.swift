import FloatGraph

extension FloatGraph {
    /// The same network, of nodes that the device has steps for: see `FusedNetwork`.
    ///
    /// Everything that only moves numbers or treats channels by themselves becomes a convolution: a sum that no convolution
    /// takes in is added to a copy, and a concatenation that cannot be written in place is put together by convolutions that
    /// place channels and add what is there. Throws `QuantizationError.unsupportedNode` for what the device cannot do.
    func loweredForDevice() throws(QuantizationError) -> FloatGraph {
        // A concatenation makes a node for each of its parts.
        let count = nodes.reduce(0) { $0 + max($1.inputs.count, 1) }
        guard count <= Lowering.mostNodes else { throw .tooManyNodes(count, limit: Lowering.mostNodes) }
        var lowering = Lowering(of: self)
        for value in values.dropFirst() {
            try lowering.append(value)
        }
        try lowering.endWithFeatures()
        return lowering.graph
    }
}

private struct Lowering {
    typealias Value = FloatGraph.Value

    private let original: FloatGraph
    private let readers: [[Value]]
    private(set) var graph: FloatGraph
    /// What each of the original's values has become.
    private var results: [Value]
    /// Weights of the convolutions that only copy.
    private var copiedWeights = 0
    /// Several times what the deepest networks have. Placing tensors in memory takes time by the square of their number.
    fileprivate static let mostNodes = 1 << 12
    private static let mostCopiedWeights = 1 << 26

    /// Values that a concatenation has as a part.
    private var slices: Set<Value> = []

    init(of original: FloatGraph) {
        self.original = original
        readers = original.readers()
        graph = FloatGraph(input: original[original.input].shape)
        results = [graph.input]
    }

    mutating func append(_ value: Value) throws(QuantizationError) {
        let node = original[value]
        let inputs = node.inputs.map { results[$0.index] }
        switch node.operation {
        case .batchNorm(let norm):
            results.append(try append(.convolution(Convolution(norm)), inputs, name: node.name))
        case .select(let selection):
            let shape = graph[inputs[0]].shape
            let isShortcut = selection.isResidual(of: shape) && isOnlyAdded(value)
            results.append(
                isShortcut
                    ? try append(node.operation, inputs, name: node.name)
                    : try copy(selection, of: inputs[0], name: node.name))
        case .add:
            results.append(try sum(node, inputs))
        case .multiply:
            // The device takes the one number a channel second.
            let isGateFirst = graph[inputs[0]].shape != node.shape
            results.append(try append(.multiply, isGateFirst ? inputs.reversed() : inputs, name: node.name))
        case .concat:
            results.append(try concatenation(node, inputs))
        case .maxPool(let window), .averagePool(let window, _):
            guard window.y.dilation == 1, window.x.dilation == 1 else { throw .unsupportedNode(name: node.name) }
            results.append(try append(node.operation, inputs, name: node.name))
        case .globalAveragePool where value != original.features:
            let shape = graph[inputs[0]].shape
            let window = Window(y: Window.Axis(size: shape.height), x: Window.Axis(size: shape.width))
            results.append(try append(.averagePool(window, countsPadding: true), inputs, name: node.name))
        case .rearrange(let rearrangement):
            results.append(try rearranged(node, rearrangement, inputs[0]))
        case .softmax(let groups) where node.shape.channels == 2 * groups:
            results.append(try softmaxOfTwo(node, groups: groups, inputs[0]))
        case .flatten, .constant, .resample, .softmax, .layerNorm, .l2Norm, .matrixProduct:
            throw .unsupportedNode(name: node.name)
        case .input, .convolution, .activation, .globalAveragePool:
            results.append(try append(node.operation, inputs, name: node.name))
        }
    }

    /// The head reads floats, which a global average pooling makes, be it of a single pixel.
    mutating func endWithFeatures() throws(QuantizationError) {
        let last = results[original.features.index]
        if case .globalAveragePool = graph[last].operation { return }
        guard graph[last].shape.pixels == 1 else { throw .unsupportedNode(name: graph[last].name) }
        _ = try append(.globalAveragePool, [last], name: "features")
    }

    /// Appends a node whose inputs fit but for sizes that no kernel has: windows and strides end at 65536.
    private mutating func append(
        _ operation: Operation, _ inputs: [Value], name: String
    ) throws(QuantizationError) -> Value {
        do throws(GraphError) {
            return try graph.append(operation, inputs, name: name)
        } catch {
            throw .unsupportedNode(name: name)
        }
    }

    private mutating func copy(
        _ selection: Selection, of value: Value, name: String
    ) throws(QuantizationError) -> Value {
        guard let convolution = selection.convolution(of: graph[value].shape) else {
            throw .unsupportedNode(name: name)
        }
        copiedWeights += convolution.weights.count
        guard copiedWeights <= Self.mostCopiedWeights else { throw .unsupportedNode(name: name) }
        return try append(.convolution(convolution), [value], name: name)
    }

    private mutating func copy(_ value: Value, name: String) throws(QuantizationError) -> Value {
        try copy(Selection(whole: graph[value].shape), of: value, name: name)
    }

    /// Channels in another order are a convolution of single pixels; pixels stay where they are.
    private mutating func rearranged(
        _ node: FloatGraph.Node, _ rearrangement: Rearrangement, _ input: Value
    ) throws(QuantizationError) -> Value {
        let shape = graph[input].shape
        guard let channels = rearrangement.channels(of: shape), channels.count * shape.channels <= 1 << 26 else {
            throw .unsupportedNode(name: node.name)
        }
        var weights = [Float](repeating: 0, count: channels.count * shape.channels)
        for (output, input) in channels.enumerated() { weights[output * shape.channels + input] = 1 }
        return try append(.convolution(Convolution(weights: weights, inputs: shape.channels)), [input], name: node.name)
    }

    /// exp(a) / (exp(a) + exp(b)) is the sigmoid of a - b.
    private mutating func softmaxOfTwo(
        _ node: FloatGraph.Node, groups: Int, _ input: Value
    ) throws(QuantizationError) -> Value {
        let channels = node.shape.channels
        guard channels * channels <= 1 << 26 else { throw .unsupportedNode(name: node.name) }
        var weights = [Float](repeating: 0, count: channels * channels)
        for channel in 0..<channels {
            weights[channel * channels + channel] = 1
            weights[channel * channels + (channel ^ 1)] = -1
        }
        let differences = Convolution(weights: weights, inputs: channels)
        let value = try append(.convolution(differences), [input], name: "\(node.name).difference")
        return try append(.activation(.sigmoid), [value], name: node.name)
    }

    // MARK: Sums

    /// Whether a value is read, by sums with other values alone.
    private func isOnlyAdded(_ value: Value) -> Bool {
        let readers = readers[value.index]
        return !readers.isEmpty
            && readers.allSatisfy { reader in
                guard case .add = original[reader].operation else { return false }
                return original[reader].inputs != [value, value]
            }
    }

    private mutating func sum(_ node: FloatGraph.Node, _ inputs: [Value]) throws(QuantizationError) -> Value {
        let takesSumIn = (0..<2).contains { operand in
            guard case .convolution = graph[inputs[operand]].operation, inputs[0] != inputs[1],
                readers[node.inputs[operand].index].count == 1
            else { return false }
            return graph.source(ofResidual: inputs[1 - operand]).index < inputs[operand].index
        }
        if takesSumIn {
            return try append(.add, inputs, name: node.name)
        }
        // A shortcut can only be what is added, so the copy is of the other operand.
        let (copied, added) = graph.isSelection(inputs[0]) ? (inputs[1], inputs[0]) : (inputs[0], inputs[1])
        if case .select(let selection) = graph[copied].operation {
            let value = try copy(selection, of: graph[copied].inputs[0], name: "\(node.name).copy")
            return try append(.add, [value, added], name: node.name)
        }
        return try append(.add, [copy(copied, name: "\(node.name).copy"), added], name: node.name)
    }

    // MARK: Concatenations

    private mutating func concatenation(
        _ node: FloatGraph.Node, _ inputs: [Value]
    ) throws(QuantizationError) -> Value {
        // Kernels read channels in groups of 4, so a part can be written in place only where a group begins.
        let offsets = inputs.dropLast().reduce(into: [0]) { $0.append($0.last! + graph[$1].shape.channels) }
        guard offsets.allSatisfy({ $0 % 4 == 0 }) else {
            return try placed(inputs, at: offsets, in: node)
        }
        var parts: [Value] = []
        for part in inputs {
            parts.append(canBeSlice(part) ? part : try copy(part, name: "\(node.name).copy"))
        }
        return try append(.concat, parts, name: node.name)
    }

    /// Whether a step writes this value, with numbers of its own, and no other concatenation has it.
    private mutating func canBeSlice(_ value: Value) -> Bool {
        guard slices.insert(value).inserted else { return false }
        return switch graph[value].operation {
        case .convolution, .activation, .add, .multiply, .averagePool, .concat: true
        case .input, .batchNorm, .select, .maxPool, .globalAveragePool, .flatten, .constant, .rearrange, .resample,
            .softmax,
            .layerNorm, .l2Norm, .matrixProduct:
            false
        }
    }

    /// Each part is put in its place by a convolution that also adds what came before.
    private mutating func placed(
        _ parts: [Value], at offsets: [Int], in node: FloatGraph.Node
    ) throws(QuantizationError) -> Value {
        func place(_ number: Int) -> Selection {
            var selection = Selection(whole: graph[parts[number]].shape)
            selection.channels = Selection.Span(start: -offsets[number], count: node.shape.channels)
            return selection
        }
        var sum = try append(.select(place(0)), [parts[0]], name: "\(node.name).0")
        for number in parts.indices.dropFirst() {
            let value = try copy(place(number), of: parts[number], name: "\(node.name).\(number)")
            sum = try append(.add, [value, sum], name: node.name)
        }
        return sum
    }
}

extension FloatGraph {
    func isSelection(_ value: Value) -> Bool {
        if case .select = self[value].operation { true } else { false }
    }

    /// The value that a step reads where it adds `value`.
    func source(ofResidual value: Value) -> Value {
        isSelection(value) ? self[value].inputs[0] : value
    }
}

extension Selection {
    /// Whether a convolution can add this as it is: see `rb_conv_shape` in kernels.h.
    fileprivate func isResidual(of shape: FeatureShape) -> Bool {
        channels.step == 1 && channels.start <= 0 && y.step == x.step && y.start == 0 && x.start == 0
            && y.inside(shape.height) == 0..<y.count && x.inside(shape.width) == 0..<x.count
    }
}

extension Convolution {
    /// Of single pixels, `[outputs][inputs]`.
    fileprivate init(weights: [Float], inputs: Int) {
        let outputs = weights.count / inputs
        self.init(
            inputChannels: inputs, outputChannels: outputs, window: Window(size: 1), weights: weights,
            bias: [Float](repeating: 0, count: outputs))
    }

    /// Each channel times a factor, plus an offset.
    fileprivate init(_ norm: BatchNorm) {
        let channels = norm.weight.count
        let affines = (0..<channels).map(norm.affine)
        self.init(
            inputChannels: channels, outputChannels: channels, groups: channels, window: Window(size: 1),
            weights: affines.map { Float($0.factor) }, bias: affines.map { Float($0.offset) })
    }
}
