/// A PyTorch checkpoint in the zip form that torch.save has written since PyTorch 1.6, read without executing anything.
///
/// The file may come from anywhere: reading it ends in values or in a `CheckpointError`, after time in proportion to the
/// file's size. Memory stays below about 64 MB and twice the file's size for float32 weights, three times for float16.
public struct Checkpoint {
    private let archive: TorchArchive
    let pickle: Pickle

    /// Reads the whole file and interprets its pickle; tensors are gathered only when asked for.
    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path))
    }

    /// Interprets a file image.
    public init(bytes: [UInt8]) throws(CheckpointError) {
        archive = try TorchArchive(bytes)
        // 40 MB hold some 600,000 values: many times what a state dict needs, whatever else stands beside it.
        pickle = try PickleInterpreter.interpret(
            try archive.entry("data.pkl"), memoryBudget: bytes.count / 4 + 40 << 20)
    }
}

/// The weights of a checkpoint in the schema of the reference system.
public struct ReferenceState: Sendable {
    /// The backbone's tensors by key, such as `layer1.0.conv1.weight`, without a leading `module.`.
    public var features: [String: Tensor]
    /// The classifier's tensors by key, such as `weight`, without a leading `module.`.
    public var classifier: [String: Tensor]
    /// The moving average of training features, `embed`; nil where the checkpoint has none.
    public var direction: [Float]?

    public init(features: [String: Tensor], classifier: [String: Tensor], direction: [Float]?) {
        self.features = features
        self.classifier = classifier
        self.direction = direction
    }
}

extension Checkpoint {
    /// The state dict of the best epoch, or of the latest where the file has no best: `state_dict_best` or `state_dict`,
    /// each of which holds `feat_model` and `classifier`.
    public func referenceState() throws(CheckpointError) -> ReferenceState {
        let root = pickle.root
        guard let state = pickle.member("state_dict_best", of: root) ?? pickle.member("state_dict", of: root) else {
            throw .noStateDict(found: topKeys)
        }
        var gatherer = TensorGatherer(archive)
        return ReferenceState(
            features: try tensors(in: "feat_model", of: state, &gatherer),
            classifier: try tensors(in: "classifier", of: state, &gatherer),
            direction: try direction(&gatherer))
    }

    private var topKeys: [String] {
        guard case .dictionary(let index) = pickle.root else { return [] }
        return pickle.dictionaries[index].prefix(8).compactMap { entry in
            if case .string(let key) = entry.key { key } else { nil }
        }
    }

    private func tensors(
        in group: String, of state: Pickle.Value, _ gatherer: inout TensorGatherer
    ) throws(CheckpointError) -> [String: Tensor] {
        guard case .dictionary(let index)? = pickle.member(group, of: state) else { throw .missingGroup(group) }
        var result: [String: Tensor] = [:]
        for entry in pickle.dictionaries[index] {
            guard case .string(let key) = entry.key, case .tensor(let tensor) = entry.value else {
                throw .notATensor("\(group).\(pickle.text(ofKey: entry.key))")
            }
            // DataParallel puts this prefix before every key.
            let name = key.hasPrefix("module.") ? String(key.dropFirst("module.".count)) : key
            let values = try gatherer.gather(pickle.tensors[tensor], name: "\(group).\(name)")
            guard result.updateValue(values, forKey: name) == nil else { throw .duplicateTensor("\(group).\(name)") }
        }
        return result
    }

    private func direction(_ gatherer: inout TensorGatherer) throws(CheckpointError) -> [Float]? {
        switch pickle.member("embed", of: pickle.root) {
        case .tensor(let index)?: try gatherer.gather(pickle.tensors[index], name: "embed").values
        case .none?, nil: nil
        default: throw .notATensor("embed")
        }
    }
}
