/// Finds the weights among what training scripts put around them.
///
/// A state dict is a dictionary with tensors in it, or a module that was saved whole, whose tree of submodules is walked as
/// data. It may be split into a feature model and a classifier, and stand at the top or under one of `containers`, in that
/// order of preference. What is not a tensor is passed over.
struct WeightSearch {
    /// A tensor's dotted key and its index in `Pickle.tensors`.
    typealias Entry = (key: String, tensor: Int)

    enum Weights {
        case split(features: [Entry], classifier: [Entry])
        case whole([Entry])
    }

    struct Result {
        /// Dotted path from the top; empty for the top itself.
        let path: String
        let weights: Weights
    }

    /// The best epoch's weights come before the latest.
    private static let containers = [
        "state_dict_best", "best_state_dict", "state_dict", "model_state", "model_state_dict", "model", "net",
        "network",
        "ema", "state_dict_ema",
    ]
    private static let deepestContainer = 4
    /// Many times what a network has; what a hostile file may have is bounded by it.
    private static let mostEntries = 1 << 15
    private static let longestKey = 256

    private let pickle: Pickle
    /// Containers are searched once, for they may be shared and part of themselves.
    private var searchedDictionaries: Set<Int> = []

    init(_ pickle: Pickle) {
        self.pickle = pickle
    }

    /// nil where the file holds no weights. Throws `CheckpointError.tooLarge` for more tensors than any network has.
    mutating func find() throws(CheckpointError) -> Result? {
        try find(in: pickle.root, path: "", depth: 0)
    }

    private mutating func find(
        in value: Pickle.Value, path: String, depth: Int
    ) throws(CheckpointError) -> Result? {
        if case .dictionary(let index) = value, !searchedDictionaries.insert(index).inserted { return nil }
        if let features = pickle.member("feat_model", of: value),
            let classifier = pickle.member("classifier", of: value), !isTensor(features), !isTensor(classifier)
        {
            return Result(
                path: path, weights: .split(features: try entries(features), classifier: try entries(classifier)))
        }
        for name in Self.containers where depth < Self.deepestContainer {
            guard let member = pickle.member(name, of: value) else { continue }
            if let found = try find(in: member, path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1) {
                return found
            }
        }
        let entries = try entries(value)
        // A direction alone is no network.
        return entries.contains { $0.key != "embed" } ? Result(path: path, weights: .whole(entries)) : nil
    }

    private func isTensor(_ value: Pickle.Value) -> Bool {
        if case .tensor = value { true } else { false }
    }

    /// The tensors of a state dict or of a module.
    private func entries(_ value: Pickle.Value) throws(CheckpointError) -> [Entry] {
        if case .placeholder(let index) = value, pickle.placeholders[index].items == nil {
            return try moduleEntries(value)
        }
        var result: [Entry] = []
        try append(pickle.items(of: value) ?? [], below: "", to: &result)
        return result
    }

    private func append(
        _ items: [(key: Pickle.Value, value: Pickle.Value)], below prefix: String, to result: inout [Entry]
    ) throws(CheckpointError) {
        for case (.string(let name), .tensor(let tensor)) in items {
            guard result.count < Self.mostEntries else { throw .tooLarge("a list of all tensors") }
            result.append((try key(prefix, name), tensor))
        }
    }

    private func key(_ prefix: String, _ name: String) throws(CheckpointError) -> String {
        guard prefix.utf8.count + name.utf8.count <= Self.longestKey else {
            throw .tooLarge("the key \(prefix)\(name)")
        }
        return prefix + name
    }

    /// The tensors of a module that was saved whole: its `_parameters` and `_buffers`, then those of its `_modules`.
    ///
    /// Walks without recursion. A module may stand in several places, even inside itself in a hostile file: the length of a
    /// key limits the depth.
    private func moduleEntries(_ root: Pickle.Value) throws(CheckpointError) -> [Entry] {
        var result: [Entry] = []
        var visits = 0
        var pending = [(prefix: "", value: root)]
        while let (prefix, value) = pending.popLast() {
            guard case .placeholder(let index) = value else { continue }
            let attributes = pickle.placeholders[index].state
            for group in ["_parameters", "_buffers"] {
                try append(items(group, of: attributes), below: prefix, to: &result)
            }
            let modules = items("_modules", of: attributes)
            visits += modules.count
            guard visits <= Self.mostEntries else { throw .tooLarge("a list of all modules") }
            for case (.string(let name), let module) in modules.reversed() {
                pending.append((try key(prefix, "\(name)."), module))
            }
        }
        return result
    }

    private func items(_ name: String, of value: Pickle.Value) -> [(key: Pickle.Value, value: Pickle.Value)] {
        pickle.member(name, of: value).flatMap(pickle.items(of:)) ?? []
    }
}
