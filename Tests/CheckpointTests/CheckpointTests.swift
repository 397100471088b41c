import CheckpointWriter
import Testing

@testable import Checkpoint

@Suite struct CheckpointTests {
    private static let ramp = littleEndian((0..<12).map(Float.init))

    private func refusal(_ root: Item, storages: [(String, [UInt8])] = []) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try checkpoint(root, storages: storages).referenceState() }
    }

    @Test func `offset and strides of a shared storage give each tensor its own copy`() throws {
        let storage = Item.storage("0", count: 12)
        let state = try checkpoint(
            .reference(features: [
                ("rows", .tensor(storage, shape: [3, 4], strides: [4, 1])),
                ("columns", .tensor(storage, shape: [4, 3], strides: [1, 4])),
                ("corner", .tensor(storage, offset: 5, shape: [2, 2], strides: [4, 1])),
                ("repeated", .tensor(storage, offset: 7, shape: [2, 2], strides: [0, 0])),
                ("scalar", .tensor(storage, offset: 11, shape: [], strides: [])),
                ("empty", .tensor(storage, offset: 99, shape: [0, 4], strides: [4, 1])),
            ]), storages: [("0", Self.ramp)]
        ).referenceState()
        #expect(state.features["rows"] == Tensor(shape: [3, 4], values: (0..<12).map(Float.init)))
        #expect(state.features["columns"] == Tensor(shape: [4, 3], values: [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]))
        #expect(state.features["corner"] == Tensor(shape: [2, 2], values: [5, 6, 9, 10]))
        #expect(state.features["repeated"] == Tensor(shape: [2, 2], values: [7, 7, 7, 7]))
        #expect(state.features["scalar"] == Tensor(shape: [], values: [11]))
        #expect(state.features["empty"] == Tensor(shape: [0, 4], values: []))
    }

    @Test(
        arguments: [
            ("HalfStorage", [0x00, 0xC1, 0x00, 0x00, 0x01, 0x00], [-2.5, 0, 0x1p-24]),
            ("BFloat16Storage", [0x20, 0xC0, 0x80, 0x3F], [-2.5, 1]),
            ("DoubleStorage", [0, 0, 0, 0, 0, 0, 0x04, 0xC0], [-2.5]),
            ("LongStorage", [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [-2]),
            ("IntStorage", [0xFE, 0xFF, 0xFF, 0xFF], [-2]), ("ShortStorage", [0x00, 0x80], [-32768]),
            ("CharStorage", [0x80], [-128]), ("ByteStorage", [0x80], [128]), ("BoolStorage", [0, 1], [0, 1]),
        ] as [(String, [UInt8], [Float])])
    func `every number type becomes float32`(storageClass: String, bytes: [UInt8], expected: [Float]) throws {
        let count = Int32(expected.count)
        let tensor = Item.tensor(.storage("k", count: count, type: storageClass), shape: [count], strides: [1])
        let state = try checkpoint(.reference(features: [("x", tensor)]), storages: [("k", bytes)]).referenceState()
        #expect(state.features["x"]?.values == expected)
    }

    @Test func `the direction may be a NumPy array, a tensor or absent`() throws {
        let values: [Float] = [0.5, -1, .pi]
        for module in ["numpy.core.multiarray", "numpy._core.multiarray"] {
            let array = Item.array(littleEndian(values), shape: [3], module: module)
            #expect(try checkpoint(.reference(features: [], embed: array)).referenceState().direction == values)
        }
        let tensor = Item.tensor(.storage("e", count: 3), shape: [3], strides: [1])
        let root = Item.reference(features: [], embed: tensor)
        #expect(try checkpoint(root, storages: [("e", littleEndian(values))]).referenceState().direction == values)
        #expect(try checkpoint(.reference(features: [])).referenceState().direction == nil)
        #expect(refusal(.reference(features: [], embed: .text("x"))) == .notATensor("embed"))
    }

    @Test(
        arguments: [
            ([13], [1], 0), ([3, 4], [4, 2], 0), ([1], [1], 12), ([1], [1], -1), ([2], [-1], 3), ([-1], [1], 0),
            ([2], [1, 1], 0),
            ([Int32.max, Int32.max, Int32.max], [1, 1, 1], 0), ([2, 2], [Int32.max, Int32.max], Int32.max),
        ] as [([Int32], [Int32], Int32)])
    func `a tensor that reaches outside its storage is refused`(shape: [Int32], strides: [Int32], offset: Int32) {
        let tensor = Item.tensor(.storage("0", count: 12), offset: offset, shape: shape, strides: strides)
        let root = Item.reference(features: [("x", tensor)])
        #expect(refusal(root, storages: [("0", Self.ramp)]) == .tensorOutOfBounds("feat_model.x", storage: 12))
    }

    @Test func `a storage that is shorter than stated, or missing, is refused`() {
        let root = Item.reference(features: [("x", .tensor(.storage("0", count: 12), shape: [1], strides: [1]))])
        #expect(
            refusal(root, storages: [("0", Self.ramp.dropLast())]) == .tensorOutOfBounds("feat_model.x", storage: 11))
        #expect(refusal(root) == .missingEntry("archive/data/0"))
        let array = Item.reference(features: [], embed: .array(littleEndian([1, 2]), shape: [3]))
        #expect(refusal(array) == .tensorOutOfBounds("embed", storage: 2))
    }

    @Test func `one number repeated beyond the memory limit is refused`() {
        let tensor = Item.tensor(.storage("0", count: 12), shape: [1 << 20], strides: [0])
        let root = Item.reference(features: (0..<9).map { ("x\($0)", tensor) })
        guard case .tooLarge(let what)? = refusal(root, storages: [("0", Self.ramp)]) else {
            Issue.record("not refused")
            return
        }
        #expect(what.hasPrefix("tensor feat_model.x"))
    }

    @Test func `only little-endian files of known versions with a data pickle are read`() {
        var zip = checkpointZip(.none)
        zip.entries[1].data = Array("big".utf8)
        #expect(throws: CheckpointError.unsupportedByteOrder("big")) { try Checkpoint(bytes: zip.build()) }
        zip.entries.remove(at: 1)
        zip.entries[1].data = Array("11\n".utf8)
        #expect(throws: CheckpointError.unsupportedVersion("11")) { try Checkpoint(bytes: zip.build()) }
        zip.entries.remove(at: 1)
        #expect(throws: CheckpointError.missingEntry("archive/version")) { try Checkpoint(bytes: zip.build()) }
        zip.entries[0].name = "archive/other.pkl"
        #expect(throws: CheckpointError.missingEntry("data.pkl")) { try Checkpoint(bytes: zip.build()) }
    }

    @Test func `the list names every tensor once, in order, through shared and circular containers`() throws {
        let array = Item.array([7], code: "u1", order: "|", shape: [1])
        let circular = Item.raw(Array("]q\u{0}(h\u{0}".utf8) + array.bytes + Array("e".utf8))
        let root = Item.dictionary([("z", array), ("loop", circular), ("again", .raw(Array("h\u{0}".utf8)))])
        let list = try checkpoint(root).tensorList()
        #expect(list.map(\.key) == ["z", "loop.1"])
        #expect(list.first == TensorDescription(key: "z", type: .uint8, shape: [1]))
    }

    @Test func `containers that would list two to the 64 paths are walked once each`() throws {
        // Each level holds the level before it twice.
        let level = Array("2q\u{0}0(h\u{0}h\u{0}t".utf8).dropFirst()
        let bytes = Array(")".utf8) + (0..<64).flatMap { _ in level }
        #expect(try checkpoint(.raw(bytes)).tensorList().isEmpty)
    }

    @Test func `the first value that is not finite is found`() {
        #expect(([0, .greatestFiniteMagnitude, -1] as [Float]).firstNonFiniteIndex == nil)
        #expect(([0, -.infinity, .nan] as [Float]).firstNonFiniteIndex == 1)
    }

    @Test func `an error is one printable line however hostile its text`() {
        let text = CheckpointError.notATensor("a\nb\u{1b}[2J\u{202e}" + String(repeating: "x", count: 1000))
        #expect(text.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F })
        #expect(text.description.count < 400)
    }
}
