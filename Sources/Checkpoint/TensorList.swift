/// One tensor or array of a checkpoint, as its pickle describes it.
public struct TensorDescription: Equatable, Sendable {
    /// Dotted path from the top, such as `state_dict_best.feat_model.conv1.weight`.
    public let key: String
    public let type: ElementType
    public let shape: [Int]
}

extension Checkpoint {
    /// All tensors and arrays in the order of the file. A container that stands in several places is listed at its first.
    public func tensorList() throws(CheckpointError) -> [TensorDescription] {
        try pickle.tensorList()
    }
}

extension Pickle {
    /// Walks without recursion and enters every container once: a pickle's containers may be nested to any depth, shared,
    /// and part of themselves.
    func tensorList() throws(CheckpointError) -> [TensorDescription] {
        let longestKey = 256
        let mostTensors = 1 << 16
        var result: [TensorDescription] = []
        // A member's key is put together when it is reached, so that what waits shares its parent's text.
        var pending = [(parent: "", name: "", value: root)]
        var seenDictionaries: Set<Int> = []
        var seenSequences: Set<Int> = []
        var seenPlaceholders: Set<Int> = []
        while let (parent, name, value) = pending.popLast() {
            guard parent.utf8.count + name.utf8.count < longestKey else { throw .tooLarge("the key \(parent).\(name)") }
            let key = parent.isEmpty ? name : "\(parent).\(name)"
            switch value {
            case .tensor(let index):
                if case .unsupported = tensors[index].source { continue }
                guard result.count < mostTensors else { throw .tooLarge("a list of all tensors") }
                result.append(TensorDescription(key: key, type: tensors[index].type, shape: tensors[index].shape))
            case .dictionary(let index) where seenDictionaries.insert(index).inserted:
                pending += dictionaries[index].reversed().map { (key, text(ofKey: $0.key), $0.value) }
            case .tuple(let index) where seenSequences.insert(index).inserted,
                .list(let index) where seenSequences.insert(index).inserted:
                pending += sequences[index].enumerated().reversed().map { (key, String($0), $1) }
            case .placeholder(let index) where seenPlaceholders.insert(index).inserted:
                let object = placeholders[index]
                pending.append((parent, name, object.state))
                if let items = object.items { pending.append((parent, name, .dictionary(items))) }
            default:
                break
            }
        }
        return result
    }
}
