/// The weights of a checkpoint, split into backbone and classifier as the reference system has them.
public struct ReferenceState: Sendable {
    /// The backbone's tensors by key, such as `layer1.0.conv1.weight`, without what wrappers put before every key.
    public var features: [String: Tensor]
    /// The classifier's tensors by key: `weight`, or `fc.weight` and `fc.bias` for a linear layer, whatever the file calls
    /// that layer. Empty where the file does not say which of its tensors they are.
    public var classifier: [String: Tensor]
    /// The moving average of training features, `embed`; nil where the checkpoint has none.
    public var direction: [Float]?
    /// Where in the file the backbone's and the classifier's tensors stand, for messages: `feat_model.`; may be empty.
    public var featuresPrefix = "feat_model."
    public var classifierPrefix = "classifier."

    public init(features: [String: Tensor], classifier: [String: Tensor], direction: [Float]?) {
        self.features = features
        self.classifier = classifier
        self.direction = direction
    }
}

extension Checkpoint {
    /// The weights that the file holds, wherever in it they stand: see `WeightSearch`.
    public func referenceState() throws(CheckpointError) -> ReferenceState {
        var search = WeightSearch(pickle)
        guard let found = try search.find() else { throw .noStateDict(found: topKeys) }
        var gatherer = TensorGatherer(storages)
        var state: ReferenceState
        switch found.weights {
        case .split(let features, let classifier):
            state = ReferenceState(
                features: try tensors(features, "feat_model.", &gatherer).removingWrappers("feat_model."),
                classifier: try tensors(classifier, "classifier.", &gatherer).removingWrappers("classifier."),
                direction: nil)
        case .whole(let entries):
            let all = try tensors(entries, "", &gatherer).removingWrappers("")
            let (features, classifier) = all.splitAtClassifier()
            state = ReferenceState(
                features: try features.removingWrappers(""), classifier: classifier, direction: nil)
            (state.featuresPrefix, state.classifierPrefix) = ("", "")
        }
        state.direction = try direction(&gatherer)
        return state
    }

    private var topKeys: [String] {
        pickle.items(of: pickle.root)?.prefix(8).compactMap { entry in
            if case .string(let key) = entry.key { key } else { nil }
        } ?? []
    }

    private func tensors(
        _ entries: [WeightSearch.Entry], _ group: String, _ gatherer: inout TensorGatherer
    ) throws(CheckpointError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        // The last one counts, as in a dictionary.
        for entry in entries {
            result[entry.key] = try gatherer.tensor(pickle.tensors[entry.tensor], name: group + entry.key)
        }
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

extension [String: Tensor] {
    /// Without what a wrapper puts before keys: DataParallel and torch.compile before those of whatever they wrap, other
    /// modules before those of all.
    fileprivate func removingWrappers(_ group: String) throws(CheckpointError) -> [String: Tensor] {
        var result = try renamed(group) { key in
            var rest = key[...]
            while let prefix = ["module.", "_orig_mod."].first(where: rest.hasPrefix) {
                rest = rest.dropFirst(prefix.count)
            }
            return String(rest)
        }
        let wrappers = [
            "model.", "backbone.", "encoder.", "net.", "network.", "feat_model.", "feature_extractor.", "base_model.",
            "module.", "_orig_mod.",
        ]
        while let prefix = wrappers.first(where: { prefix in result.keys.allSatisfy { $0.hasPrefix(prefix) } }),
            !result.isEmpty
        {
            result = try result.renamed(group) { String($0.dropFirst(prefix.count)) }
        }
        return result
    }

    private func renamed(_ group: String, _ name: (String) -> String) throws(CheckpointError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (key, tensor) in self {
            guard result.updateValue(tensor, forKey: name(key)) == nil else {
                throw .duplicateTensor(group + name(key))
            }
        }
        return result
    }

    /// The tensors of a whole network: the last linear layer, under any of the names that networks give it, is the classifier.
    fileprivate func splitAtClassifier() -> (features: [String: Tensor], classifier: [String: Tensor]) {
        let layers: Set<Substring> = ["fc", "linear", "classifier", "head", "last_linear"]
        let keys = self.keys.filter { layers.contains($0.prefix { $0 != "." }) }
        var classifier: [String: Tensor] = [:]
        for key in keys {
            guard let parameter = key.split(separator: ".").last,
                classifier.updateValue(self[key]!, forKey: "fc.\(parameter)") == nil
            else { return (self, [:]) }
        }
        guard classifier["fc.weight"]?.shape.count == 2 else { return (self, [:]) }
        return (filter { !keys.contains($0.key) }, classifier)
    }
}
