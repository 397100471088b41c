/// Channels, height and width of one image's activations; a feature vector is `[channels, 1, 1]`.
public struct FeatureShape: Equatable, Sendable {
    public var channels: Int
    public var height: Int
    public var width: Int

    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// Values in one image's activations.
    public var count: Int { channels * pixels }
    public var pixels: Int { height * width }
}

extension FeatureShape {
    /// Whether one image's activations stay at a size that a computer holds; also keeps `count` from overflowing.
    fileprivate var isComputable: Bool {
        let limit = 1 << 28
        return channels <= limit && height <= limit && width <= limit && height * width <= limit && count <= limit
    }
}

/// A network between the image and the feature vector, as float32 operations in order of execution.
///
/// Every node computes one value from values of earlier nodes (SSA form): node 0 is the input, the last node the
/// feature vector. Shapes are those of one image; how many images run at once is the executor's business.
public struct FloatGraph: Sendable {
    /// The result of one node, by the node's place in the graph.
    public struct Value: Hashable, Sendable {
        public let index: Int
    }

    public struct Node: Sendable {
        /// The name in the checkpoint, without the parameter's own: "layer1.0.conv1".
        public let name: String
        public var operation: Operation
        public let inputs: [Value]
        /// The shape of the value that the node computes.
        public let shape: FeatureShape
    }

    public private(set) var nodes: [Node]
    /// Numbers that all operations hold together.
    private var numberCount = 0

    /// Twice what VGG-16, the largest of the usual networks, has: nodes of a hostile file may share what it holds once.
    private static let mostNumbers = 1 << 28

    /// A graph of an input alone.
    public init(input: FeatureShape) {
        nodes = [Node(name: "input", operation: .input, inputs: [], shape: input)]
    }

    public var input: Value { Value(index: 0) }
    public var features: Value { Value(index: nodes.count - 1) }
    public var values: some Sequence<Value> { nodes.indices.lazy.map(Value.init) }

    public subscript(value: Value) -> Node { nodes[value.index] }

    /// Adds a node and infers its shape. Throws `GraphError.shapesDisagree` where the operation cannot take its inputs.
    @discardableResult
    public mutating func append(
        _ operation: Operation, _ inputs: Value..., name: String
    ) throws(GraphError) -> Value {
        try append(operation, inputs, name: name)
    }

    /// The same for any number of inputs.
    @discardableResult
    public mutating func append(
        _ operation: Operation, _ inputs: [Value], name: String
    ) throws(GraphError) -> Value {
        guard let shape = operation.outputShape(of: inputs.map { self[$0].shape }), shape.isComputable else {
            throw .shapesDisagree(node: name, inputs: inputs.map { self[$0].shape })
        }
        numberCount += operation.numberCount
        guard numberCount <= Self.mostNumbers else { throw .tooManyWeights(node: name, limit: Self.mostNumbers) }
        nodes.append(Node(name: name, operation: operation, inputs: inputs, shape: shape))
        return features
    }

    /// Adds a node of another graph, whose inputs have the shapes it had there.
    mutating func append(_ node: Node, reading inputs: [Value]) -> Value {
        nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs, shape: node.shape))
        return features
    }

    /// Replaces what a node computes by something that takes and gives the same shapes.
    mutating func replaceOperation(_ value: Value, with operation: Operation) {
        nodes[value.index].operation = operation
    }

    /// The nodes that read each value, indexed like `nodes`.
    public func readers() -> [[Value]] {
        var readers = [[Value]](repeating: [], count: nodes.count)
        for value in values {
            for input in self[value].inputs {
                readers[input.index].append(value)
            }
        }
        return readers
    }

    /// Weights of the convolutions.
    public var weightCount: Int {
        nodes.reduce(0) { sum, node in
            guard case .convolution(let convolution) = node.operation else { return sum }
            return sum + convolution.weights.count
        }
    }

    /// Multiply-adds of the convolutions for one image.
    public var multiplyAdds: Int {
        nodes.reduce(0) { sum, node in
            guard case .convolution(let convolution) = node.operation else { return sum }
            return sum + convolution.weights.count * node.shape.height * node.shape.width
        }
    }
}
