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

    /// The values of a tensor, row-major; all finite.
    mutating func take(_ name: String, shape: [Int]) throws(GraphError) -> [Float] {
        guard let tensor = tensors[name] else {
            throw .missingTensor(name: group + name, expected: shape)
        }
        guard tensor.shape == shape else {
            throw .wrongShape(name: group + name, expected: shape, found: tensor.shape)
        }
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

    /// Throws `GraphError.unexpectedTensor` where a tensor was not taken, the first by name.
    func expectAllTaken() throws(GraphError) {
        if let name = tensors.keys.filter({ !taken.contains($0) }).min() {
            throw .unexpectedTensor(name: group + name)
        }
    }
}
