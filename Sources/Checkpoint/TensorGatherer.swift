/// Copies tensors out of a checkpoint's storages, within a limit for all of them together: tensors may share a
/// storage, so a small file could otherwise describe any amount of numbers.
struct TensorGatherer {
    private let archive: ZipArchive
    private let prefix: String
    private var budget: Int

    init(archive: ZipArchive, prefix: String) {
        self.archive = archive
        self.prefix = prefix
        // float16 weights double on their way to float32.
        budget = 2 * archive.bytes.count + 16 << 20
    }

    /// - Parameter name: the tensor's dotted key, for errors.
    mutating func gather(_ tensor: TensorReference, name: String) throws(CheckpointError) -> Tensor {
        let range: Range<Int>
        let claimed: Int
        let data: [UInt8]
        switch tensor.source {
        case .entry(let key, let count):
            let entry = "\(prefix)/data/\(key)"
            guard let found = archive.entries[entry] else { throw .missingEntry(entry) }
            (data, range, claimed) = (archive.bytes, found, count)
        case .inline(let bytes):
            (data, range, claimed) = (bytes, bytes.indices, bytes.count / tensor.type.size)
        }
        let held = min(claimed, range.count / tensor.type.size)
        guard let reach = tensor.reach, let count = tensor.count, reach <= held, claimed == held else {
            throw .tensorOutOfBounds(name, storage: held)
        }
        guard count <= budget / MemoryLayout<Float>.size else { throw .tooLarge("tensor \(name)") }
        budget -= count * MemoryLayout<Float>.size
        return data[range].withUnsafeBytes { tensor.gather(from: $0) }
    }
}
