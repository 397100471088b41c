/// Which of a training's weights are meant where a file has both.
public enum WeightKind: String, CaseIterable, Sendable {
    /// A moving average over the steps of training.
    case averaged = "ema"
    /// Those of the last step, or of the best epoch.
    case raw
}

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

        fileprivate var count: Int {
            switch weights {
            case .split(let features, let classifier): features.count + classifier.count
            case .whole(let entries): entries.count
            }
        }
    }

    /// The best epoch's weights come before the latest.
    private static let containers: [(name: String, kind: WeightKind)] = [
        ("state_dict_best", .raw), ("best_state_dict", .raw), ("state_dict", .raw), ("model_state", .raw),
        ("model_state_dict", .raw), ("model", .raw), ("net", .raw), ("network", .raw), ("ema", .averaged),
        ("state_dict_ema", .averaged), ("ema_state_dict", .averaged), ("model_ema", .averaged),
        ("ema_model", .averaged),
        ("model_ema_state_dict", .averaged), ("ema_model_state_dict", .averaged), ("averaged_model", .averaged),
        ("swa_model", .averaged), ("swa_state_dict", .averaged),
    ]
    /// Where Lightning puts the raw weights when it averages: its `state_dict` is the average then.
    private static let rawBesideAverage = "current_model_state"
    private static let deepestContainer = 4
    /// Many times what a network has; what a hostile file may have is bounded by it.
    private static let mostEntries = 1 << 15
    private static let longestKey = 256

    private let pickle: Pickle
    /// Containers are searched once, for they may be shared and part of themselves.
    private var searchedDictionaries: Set<Int> = []
    /// Items of containers that were looked at, and how many may be: a file's own, and again for each use of a shared module.
    private(set) var itemsSeen = 0
    private let mostItems: Int

    init(_ pickle: Pickle) {
        self.pickle = pickle
        mostItems = 8 * pickle.dictionaries.reduce(0) { $0 + $1.count } + 1 << 16
    }

    /// The weights of each kind; none where the file holds none. Throws `CheckpointError.tooLarge` for more tensors than any
    /// network has.
    mutating func find() throws(CheckpointError) -> [WeightKind: Result] {
        try find(in: pickle.root, path: "", depth: 0)
    }

    private mutating func find(
        in value: Pickle.Value, path: String, depth: Int
    ) throws(CheckpointError) -> [WeightKind: Result] {
        guard let dictionary = pickle.dictionary(of: value) else {
            let entries = try moduleEntries(value)
            return entries.isEmpty ? [:] : [.raw: Result(path: path, weights: .whole(entries))]
        }
        guard searchedDictionaries.insert(dictionary).inserted else { return [:] }
        let members = try members(of: dictionary)
        if let features = members["feat_model"], let classifier = members["classifier"], !isTensor(features),
            !isTensor(classifier)
        {
            let weights = Weights.split(features: try entries(features), classifier: try entries(classifier))
            return [.raw: Result(path: path, weights: weights)]
        }
        var found: [WeightKind: Result] = [:]
        if depth < Self.deepestContainer {
            for (name, kind) in Self.containers(in: members) where found[kind] == nil {
                guard let member = members[name] else { continue }
                let inner = try find(in: member, path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1)
                if kind == .raw { found.merge(inner) { first, _ in first } }
                if kind == .averaged { found[.averaged] = inner[.averaged] ?? inner[.raw] }
            }
        }
        guard found[.raw] == nil else { return found }
        let entries = try entries(value)
        // A direction or a mean alone, or beside averaged weights, is no network.
        let isNetwork = entries.count > (found[.averaged].map { $0.count / 2 } ?? 0)
        if entries.contains(where: { $0.key != "embed" }), isNetwork {
            found[.raw] = Result(path: path, weights: .whole(entries))
        }
        return found
    }

    private static func containers(in members: [String: Pickle.Value]) -> [(name: String, kind: WeightKind)] {
        guard members[rawBesideAverage] != nil else { return containers }
        return [(rawBesideAverage, .raw), ("state_dict", .averaged)]
    }

    /// The members with the names that mean something here, found in one pass; of a key that stands twice the last counts.
    private mutating func members(of dictionary: Int) throws(CheckpointError) -> [String: Pickle.Value] {
        let items = pickle.dictionaries[dictionary]
        try count(items.count)
        var members: [String: Pickle.Value] = [:]
        // Only short names are compared: a file may give a thousand items one name of a megabyte.
        for case (.string(let name), let value) in items where name.utf8.count <= 32 && Self.names.contains(name) {
            members[name] = value
        }
        return members
    }

    private static let parts = ["_parameters", "_buffers", "_modules"]
    private static let names = Set(containers.map(\.name) + parts + [rawBesideAverage, "feat_model", "classifier"])

    private mutating func count(_ items: Int) throws(CheckpointError) {
        itemsSeen += items
        guard itemsSeen <= mostItems else { throw .tooLarge("a list of all modules") }
    }

    private func isTensor(_ value: Pickle.Value) -> Bool {
        if case .tensor = value { true } else { false }
    }

    /// The tensors of a state dict or of a module.
    private mutating func entries(_ value: Pickle.Value) throws(CheckpointError) -> [Entry] {
        guard let dictionary = pickle.dictionary(of: value) else { return try moduleEntries(value) }
        var result: [Entry] = []
        try append(pickle.dictionaries[dictionary], below: "", to: &result)
        return result
    }

    private mutating func append(
        _ items: [(key: Pickle.Value, value: Pickle.Value)], below prefix: String, to result: inout [Entry]
    ) throws(CheckpointError) {
        try count(items.count)
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
    private mutating func moduleEntries(_ root: Pickle.Value) throws(CheckpointError) -> [Entry] {
        var result: [Entry] = []
        var visits = 0
        var pending = [(prefix: "", value: root)]
        while let (prefix, value) = pending.popLast() {
            guard case .placeholder(let index) = value else { continue }
            guard let state = pickle.dictionary(of: pickle.placeholders[index].state) else { continue }
            let groups = try members(of: state)
            let items = Self.parts.map { groups[$0].flatMap(pickle.items(of:)) ?? [] }
            try append(items[0] + items[1], below: prefix, to: &result)
            let modules = items[2]
            visits += modules.count
            guard visits <= Self.mostEntries else { throw .tooLarge("a list of all modules") }
            try count(modules.count)
            for case (.string(let name), let module) in modules.reversed() {
                pending.append((try key(prefix, "\(name)."), module))
            }
        }
        return result
    }
}
