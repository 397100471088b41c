import Checkpoint

/// A backbone with a checkpoint's parameters, and what there is to say about how it came about.
public struct Backbone: Sendable {
    public let graph: FloatGraph
    /// Whether it sees the luminance of pictures alone; mean and standard deviation must be alike for all channels then.
    public let takesGrey: Bool
    /// Tensors that are no part of it, by their names in the file.
    public let passedOver: [String]
    /// What its tensors do not say and was taken for granted, one line each.
    public var assumptions: [String] = []

    public init(graph: FloatGraph, takesGrey: Bool, passedOver: [String]) {
        self.graph = graph
        self.takesGrey = takesGrey
        self.passedOver = passedOver
    }
}

/// Adds the blocks that backbones are made of, with a checkpoint's parameters.
struct BackboneBuilder {
    typealias Value = FloatGraph.Value

    private(set) var graph: FloatGraph
    private var parameters: Parameters
    /// Of every batch normalisation.
    private let epsilon: Double
    /// Whether windows are padded as TensorFlow does it; else by half their size on every side.
    private let padsLikeTensorFlow: Bool
    private var takesGrey = false

    init(
        _ state: ReferenceState, height: Int, width: Int, epsilon: Double = BatchNorm.defaultEpsilon,
        padsLikeTensorFlow: Bool = false
    ) {
        graph = FloatGraph(input: FeatureShape(channels: 3, height: height, width: width))
        parameters = Parameters(state.features, group: state.featuresPrefix)
        self.epsilon = epsilon
        self.padsLikeTensorFlow = padsLikeTensorFlow
    }

    /// A square convolution without bias, its batch normalisation and, where there is one, its activation.
    mutating func convolution(
        _ name: String, batchNorm: String, of input: Value, channels: Int, size: Int, stride: Int = 1, groups: Int = 1,
        activation: Activation? = .relu
    ) throws(GraphError) -> Value {
        let shape = graph[input].shape
        let weights = try weights(name, of: input, [channels, shape.channels / groups, size, size])
        guard channels % groups == 0 else {
            throw parameters.wrongShape("\(name).weight", expected: [groups, 1, size, size])
        }
        let convolution = Convolution(
            inputChannels: shape.channels, outputChannels: channels, groups: groups,
            window: window(size: size, stride: stride, over: shape), weights: weights,
            bias: [Float](repeating: 0, count: channels))
        var value = try graph.append(.convolution(convolution), input, name: name)
        let norm = try parameters.takeBatchNorm(batchNorm, channels: channels, epsilon: epsilon)
        value = try graph.append(.batchNorm(norm), value, name: batchNorm)
        guard let activation else { return value }
        return try graph.append(.activation(activation), value, name: "\(name).activation")
    }

    /// A linear layer with a bias over the channels of one pixel, its weight `[outputs][inputs]` or that of a 1x1 convolution.
    mutating func pointwise(_ name: String, of input: Value) throws(GraphError) -> Value {
        let inputs = graph[input].shape.channels
        let shape = shape(of: "\(name).weight") ?? []
        let outputs = shape.first ?? 0
        let expected = [outputs, inputs] + (shape.count == 4 ? [1, 1] : [])
        let weights = try parameters.take("\(name).weight", shape: expected)
        guard outputs > 0 else { throw parameters.wrongShape("\(name).weight", expected: [1, inputs]) }
        let convolution = Convolution(
            inputChannels: inputs, outputChannels: outputs, window: Window(size: 1), weights: weights,
            bias: try parameters.take("\(name).bias", shape: [outputs]))
        return try graph.append(.convolution(convolution), input, name: name)
    }

    /// What the file says of a convolution over a square window.
    func squareWeights(_ name: String) throws(GraphError) -> (outputs: Int, groupInputs: Int, side: Int) {
        let shape = shape(of: "\(name).weight") ?? []
        guard shape.count == 4, shape[2] == shape[3], shape.allSatisfy({ (1...1 << 16).contains($0) }) else {
            throw parameters.wrongShape("\(name).weight", expected: [1, 1, 3, 3])
        }
        return (shape[0], shape[1], shape[2])
    }

    /// `[outputs][inputs][size][size]`; of a picture also for one channel in the file.
    private mutating func weights(_ name: String, of input: Value, _ shape: [Int]) throws(GraphError) -> [Float] {
        let grey = [shape[0], 1, shape[2], shape[3]]
        guard input == graph.input, shape[1] == luminance.count, self.shape(of: "\(name).weight") == grey else {
            return try parameters.take("\(name).weight", shape: shape)
        }
        takesGrey = true
        return weightsForColour(
            try parameters.take("\(name).weight", shape: grey), windowCount: shape[2] * shape[3])
    }

    mutating func append(_ operation: Operation, _ inputs: Value..., name: String) throws(GraphError) -> Value {
        try graph.append(operation, inputs, name: name)
    }

    mutating func append(_ operation: Operation, _ inputs: [Value], name: String) throws(GraphError) -> Value {
        try graph.append(operation, inputs, name: name)
    }

    func has(_ tensor: String) -> Bool { shape(of: tensor) != nil }

    func shape(of tensor: String) -> [Int]? { parameters.shape(of: tensor) }

    /// The network that ends with the mean of `value` over all pixels; every tensor that may be part of it must have found its
    /// place.
    consuming func finished(_ value: Value) throws(GraphError) -> Backbone {
        try graph.append(.globalAveragePool, value, name: "features")
        return Backbone(graph: graph, takesGrey: takesGrey, passedOver: try parameters.expectRestForeign())
    }

    private func window(size: Int, stride: Int, over shape: FeatureShape) -> Window {
        guard padsLikeTensorFlow else { return Window(size: size, stride: stride, padding: size / 2) }
        return Window(
            y: .same(size: size, stride: stride, edge: shape.height),
            x: .same(size: size, stride: stride, edge: shape.width))
    }
}
