import FloatGraph

extension FloatGraph {
    /// The same network, of nodes that the device has steps for: see `FusedNetwork`.
    ///
    /// What treats channels by themselves, pads, cuts or skips becomes a convolution: a sum that no convolution takes in is
    /// added to a copy, and a concatenation that cannot be written in place is put together by convolutions that
    /// place channels and add what is there. Throws `QuantizationError.unsupportedNode` for what the device cannot do.
    func loweredForDevice() throws(QuantizationError) -> FloatGraph { try lowered().graph }

    /// The same, and the numbers that the file itself states of its values.
    func lowered() throws(QuantizationError) -> (graph: FloatGraph, stated: [Value: StatedBytes]) {
        // A concatenation makes a node for each of its parts.
        let count = nodes.reduce(0) { $0 + max($1.inputs.count, 1) }
        guard count <= Lowering.mostNodes else { throw .tooManyNodes(count, limit: Lowering.mostNodes) }
        var lowering = Lowering(of: self)
        try lowering.appendConstants()
        for value in values.dropFirst() {
            try lowering.append(value)
        }
        try lowering.endWithFeatures()
        var stated = lowering.stated
        for value in lowering.graph.values {
            if let bytes = lowering.graph[value].operation.statedBytes { stated[value] = bytes }
        }
        return (lowering.graph, stated)
    }
}

private struct Lowering {
    typealias Value = FloatGraph.Value

    private let original: FloatGraph
    private let readers: [[Value]]
    private(set) var graph: FloatGraph
    /// What each of the original's values has become.
    private var results: [Value]
    /// Numbers of values that have them without a node that rounds.
    fileprivate private(set) var stated: [Value: StatedBytes] = [:]
    /// Weights of the convolutions that only copy.
    private var copiedWeights = 0
    /// Several times what the deepest networks have. Placing tensors in memory takes time by the square of their number.
    fileprivate static let mostNodes = 1 << 12
    private static let mostCopiedWeights = 1 << 26

    private var constants: [Value: Value] = [:]
    /// Values that a concatenation has as a part.
    private var slices: Set<Value> = []

    init(of original: FloatGraph) {
        self.original = original
        readers = original.readers()
        graph = FloatGraph(input: original[original.input].shape)
        results = [graph.input]
    }

    /// Constants stand first, so that any convolution can add them; the device has each when it is first read.
    mutating func appendConstants() throws(QuantizationError) {
        for value in original.values {
            guard case .constant = original[value].operation else { continue }
            constants[value] = try append(original[value].operation, [], name: original[value].name)
        }
    }

    mutating func append(_ value: Value) throws(QuantizationError) {
        let node = original[value]
        let inputs = node.inputs.map { results[$0.index] }
        switch node.operation {
        case .batchNorm(let norm):
            results.append(try append(.convolution(Convolution(norm)), inputs, name: node.name))
        case .select(let selection):
            let shape = graph[inputs[0]].shape
            let isKept = selection.isView(of: shape) || selection.isResidual(of: shape) && isOnlyAdded(value)
            results.append(
                isKept
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
        case .flatten:
            let whole = Rearrangement(shape: node.shape, steps: [.init(size: node.shape.count, stride: 1)])
            results.append(try rearranged(whole, inputs[0], name: node.name))
        case .rearrange(let rearrangement):
            results.append(try rearranged(rearrangement, inputs[0], name: node.name))
        case .constant:
            results.append(constants[value]!)
        case .activation(.bytes(let bytes)) where takesOver(bytes, inputs[0], readBy: value):
            results.append(inputs[0])
        case .input, .convolution, .activation, .globalAveragePool, .resample, .softmax, .layerNorm, .l2Norm,
            .matrixProduct:
            results.append(try append(node.operation, inputs, name: node.name))
        }
    }

    /// Whether a value has these numbers already, or can have them: the picture, which is rounded to bytes once, and a
    /// concatenation, whose parts are written straight into it.
    private mutating func takesOver(_ bytes: StatedBytes, _ input: Value, readBy reader: Value) -> Bool {
        var source = input
        while case .maxPool = graph[source].operation { source = graph[source].inputs[0] }
        if let known = stated[source] ?? graph[source].operation.statedBytes { return known == bytes }
        let isOnlyReader = readers[original[reader].inputs[0].index].count == 1
        switch graph[input].operation {
        case .input, .concat:
            guard isOnlyReader else { return false }
            stated[input] = bytes
            return true
        default: return false
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

    private mutating func rearranged(
        _ rearrangement: Rearrangement, _ input: Value, name: String
    ) throws(QuantizationError) -> Value {
        let shape = graph[input].shape
        guard rearrangement.isView(of: shape) || rearrangement.deviceSteps(of: shape) != nil else {
            throw .unsupportedNode(name: name)
        }
        return try append(.rearrange(rearrangement), [input], name: name)
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
        let (copied, added) = graph.isShortcut(inputs[0]) ? (inputs[1], inputs[0]) : (inputs[0], inputs[1])
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
        case .convolution, .activation, .add, .multiply, .averagePool, .concat, .softmax, .layerNorm, .l2Norm,
            .matrixProduct:
            true
        case .input, .batchNorm, .select, .maxPool, .globalAveragePool, .flatten, .constant, .rearrange, .resample:
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
    /// Whether a value is a selection that only a sum can read.
    func isShortcut(_ value: Value) -> Bool {
        guard case .select(let selection) = self[value].operation else { return false }
        return !selection.isView(of: self[self[value].inputs[0]].shape)
    }

    /// The value that a step reads where it adds `value`.
    func source(ofResidual value: Value) -> Value {
        isShortcut(value) ? self[value].inputs[0] : value
    }
}

extension Selection {
    /// Whether a convolution can add this as it is: see `rb_conv_shape` in kernels.h.
    fileprivate func isResidual(of shape: FeatureShape) -> Bool {
        channels.step == 1 && channels.start <= 0 && y.step == x.step && y.start == 0 && x.start == 0
            && y.inside(shape.height) == 0..<y.count && x.inside(shape.width) == 0..<x.count
    }
}

extension Selection {
    /// Whether this is some of a tensor's channels as they lie there: kernels read channels in groups of 4.
    func isView(of shape: FeatureShape) -> Bool {
        y.isWhole(shape.height) && x.isWhole(shape.width) && channels.step == 1 && channels.start >= 0
            && channels.start % 4 == 0 && channels.start + channels.count <= shape.channels
    }
}

extension Convolution {
    /// Each channel times a factor, plus an offset.
    fileprivate init(_ norm: BatchNorm) {
        let channels = norm.weight.count
        let affines = (0..<channels).map(norm.affine)
        self.init(
            inputChannels: channels, outputChannels: channels, groups: channels, window: Window(size: 1),
            weights: affines.map { Float($0.factor) }, bias: affines.map { Float($0.offset) })
    }
}
