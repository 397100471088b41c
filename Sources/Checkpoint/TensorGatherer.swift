/// Makes tensors of a file's references, within a limit for all of them together: tensors may share a storage, so a small
/// file could otherwise describe any amount of numbers.
struct TensorGatherer {
    private let storages: Storages
    /// Storages whose checksums were compared.
    private var known: [String: ArraySlice<UInt8>] = [:]
    /// Elements that may still be described.
    private var budget: Int

    init(_ storages: Storages) {
        self.storages = storages
        // One element a byte is the most that a file without shared storages holds.
        budget = storages.file.count + 4 << 20
    }

    /// - Parameter name: the tensor's dotted key, for errors.
    mutating func tensor(_ tensor: TensorReference, name: String) throws(CheckpointError) -> Tensor {
        let data: ArraySlice<UInt8>
        let claimed: Int
        switch tensor.source {
        case .storage(let key, let count): (data, claimed) = (try storage(key), count)
        case .range(let range): (data, claimed) = (storages.file[range], range.count / tensor.type.size)
        case .inline(let bytes): (data, claimed) = (bytes[...], bytes.count / tensor.type.size)
        case .unsupported(let kind): throw .unsupportedTensor(name, kind: kind)
        }
        let held = data.count / tensor.type.size
        guard claimed <= held, let reach = tensor.reach, reach <= claimed, let view = TensorView(tensor, of: data)
        else {
            throw .tensorOutOfBounds(name, storage: min(claimed, held))
        }
        guard view.count <= budget else { throw .tooLarge("tensor \(name)") }
        budget -= view.count
        return Tensor(view)
    }

    private mutating func storage(_ key: String) throws(CheckpointError) -> ArraySlice<UInt8> {
        if let bytes = known[key] { return bytes }
        let bytes = try storages.bytes(of: key)
        known[key] = bytes
        return bytes
    }
}
