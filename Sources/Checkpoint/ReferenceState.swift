/// The weights of a checkpoint, split into backbone and classifier as the reference system has them.
public struct ReferenceState: Sendable {
    /// The backbone's tensors by key, such as `layer1.0.conv1.weight`, without what wrappers put into keys.
    public var features: [String: Tensor]
    /// The classifier's tensors by key: `weight`, or `fc.weight` and `fc.bias` for a linear layer, whatever the file calls
    /// that layer. Empty where the file does not say which of its tensors they are.
    public var classifier: [String: Tensor]
    /// The moving average of training features, `embed`; nil where the checkpoint has none.
    public var direction: [Float]?
    /// Where in the file the backbone's and the classifier's tensors stand, for messages: `feat_model.`; may be empty.
    public var featuresPrefix = "feat_model."
    public var classifierPrefix = "classifier."
    /// Tensors that stand beside the network, such as a loss's weights: their keys, sorted. None of them was read.
    public var passedOver: [String] = []

    public init(features: [String: Tensor], classifier: [String: Tensor], direction: [Float]?) {
        self.features = features
        self.classifier = classifier
        self.direction = direction
    }
}

extension Checkpoint {
    /// The weights that the file holds, wherever in it they stand: see `WeightSearch`.
    ///
    /// - Parameter backbones: what a tensor's key ends with in each backbone that is known, such as `layer1.0.conv1.weight`.
    ///   Where the file has one, the network is what stands below the same prefix, and the rest is passed over; where it has
    ///   none, the prefixes that wrappers usually put before all keys are removed.
    /// - Parameter weights: which are wanted where a file has both; nil refuses such a file.
    public func referenceState(
        backbones: [String] = [], weights kind: WeightKind? = nil
    ) throws(CheckpointError) -> ReferenceState {
        var search = WeightSearch(pickle)
        let found = try search.find()
        guard !found.isEmpty else { throw .noStateDict(found: topKeys) }
        if kind == nil, let raw = found[.raw], let averaged = found[.averaged] {
            throw .averagedAndRaw(averaged: averaged.path, raw: raw.path)
        }
        let chosen = kind.flatMap { found[$0] } ?? found[.raw] ?? found[.averaged]!
        var gatherer = TensorGatherer(storages)
        var state: ReferenceState
        var network: NetworkSearch
        switch chosen.weights {
        case .split(let features, let classifier):
            network = try NetworkSearch(features, of: pickle.tensors, group: "feat_model.")
            try network.narrow(to: backbones, kind)
            let head = try NetworkSearch(classifier, of: pickle.tensors, group: "classifier.")
            state = ReferenceState(
                features: try tensors(network, &gatherer), classifier: try tensors(head, &gatherer), direction: nil)
        case .whole(let entries):
            network = try NetworkSearch(entries, of: pickle.tensors, group: "")
            try network.narrow(to: backbones, kind)
            let head = network.takeClassifier()
            state = ReferenceState(features: try tensors(network, &gatherer), classifier: [:], direction: nil)
            if let head { state.classifier = try tensors(head, &gatherer) }
            (state.featuresPrefix, state.classifierPrefix) = ("", "")
        }
        if let kind, network.isAverage ? kind == .raw : found[kind] == nil { throw .noSuchWeights(kind) }
        state.passedOver = network.passedOver
        state.direction = try direction(&gatherer)
        return state
    }

    private var topKeys: [String] {
        pickle.items(of: pickle.root)?.prefix(8).compactMap { entry in
            if case .string(let key) = entry.key { key } else { nil }
        } ?? []
    }

    private func tensors(
        _ network: NetworkSearch, _ gatherer: inout TensorGatherer
    ) throws(CheckpointError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, index) in network.tensors.sorted(by: { $0.key < $1.key }) {
            result[name] = try gatherer.tensor(pickle.tensors[index], name: network.group + name)
        }
        try result.computeReparametrized(network.group)
        return result
    }

    private func direction(_ gatherer: inout TensorGatherer) throws(CheckpointError) -> [Float]? {
        switch pickle.member("embed", of: pickle.root) {
        case .tensor(let index)?: try gatherer.tensor(pickle.tensors[index], name: "embed").values
        case .none?, nil: nil
        default: throw .notATensor("embed")
        }
    }
}
