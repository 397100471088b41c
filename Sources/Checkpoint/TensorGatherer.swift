/// Copies tensors out of a checkpoint's storages, within a limit for all of them together: tensors may share a
/// storage, so a small file could otherwise describe any amount of numbers.
struct TensorGatherer {
    private let archive: TorchArchive
    private var budget: Int

    init(_ archive: TorchArchive) {
        self.archive = archive
        // float16 weights double on their way to float32.
        budget = 2 * archive.fileSize + 16 << 20
    }

    /// - Parameter name: the tensor's dotted key, for errors.
    mutating func gather(_ tensor: TensorReference, name: String) throws(CheckpointError) -> Tensor {
        let data: ArraySlice<UInt8>
        let claimed: Int
        switch tensor.source {
        case .entry(let key, let count):
            (data, claimed) = (try archive.entry("data/\(key)"), count)
        case .inline(let bytes):
            (data, claimed) = (bytes[...], bytes.count / tensor.type.size)
        }
        let held = data.count / tensor.type.size
        guard claimed <= held, let count = tensor.count, let reach = tensor.reach, reach <= claimed else {
            throw .tensorOutOfBounds(name, storage: min(claimed, held))
        }
        guard count <= budget / MemoryLayout<Float>.size else { throw .tooLarge("tensor \(name)") }
        budget -= count * MemoryLayout<Float>.size
        return data.withUnsafeBytes { tensor.gather(from: $0) }
    }
}
