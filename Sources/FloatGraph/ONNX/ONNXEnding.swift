import Checkpoint

/// Takes the classifier off the end of a graph: the vector of features stays, and the numbers that make logits of it come
/// out.
struct ONNXEnding {
    private(set) var graph: FloatGraph
    private(set) var tensors: [String: Tensor] = [:]
    private(set) var kind: ClassifierKind?
    private(set) var parameters = ClassifierParameters()

    /// A linear map of a value of the graph.
    fileprivate struct Linear {
        var features: FloatGraph.Value
        let inputs: Int
        /// `[outputs][inputs]`.
        var weights: [Float]
        var bias: [Float]

        var outputs: Int { bias.count }
    }

    /// More pixels than that are not taken one by one.
    private static let mostPixels = 64

    init(_ graph: FloatGraph, logits: FloatGraph.Value, _ plan: ONNXPlan) throws(GraphError) {
        self.graph = graph
        var found = try self.linear(logits)
        if found == nil { found = try rectifiedClasses(logits) }
        guard var linear = found else {
            throw .noLinearLayer(output: plan.logits, node: plan.last.name, operation: plan.last.operation)
        }
        guard linear.features != graph.input else {
            throw .noLinearLayer(output: plan.logits, node: plan.last.name, operation: plan.last.operation)
        }
        if case .l2Norm(let groups, _) = graph[linear.features].operation {
            try recogniseCosine(&linear, groups: groups)
        }
        try spreadFlattened(&linear)
        tensors["fc.weight"] = Tensor(shape: [linear.outputs, linear.inputs], values: linear.weights)
        if kind == nil, linear.bias.contains(where: { $0 != 0 }) {
            tensors["fc.bias"] = Tensor(shape: [linear.outputs], values: linear.bias)
        }
        self.graph = self.graph.ending(with: linear.features)
    }

    /// The linear map that makes a vector: of a pixel's channels, or of the mean of all pixels. nil where there is none.
    private func linear(_ value: FloatGraph.Value, depth: Int = 0) throws(GraphError) -> Linear? {
        let node = graph[value]
        guard node.shape.pixels == 1, depth < 64 else { return nil }
        func input(_ index: Int = 0) -> FloatGraph.Value { node.inputs[index] }
        switch node.operation {
        case .convolution(let convolution) where convolution.isLinearLayer && graph[input()].shape.pixels == 1:
            return Linear(
                features: input(), inputs: convolution.inputChannels, weights: convolution.weights,
                bias: convolution.bias)
        case .globalAveragePool:
            return meanOfClasses(value)
        case .activation(.affine(let factor, let offset)):
            return try linear(input(), depth: depth + 1)?.scaled(
                by: .init(repeating: factor, count: node.shape.channels),
                plus: .init(repeating: offset, count: node.shape.channels))
        case .batchNorm(let norm):
            let affines = norm.weight.indices.map(norm.affine)
            return try linear(input(), depth: depth + 1)?.scaled(
                by: affines.map { Float($0.factor) }, plus: affines.map { Float($0.offset) })
        case .activation(.bytes),
            .flatten where graph[input()].shape.pixels == 1, .rearrange where graph.keepsVector(value):
            return try linear(input(), depth: depth + 1)
        case .add:
            guard let first = try linear(input(0), depth: depth + 1),
                let second = try linear(input(1), depth: depth + 1)
            else { return nil }
            return sum(first, second)
        default:
            return nil
        }
    }

    /// The mean of a convolution of single pixels is that convolution of the mean.
    private func meanOfClasses(_ mean: FloatGraph.Value) -> Linear? {
        let input = graph[mean].inputs[0]
        guard case .convolution(let convolution) = graph[input].operation, convolution.isLinearLayer else { return nil }
        let features = graph[input].inputs[0]
        return Linear(
            features: features, inputs: convolution.inputChannels, weights: convolution.weights, bias: convolution.bias)
    }

    /// Where each class has a picture of its own, cut off below zero, and its mean is the logit, as in SqueezeNet: the means
    /// are the features, and each class takes its own.
    private func rectifiedClasses(_ mean: FloatGraph.Value) throws(GraphError) -> Linear? {
        var mean = mean
        while graph.keepsVector(mean), let input = graph[mean].inputs.first { mean = input }
        let classes = graph[mean].shape.channels
        guard case .globalAveragePool = graph[mean].operation, classes <= 4096, var value = graph[mean].inputs.first
        else { return nil }
        while case .activation = graph[value].operation { value = graph[value].inputs[0] }
        guard case .convolution = graph[value].operation else { return nil }
        var weights = [Float](repeating: 0, count: classes * classes)
        for index in 0..<classes { weights[index * classes + index] = 1 }
        return Linear(
            features: mean, inputs: classes, weights: weights, bias: [Float](repeating: 0, count: classes))
    }

