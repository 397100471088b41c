/// The fields of a file's outermost message, as far as they tell ONNX's ModelProto from anything else.
struct ONNXOutline {
    private var bytes: ArraySlice<UInt8>
    /// Whether the last field reaches past the end of the file.
    private(set) var endsEarly = false
    private var hasGraph = false
    private var hasVersion = false

    private static let version: UInt64 = 1
    private static let graph: UInt64 = 7
    private static let operatorSets: UInt64 = 8
    /// Fields that are messages or texts; of later versions of the schema too, as far as they are known.
    private static let nested: Set<UInt64> = [2, 3, 4, 6, 7, 8, 14, 20, 25, 26]
    private static let integers: Set<UInt64> = [1, 5]

    /// nil where the bytes are no ModelProto: it has a graph, the version of the form or of the operators, and no field that
    /// the schema does not know.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
        while !endsEarly, !self.bytes.isEmpty {
            guard walkField() else { return nil }
        }
        guard hasGraph, hasVersion else { return nil }
    }

    /// One field; false where it is none of the schema's.
    private mutating func walkField() -> Bool {
        guard let tag = takeInteger() else { return false }
        let number = tag >> 3
        switch tag & 7 {
        case 0 where Self.integers.contains(number):
            hasVersion = hasVersion || number == Self.version
            return takeInteger() != nil
        case 2 where Self.nested.contains(number):
            guard let length = takeInteger() else { return false }
            if number == Self.graph {
                hasGraph = true
                guard beginsGraph(length: length) else { return false }
            }
            hasVersion = hasVersion || number == Self.operatorSets
            endsEarly = length > UInt64(bytes.count)
            bytes = bytes.dropFirst(Int(min(length, UInt64(bytes.count))))
            return true
        default:
            return false
        }
    }

    /// A GraphProto's fields are messages and texts, numbers 1 to 16.
    private func beginsGraph(length: UInt64) -> Bool {
        guard length > 0, let tag = bytes.first else { return true }
        return tag & 7 == 2 && (1...15).contains(tag >> 3) || tag == 0x82
    }

    private mutating func takeInteger() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
