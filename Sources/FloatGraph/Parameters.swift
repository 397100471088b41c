import Checkpoint

/// The tensors of a checkpoint, handed out by name once each, with their shapes and values checked.
struct Parameters {
    private let tensors: [String: Tensor]
    private let group: String
    private var taken: Set<String> = []

    /// `group` stands before the names in errors: "feat_model.".
    init(_ tensors: [String: Tensor], group: String) {
        self.tensors = tensors
        self.group = group
    }

    /// The shape of a tensor, nil where it is missing.
    func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    func wrongShape(_ name: String, expected: [Int]) -> GraphError {
        .wrongShape(name: group + name, expected: expected, found: shape(of: name) ?? [])
    }

    /// The values of a tensor, row-major; all finite.
    mutating func take(_ name: String, shape: [Int]) throws(GraphError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw .missingTensor(name: group + name, expected: shape)
        }
        guard tensor.shape == shape else { throw wrongShape(name, expected: shape) }
        let values = tensor.values
        if let index = values.firstNonFiniteIndex {
            throw .notFinite(name: group + name, index: index, value: values[index])
        }
        taken.insert(name)
        return values
    }

    /// The `weight`, `bias`, `running_mean` and `running_var` of a layer of `channels`.
    mutating func takeBatchNorm(
        _ name: String, channels: Int, epsilon: Double = BatchNorm.defaultEpsilon
    ) throws(GraphError) -> BatchNorm {
        let norm = BatchNorm(
            weight: try take("\(name).weight", shape: [channels]),
            bias: try take("\(name).bias", shape: [channels]),
            mean: try take("\(name).running_mean", shape: [channels]),
            variance: try take("\(name).running_var", shape: [channels]), epsilon: epsilon)
        if let index = norm.variance.firstIndex(where: { $0 < 0 }) {
            throw .negativeVariance(name: "\(group)\(name).running_var", index: index, value: norm.variance[index])
        }
        // Counts batches for the moving averages: of no use after training.
        taken.insert("\(name).num_batches_tracked")
        return norm
    }

    /// The names of tensors that were not taken and stand beside the network rather than in it, such as a loss's weights,
    /// sorted. Throws where one may be part of what the network computes.
    func expectRestForeign() throws(GraphError) -> [String] {
        let rest = tensors.keys.filter { !taken.contains($0) }.sorted()
        let layers = rest.filter { tensors[$0]!.shape.count == 2 && classifierLayers.contains($0.prefix { $0 != "." }) }
        guard layers.count < 2 else {
            throw .severalClassifierLayers(names: layers.map { group + $0 })
        }
        let parts = Set(taken.map { Self.part($0) })
        for name in rest {
            let part = Self.part(name)
            let isOfTraining = Self.partsOfTraining.contains { part.lowercased().contains($0) }
            // A convolution or a normalisation that stands beside the others would be computed with them.
            let isLayer = tensors[name]!.shape.count > 2 || name.hasSuffix(".running_var")
            guard !parts.contains(part), isOfTraining || !isLayer else { throw .unexpectedTensor(name: group + name) }
        }
        return rest.map { group + $0 }
    }

    /// The outermost module of a tensor, without a number at its end: a network of layer1 to layer3 has no layer4 beside it.
    private static func part(_ name: String) -> String {
        var part = name.prefix { $0 != "." }
        while part.last?.isNumber == true { part.removeLast() }
        return String(part)
    }

    /// In the names of modules that only training computes with.
    private static let partsOfTraining = [
        "loss", "criterion", "metric", "proj", "predictor", "momentum", "queue", "ema", "teacher", "aux", "decoder",
    ]

    /// Throws `GraphError.unexpectedTensor` where a tensor was not taken, the first by name.
    func expectAllTaken() throws(GraphError) {
        if let name = tensors.keys.filter({ !taken.contains($0) }).min() {
            throw .unexpectedTensor(name: group + name)
        }
    }
}