    /// Two classifiers of one vector, each behind a batch normalisation of its own or behind none, are one.
    private func sum(_ first: Linear, _ second: Linear) -> Linear? {
        var (first, second) = (first, second)
        if first.features != second.features {
            (first, second) = (withoutNorm(first), withoutNorm(second))
        }
        guard first.features == second.features, first.outputs == second.outputs else { return nil }
        var result = first
        result.weights = zip(first.weights, second.weights).map(+)
        result.bias = zip(first.bias, second.bias).map(+)
        return result
    }

    private func withoutNorm(_ linear: Linear) -> Linear {
        guard case .batchNorm(let norm) = graph[linear.features].operation else { return linear }
        var result = linear
        result.features = graph[linear.features].inputs[0]
        let affines = norm.weight.indices.map(norm.affine)
        for output in 0..<linear.outputs {
            var offset = Double(linear.bias[output])
            for input in 0..<linear.inputs {
                let index = output * linear.inputs + input
                offset += Double(linear.weights[index]) * affines[input].offset
                result.weights[index] = Float(Double(linear.weights[index]) * affines[input].factor)
            }
            result.bias[output] = Float(offset)
        }
        return result
    }

    /// Normalised features times rows of one length are a cosine classifier, its factor the rows' length.
    private mutating func recogniseCosine(_ linear: inout Linear, groups: Int) throws(GraphError) {
        let name = graph[linear.features].name
        let lengths = linear.weights.runs(of: linear.inputs / groups).map { run in
            run.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        guard let longest = lengths.max(), longest > 0, lengths.allSatisfy({ abs($0 - longest) <= 1e-3 * longest }),
            !linear.bias.contains(where: { $0 != 0 })
        else {
            throw .unsupportedNode(
                node: name, operation: "normalisation",
                reason: "the classifier behind it is no cosine classifier: its rows differ in length, or it has a bias")
        }
        kind = .cosine
        parameters = ClassifierParameters(heads: groups, tau: Float(longest * Double(groups)))
        linear.features = graph[linear.features].inputs[0]
    }

    /// The device has no step that flattens an image. Its pixels, taken one by one and joined, are the same numbers in the
    /// order `[height][width][channels]`, in which the classifier's columns are put.
    private mutating func spreadFlattened(_ linear: inout Linear) throws(GraphError) {
        guard case .flatten = graph[linear.features].operation else { return }
        let source = graph[linear.features].inputs[0]
        let (shape, name) = (graph[source].shape, graph[linear.features].name)
        guard shape.pixels > 1, shape.pixels <= Self.mostPixels else { return }
        var pixels: [FloatGraph.Value] = []
        for y in 0..<shape.height {
            for x in 0..<shape.width {
                var selection = Selection(whole: shape)
                (selection.y, selection.x) = (.init(start: y, count: 1), .init(start: x, count: 1))
                pixels.append(try graph.append(.select(selection), source, name: "\(name).\(y).\(x)"))
            }
        }
        linear.features = try graph.append(.concat, pixels, name: name)
        var weights = linear.weights
        for output in 0..<linear.outputs {
            for pixel in 0..<shape.pixels {
                for channel in 0..<shape.channels {
                    weights[output * linear.inputs + pixel * shape.channels + channel] =
                        linear.weights[output * linear.inputs + channel * shape.pixels + pixel]
                }
            }
        }
        linear.weights = weights
    }
}

extension ONNXEnding.Linear {
    fileprivate func scaled(by factors: [Float], plus offsets: [Float]) -> Self {
        var result = self
        for output in 0..<outputs {
            for index in output * inputs..<(output + 1) * inputs { result.weights[index] *= factors[output] }
            result.bias[output] = bias[output] * factors[output] + offsets[output]
        }
        return result
    }
}

extension Convolution {
    /// Whether it treats every pixel by itself, as one linear layer.
    fileprivate var isLinearLayer: Bool { groups == 1 && window.isPointwise }
}

extension FloatGraph {
    /// Whether a value is the vector that it is read from, looked at in another way.
    fileprivate func keepsVector(_ value: Value) -> Bool {
        let node = self[value]
        guard case .rearrange(let rearrangement) = node.operation, node.shape.pixels == 1 else { return false }
        return rearrangement.keepsOrder(of: self[node.inputs[0]].shape)
    }
}

extension FloatGraph {
    /// The graph up to a value, as a vector: of an image the mean over its pixels.
    fileprivate func ending(with value: Value) -> FloatGraph {
        var result = upTo(value)
        guard result[result.features].shape.pixels > 1 else { return result }
        do throws(GraphError) {
            try result.append(.globalAveragePool, result.features, name: "mean")
        } catch {
            preconditionFailure("a mean does not fit: \(error)")
        }
        return result
    }
}
