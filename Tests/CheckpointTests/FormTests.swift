import CheckpointWriter
import Testing

@testable import Checkpoint

@Suite struct LegacyFileTests {
    private static let storages = [("7", littleEndian([1, 2, 3, 4])), ("8", littleEndian([5, 6]))]
    private static let root = Item.dictionary([
        ("a", .tensor(.storage("8", count: 2), shape: [2], strides: [1])),
        ("b", .tensor(.storage("7", count: 4), offset: 1, shape: [3], strides: [1])),
    ])

    private func refusal(_ bytes: [UInt8]) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try Checkpoint(bytes: bytes).referenceState() }
    }

    @Test func `each tensor has the numbers of its storage, whatever their order`() throws {
        let state = try Checkpoint(bytes: legacyFile(Self.root, storages: Self.storages)).referenceState()
        #expect(state.features["a"]?.values == [5, 6] && state.features["b"]?.values == [2, 3, 4])
    }

    @Test func `a storage that is missing, cut, twice there or of no known type is refused`() {
        #expect(refusal(legacyFile(Self.root, storages: [Self.storages[0]])) == .missingEntry("data of storage 8"))
        #expect(
            refusal(legacyFile(Self.root, storages: Self.storages).dropLast()) == .endsEarly)
        #expect(
            refusal(legacyFile(Self.root, storages: Self.storages + Self.storages)) == .malformedFile("two storages 7"))
        #expect(
            refusal(legacyFile(Self.root, storages: Self.storages + [("9", [])]))
                == .malformedFile("the storage 9 is of no known type"))
    }

    @Test func `another protocol or byte order is refused`() {
        #expect(
            refusal(legacyFile(Self.root, protocolVersion: 1000))
                == .unsupportedVersion("of another protocol than 1001"))
        #expect(refusal(legacyFile(Self.root, isLittleEndian: false)) == .unsupportedByteOrder("big"))
    }

    @Test func `a pickle that torch.save did not write is no checkpoint`() {
        #expect(refusal(Self.root.pickle)?.description.contains("is a pickle that torch.save did not write") == true)
        #expect(refusal(Array("no checkpoint".utf8)) == .unknownForm)
    }
}

@Suite struct SafetensorsTests {
    private func refusal(_ header: String, data: [UInt8] = [0, 0, 0, 0]) -> String? {
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(bytes: safetensorsFile(header: header, data: data)).referenceState()
        }
        return error?.description
    }

    @Test func `space, escapes and metadata are read`() throws {
        let header = """
            { "__metadata__" : { "a\\u00e4\\n" : "{\\"b\\":1}" } ,
              "x\\/y" : { "shape" : [ 1 , 2 ] , "data_offsets":[0,4], "dtype":"BF16" } }
            """
        let file = safetensorsFile(header: header, data: [0x80, 0x3F, 0, 0xC0])
        #expect(
            try Checkpoint(bytes: file).referenceState().features["x/y"] == Tensor(shape: [1, 2], values: [1, -2]))
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "has other than the 4 bytes"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "lacks a field"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, "ends early"),
        (#"{"a":{"dtype":"F32","shape":[1]}}"#, "lacks a field"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}"#, "lacks a field"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "a size is no integer"),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, "a size is no integer"),
        (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#, "far more memory"),
        (#"{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, "of a kind that cannot be read, F8_E4M3"),
        (#"{"a":{"colour":"F32"}}"#, "unknown field colour"), (#"{"a":[1]}"#, "{ expected"),
        (
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
            "share bytes"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            "two tensors named a"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} {}"#, "more than one object"),
        (#"{"a"#, "a text without end"), (#"{"\x":1}"#, "an escape that is not known"),
        (#"{"\ud800":1}"#, "an escape that is not known"), (#"{}"#, "holds no state dict"),
    ])
    func `a header that makes no sense is refused`(header: String, complaint: String) {
        #expect(refusal(header)?.contains(complaint) == true, "\(refusal(header) ?? "")")
    }

    @Test func `a header longer than the file is refused`() {
        let file = Array(safetensorsFile(header: "{\"a\":1}", data: []).dropLast())
        #expect(throws: CheckpointError.endsEarly) {
            try Checkpoint(bytes: file)
        }
    }
}
