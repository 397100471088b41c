/// Names that networks give their last linear layer.
public let classifierLayers: Set<Substring> = ["fc", "_fc", "linear", "classifier", "head", "last_linear"]

/// The tensors of one network, by what the network itself calls them, among those of a state dict.
struct NetworkSearch {
    /// Index into `Pickle.tensors` by key.
    private(set) var tensors: [String: Int]
    /// What stands before every key in messages.
    let group: String
    /// Keys of tensors that are no part of the network, sorted.
    private(set) var passedOver: [String] = []
    /// What stood before the network's own keys.
    private var prefix = ""
    /// The tensors beside the network.
    private var beside: [String: Int] = [:]
    private let references: [TensorReference]
    /// Whether the weights are a moving average, as far as names say it.
    private(set) var isAverage = false

    /// Modules that wrap another one under a name of their own: DataParallel, torch.compile, FSDP, activation checkpointing.
    private static let wrappers: Set<Substring> = [
        "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    ]
    /// Names that users give the module around or before all others.
    private static let usualPrefixes = [
        "model.", "backbone.", "encoder.", "net.", "network.", "feat_model.", "feature_extractor.", "base_model.", "0.",
    ]
    /// Names of modules that hold a moving average of the one beside them.
    private static let averages: Set<Substring> = [
        "ema", "ema_model", "model_ema", "averaged_model", "swa_model", "teacher", "teacher_model", "model_teacher",
    ]
    /// The same in self-supervised training, where the other one is the result.
    private static let momentumEncoders: Set<Substring> = [
        "encoder_k", "key_encoder", "momentum_encoder", "encoder_momentum", "target", "target_encoder",
        "target_network",
    ]
    /// What averaging and profilers count beside the weights, in any module.
    private static let average = "n_averaged"
    private static let counters: Set<Substring> = ["total_ops", "total_params", "n_averaged"]

    /// Throws `CheckpointError.duplicateTensor` where two keys are the same without what wrappers put into them.
    init(
        _ entries: [WeightSearch.Entry], of references: [TensorReference], group: String
    ) throws(CheckpointError) {
        self.group = group
        self.references = references
        tensors = [:]
        // The last one counts, as in a dictionary.
        for (key, tensor) in Dictionary(entries.map { ($0.key, $0.tensor) }, uniquingKeysWith: { $1 }) {
            let parts = key.split(separator: ".", omittingEmptySubsequences: false)
            let name = parts.filter { !Self.wrappers.contains($0) }.joined(separator: ".")
            if let last = parts.last, Self.counters.contains(last) {
                passedOver.append(name)
                isAverage = isAverage || name == Self.average
                continue
            }
            guard tensors.updateValue(tensor, forKey: name) == nil else { throw .duplicateTensor(group + name) }
        }
        passedOver.sort()
    }

    /// Keeps the network that has one of `backbones`, and passes over what stands beside it; `takeClassifier` may still take
    /// its classifier from there.
    mutating func narrow(to backbones: [String], _ kind: WeightKind?) throws(CheckpointError) {
        guard let prefix = try prefix(of: backbones, kind) ?? usualPrefix() else { return }
        self.prefix = prefix
        isAverage = isAverage || Self.isAmong(Self.averages, prefix)
        for (key, tensor) in tensors where !key.hasPrefix(prefix) { beside[key] = tensor }
        let inside = tensors.filter { $0.key.hasPrefix(prefix) }
        tensors = Dictionary(uniqueKeysWithValues: inside.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
        passedOver = (passedOver + beside.keys).sorted()
    }

    /// What stands before the keys of the one network that has one of the backbones' tensors; nil where none has.
    private func prefix(of backbones: [String], _ kind: WeightKind?) throws(CheckpointError) -> String? {
        var prefixes: Set<String> = []
        for key in tensors.keys {
            let name = key.withoutReparametrization
            for backbone in backbones where name == backbone || name.hasSuffix(".\(backbone)") {
                prefixes.insert(String(name.dropLast(backbone.count)))
            }
        }
        let trained = prefixes.filter { !Self.isAmong(Self.momentumEncoders, $0) }
        let candidates = (trained.isEmpty ? prefixes : trained).sorted()
        let averaged = candidates.filter { Self.isAmong(Self.averages, $0) }
        let raw = candidates.filter { !Self.isAmong(Self.averages, $0) }
        if let average = averaged.first, let other = raw.first, kind == nil {
            throw .averagedAndRaw(averaged: average + "*", raw: other + "*")
        }
        let chosen = kind == .averaged && !averaged.isEmpty || raw.isEmpty ? averaged : raw
        guard chosen.count <= 1 else { throw .severalNetworks(chosen.map { $0 + "*" }) }
        return chosen.first
    }

    private static func isAmong(_ names: Set<Substring>, _ prefix: String) -> Bool {
        prefix.split(separator: ".").contains(where: names.contains)
    }

    /// The names that wrap a whole network of an unknown backbone, but for its classifier.
    private func usualPrefix() -> String? {
        let keys = tensors.keys.filter { !classifierLayers.contains($0.prefix { $0 != "." }) }
        guard !keys.isEmpty else { return nil }
        var prefix = ""
        while let next = Self.usualPrefixes.first(where: { next in
            keys.allSatisfy { $0.dropFirst(prefix.count).hasPrefix(next) }
        }) {
            prefix += next
        }
        return prefix.isEmpty ? nil : prefix
    }

    /// Takes out the network's last linear layer, under any of the names that networks give it; nil where there is no such
    /// layer, or where none is surely the classifier. It may stand beside the backbone, where the two are members of a
    /// module, or behind it, where they are members of a sequence.
    mutating func takeClassifier() -> NetworkSearch? {
        if let layer = classifier(among: tensors, named: classifierLayers) {
            for key in layer.keys { tensors[key] = nil }
            return NetworkSearch(layer, of: references)
        }
        let parent = prefix.split(separator: ".").dropLast().map { "\($0)." }.joined()
        let siblings = beside.filter { $0.key.hasPrefix(parent) }
        let members = Dictionary(
            uniqueKeysWithValues: siblings.map { (String($0.key.dropFirst(parent.count)), $0.value) })
        let isSequence = prefix.split(separator: ".").last.map { Int($0) != nil } ?? false
        let numbers = Set(members.keys.map { $0.prefix { $0 != "." } }.filter { Int($0) != nil })
        let names = classifierLayers.union(isSequence ? numbers : [])
        guard let layer = classifier(among: members, named: names) else { return nil }
        passedOver.removeAll { $0.hasPrefix(parent) && layer[String($0.dropFirst(parent.count))] != nil }
        return NetworkSearch(layer, of: references)
    }

    private init(_ layer: [String: Int], of references: [TensorReference]) {
        group = ""
        self.references = references
        tensors = [:]
        for (key, tensor) in layer {
            // The parameter's own name, and what a reparametrisation makes of it.
            let plain = key.withoutReparametrization
            let parameter = plain.split(separator: ".").last ?? ""
            let name = key.parametrizedParameter ?? "\(parameter)\(key.dropFirst(plain.count))"
            tensors["fc.\(name)"] = tensor
        }
    }

    /// The tensors of the one linear layer below `names`; nil where there is none, or several.
    private func classifier(among tensors: [String: Int], named names: Set<Substring>) -> [String: Int]? {
        let layers = tensors.filter { names.contains($0.key.prefix { $0 != "." }) }
        let plain = Set(layers.keys.map(\.withoutReparametrization))
        let weights = plain.filter { $0.hasSuffix(".weight") }
        guard weights.count == 1, let weight = weights.first else { return nil }
        let layer = weight.dropLast("weight".count)
        let isLinear = layers.contains {
            $0.key.withoutReparametrization == weight && references[$0.value].shape.count == 2
        }
        return isLinear && plain.allSatisfy { $0.hasPrefix(layer) } ? layers : nil
    }
}
