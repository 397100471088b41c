import Checkpoint

/// Writes protocol 2 pickles by hand, so that a test can say exactly what stands in them.
package indirect enum Item: Sendable {
    case none
    case bool(Bool)
    case int(Int32)
    case float(Double)
    case text(String)
    case tuple([Item])
    case list([Item])
    case dictionary([(String, Item)])
    case global(String, String)
    case call(Item, [Item])
    case build(Item, state: Item)
    case persistent(Item)
    /// Any bytes: operations no case above writes.
    case raw([UInt8])

    package var bytes: [UInt8] {
        switch self {
        case .none: return Array("N".utf8)
        case .bool(let value): return [value ? 0x88 : 0x89]
        case .int(let value):
            var bytes = Array("J".utf8)
            bytes.put(value)
            return bytes
        case .float(let value):
            var bytes = Array("G".utf8)
            bytes.put(value.bitPattern.byteSwapped)
            return bytes
        case .text(let value):
            var bytes = Array("X".utf8)
            bytes.put(UInt32(value.utf8.count))
            return bytes + Array(value.utf8)
        case .tuple(let items): return Array("(".utf8) + items.flatMap(\.bytes) + Array("t".utf8)
        case .list(let items): return Array("](".utf8) + items.flatMap(\.bytes) + Array("e".utf8)
        case .dictionary(let items):
            return Array("}(".utf8) + items.flatMap { Item.text($0).bytes + $1.bytes } + Array("u".utf8)
        case .global(let module, let name): return Array("c\(module)\n\(name)\n".utf8)
        case .call(let function, let arguments): return function.bytes + Item.tuple(arguments).bytes + Array("R".utf8)
        case .build(let value, let state): return value.bytes + state.bytes + Array("b".utf8)
        case .persistent(let id): return id.bytes + Array("Q".utf8)
        case .raw(let bytes): return bytes
        }
    }

    /// A whole pickle stream of this item.
    package var pickle: [UInt8] { [0x80, 2] + bytes + Array(".".utf8) }

    package static func storage(_ key: String, count: Int32, type: String = "FloatStorage") -> Item {
        .persistent(.tuple([.text("storage"), .global("torch", type), .text(key), .text("cuda:0"), .int(count)]))
    }

    package static func tensor(_ storage: Item, offset: Int32 = 0, shape: [Int32], strides: [Int32]) -> Item {
        .call(
            .global("torch._utils", "_rebuild_tensor_v2"),
            [
                storage, .int(offset), .tuple(shape.map(Item.int)), .tuple(strides.map(Item.int)), .bool(false),
                .call(.global("collections", "OrderedDict"), []),
            ])
    }

    /// A NumPy array as Python 3 writes it at protocol 2.
    package static func array(
        _ bytes: [UInt8], code: String = "f4", order: String = "<", shape: [Int32], isFortran: Bool = false,
        module: String = "numpy.core.multiarray"
    ) -> Item {
        .build(
            .call(
                .global(module, "_reconstruct"), [.global("numpy", "ndarray"), .tuple([.int(0)]), latin1([0x62])]),
            state: .tuple([
                .int(1), .tuple(shape.map(Item.int)), type(code, order: order), .bool(isFortran), latin1(bytes),
            ]))
    }

    package static func type(_ code: String, order: String = "<") -> Item {
        .build(
            .call(.global("numpy", "dtype"), [.text(code), .bool(false), .bool(true)]),
            state: .tuple([.int(3), .text(order), .none, .none, .none, .int(-1), .int(-1), .int(0)]))
    }

    package static func latin1(_ bytes: [UInt8]) -> Item {
        let text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        return .call(.global("_codecs", "encode"), [.text(text), .text("latin1")])
    }

    /// A file's top: a best state dict with these groups.
    package static func reference(features: [(String, Item)], classifier: [(String, Item)] = [], embed: Item = .none)
        -> Item
    {
        .dictionary([
            ("epoch", .int(200)),
            (
                "state_dict_best",
                .dictionary([("feat_model", .dictionary(features)), ("classifier", .dictionary(classifier))])
            ),
            ("embed", embed),
        ])
    }
}

/// A checkpoint file around a pickle, with its storages by key.
package func checkpointZip(_ root: Item, storages: [(String, [UInt8])] = []) -> ZipBuilder {
    var zip = ZipBuilder()
    zip.entries = [
        .init(name: "archive/data.pkl", data: root.pickle),
        .init(name: "archive/byteorder", data: Array("little".utf8)),
    ]
    zip.entries += storages.map { .init(name: "archive/data/\($0)", data: $1) }
    zip.entries.append(.init(name: "archive/version", data: Array("3\n".utf8)))
    return zip
}

package func checkpoint(_ root: Item, storages: [(String, [UInt8])] = []) throws(CheckpointError) -> Checkpoint {
    try Checkpoint(bytes: checkpointZip(root, storages: storages).build())
}

/// The same in the form of torch.save before PyTorch 1.6. Storages are of float32 unless `elementSize` says otherwise.
package func legacyFile(
    _ root: Item, storages: [(String, [UInt8])] = [], protocolVersion: Int32 = 1001, isLittleEndian: Bool = true,
    elementSize: Int = 4
) -> [UInt8] {
    let magic = Item.raw([0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19])
    let machine = Item.dictionary([("protocol_version", .int(1001)), ("little_endian", .bool(isLittleEndian))])
    let keys = Item.list(storages.map { .text($0.0) })
    var file = [magic, .int(protocolVersion), machine, root, keys].flatMap(\.pickle)
    for (_, data) in storages {
        file.put(UInt64(data.count / elementSize))
        file += data
    }
    return file
}

/// A safetensors file with this header.
package func safetensorsFile(header: String, data: [UInt8]) -> [UInt8] {
    var file: [UInt8] = []
    file.put(UInt64(header.utf8.count))
    return file + Array(header.utf8) + data
}

package func littleEndian(_ values: [Float]) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values { bytes.put(value.bitPattern) }
    return bytes
}
