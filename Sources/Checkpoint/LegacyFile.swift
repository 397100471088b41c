/// A file in the form that torch.save wrote before PyTorch 1.6: five pickles one after the other (a magic number, the
/// protocol, the machine, the saved object, the keys of its storages), then for each key, in that order, an element count of
/// 64 bits and the elements.
struct LegacyFile {
    let bytes: [UInt8]
    let pickle: Pickle
    let storages: [String: Range<Int>]

    /// The first pickle: protocol 2, the integer 0x1950A86A20F9469CFC6C, end.
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let protocolVersion = 1001

    static func isBegun(by bytes: [UInt8]) -> Bool {
        bytes.count > 2 && bytes[0] == 0x80 && bytes[2...].prefix(16).dropFirst(2).starts(with: magic)
    }

    init(_ bytes: [UInt8], memoryBudget: Int) throws(CheckpointError) {
        var interpreter = PickleInterpreter(bytes[...], memoryBudget: memoryBudget)
        guard case .bytes(Self.magic) = try interpreter.next().root else { throw .unknownForm }
        guard case .int(Self.protocolVersion) = try interpreter.next().root else {
            throw .unsupportedVersion("of another protocol than \(Self.protocolVersion)")
        }
        let machine = try interpreter.next()
        if case .bool(false)? = machine.member("little_endian", of: machine.root) { throw .unsupportedByteOrder("big") }
        pickle = try interpreter.next()
        let keys = try interpreter.next()
        self.bytes = bytes
        storages = try Self.locate(Self.texts(keys), of: pickle, in: bytes, from: interpreter.position)
    }

    private static func texts(_ keys: Pickle) throws(CheckpointError) -> [String] {
        guard case .list(let index) = keys.root else { throw .malformedFile("the list of storages") }
        var result: [String] = []
        for case .string(let key) in keys.sequences[index] { result.append(key) }
        guard result.count == keys.sequences[index].count else { throw .malformedFile("the list of storages") }
        return result
    }

    /// Where each storage's elements stand. Their size is known from the tensors that use the storage.
    private static func locate(
        _ keys: [String], of pickle: Pickle, in bytes: [UInt8], from start: Int
    ) throws(CheckpointError) -> [String: Range<Int>] {
        var sizes: [String: Int] = [:]
        for storage in pickle.storages { sizes[storage.key] = storage.elementSize }
        var result: [String: Range<Int>] = [:]
        var position = start
        for key in keys {
            guard let size = sizes[key] else { throw .malformedFile("the storage \(key) is of no known type") }
            guard let count = bytes.integer(UInt64.self, at: position, below: bytes.count),
                count <= UInt64(bytes.count - position - 8) / UInt64(size)
            else { throw .endsEarly }
            let data = position + 8..<position + 8 + Int(count) * size
            guard result.updateValue(data, forKey: key) == nil else { throw .malformedFile("two storages \(key)") }
            position = data.upperBound
        }
        return result
    }
}
