/// The header of a safetensors file: its length, 8 bytes, then one JSON object that says for each tensor its element type,
/// shape and range of the bytes after the header.
///
/// Only what such an object may hold is read, and nothing else is built in memory: an object of objects with `dtype`,
/// `shape` and `data_offsets`, and `__metadata__`, an object of texts.
/// Source: the format's description in the README of huggingface/safetensors.
struct SafetensorsHeader {
    private var scanner: JSONScanner
    private let data: Range<Int>
    private var pickle = Pickle()
    private var items: [(key: Pickle.Value, value: Pickle.Value)] = []
    private var names: Set<String> = []

    private static let mostTensors = 1 << 15

    /// A length below 4 GB, and an object that begins with a name or holds nothing.
    static func isBegun(by bytes: [UInt8]) -> Bool {
        guard let length = bytes.integer(UInt64.self, at: 0, below: bytes.count), (2..<1 << 32).contains(length) else {
            return false
        }
        let beginning = Array(bytes[8...].lazy.filter { !$0.isJSONSpace }.prefix(2))
        return beginning == Array("{\"".utf8) || beginning == Array("{}".utf8)
    }

    init(_ bytes: [UInt8]) throws(CheckpointError) {
        guard let length = bytes.integer(UInt64.self, at: 0, below: bytes.count), length <= UInt64(bytes.count - 8)
        else {
            throw .endsEarly
        }
        data = 8 + Int(length)..<bytes.count
        scanner = JSONScanner(bytes[8..<data.lowerBound])
    }

    /// A dictionary of all tensors, as a pickle would hold it.
    mutating func tensors() throws(CheckpointError) -> Pickle {
        try scanner.expect("{")
        if !scanner.skip("}") {
            repeat {
                let name = try scanner.text()
                try scanner.expect(":")
                guard names.count < Self.mostTensors else { throw .tooLarge("a list of all tensors") }
                guard names.insert(name).inserted else { throw .malformedFile("two tensors named \(name)") }
                if name == "__metadata__" {
                    try skipMetadata()
                } else {
                    try takeTensor(name)
                }
            } while scanner.skip(",")
            try scanner.expect("}")
        }
        try scanner.expectEnd()
        try checkOverlaps()
        pickle.dictionaries = [items]
        pickle.root = .dictionary(0)
        return pickle
    }

    private mutating func skipMetadata() throws(CheckpointError) {
        try scanner.expect("{")
        if scanner.skip("}") { return }
        repeat {
            _ = try scanner.text()
            try scanner.expect(":")
            _ = try scanner.text()
        } while scanner.skip(",")
        try scanner.expect("}")
    }

    private mutating func takeTensor(_ name: String) throws(CheckpointError) {
        var (type, shape, offsets): (String?, [Int]?, [Int]?)
        try scanner.expect("{")
        repeat {
            let field = try scanner.text()
            try scanner.expect(":")
            switch field {
            case "dtype": type = try scanner.text()
            case "shape": shape = try scanner.integers()
            case "data_offsets": offsets = try scanner.integers()
            default: throw .malformedFile("tensor \(name) has an unknown field \(field)")
            }
        } while scanner.skip(",")
        try scanner.expect("}")
        guard let type, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformedFile("tensor \(name) lacks a field, or one makes no sense")
        }
        guard offsets[1] <= data.count else { throw .endsEarly }
        items.append((.string(name), .tensor(pickle.tensors.count)))
        let range = data.lowerBound + offsets[0]..<data.lowerBound + offsets[1]
        pickle.tensors.append(try reference(name, type: type, shape: shape, range))
    }

    private func reference(
        _ name: String, type code: String, shape: [Int], _ range: Range<Int>
    ) throws(CheckpointError) -> TensorReference {
        guard let strides = TensorReference.contiguousStrides(shape) else { throw .tooLarge("tensor \(name)") }
        guard let type = ElementType(safetensors: code) else {
            return TensorReference(source: .unsupported(code), type: .uint8, shape: shape, strides: strides)
        }
        guard CheckedSize(productOf: shape) * CheckedSize(type.size) == range.count else {
            throw .malformedFile("tensor \(name) has other than the \(range.count) bytes of its range")
        }
        return TensorReference(source: .range(range), type: type, shape: shape, strides: strides)
    }

    private func checkOverlaps() throws(CheckpointError) {
        var ranges: [Range<Int>] = []
        for tensor in pickle.tensors {
            if case .range(let range) = tensor.source, !range.isEmpty { ranges.append(range) }
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (previous, next) in zip(ranges, ranges.dropFirst()) where next.lowerBound < previous.upperBound {
            throw .malformedFile("two tensors share bytes")
        }
    }
}

/// Reads JSON piece by piece, where the caller knows what must come.
private struct JSONScanner {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(CheckpointError) {
        guard skip(character) else { throw malformed("\(character) expected") }
    }

    mutating func expectEnd() throws(CheckpointError) {
        skipSpace()
        guard position == bytes.endIndex else { throw malformed("more than one object") }
    }

    /// A string without its quotation marks.
    mutating func text() throws(CheckpointError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard let text = String(validating: text, as: UTF8.self) else { throw malformed("text is not UTF-8") }
                return text
            }
            if byte == UInt8(ascii: "\\") {
                text += try escaped().utf8
            } else {
                text.append(byte)
            }
        }
        throw malformed("a text without end")
    }

    /// What stands after a backslash.
    private mutating func escaped() throws(CheckpointError) -> String {
        guard position < bytes.endIndex else { throw malformed("a text without end") }
        let letter = bytes[position]
        position += 1
        if let plain = Self.escapes[letter] { return String(Unicode.Scalar(plain)) }
        let digits = bytes[position...].prefix(4)
        guard letter == UInt8(ascii: "u"), digits.count == 4,
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16), let scalar = Unicode.Scalar(code)
        else { throw malformed("an escape that is not known") }
        position = digits.endIndex
        return String(Character(scalar))
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "r"): 0x0D,
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
    ]

    /// An array of at most 64 numbers, none negative.
    mutating func integers() throws(CheckpointError) -> [Int] {
        try expect("[")
        var result: [Int] = []
        if skip("]") { return result }
        repeat {
            guard result.count < 64 else { throw malformed("an array of more than 64 numbers") }
            result.append(try integer())
        } while skip(",")
        try expect("]")
        return result
    }

    private mutating func integer() throws(CheckpointError) -> Int {
        skipSpace()
        let digits = bytes[position...].prefix(20).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else { throw malformed("a size is no integer") }
        position = digits.endIndex
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.endIndex, bytes[position].isJSONSpace { position += 1 }
    }

    private func malformed(_ what: String) -> CheckpointError {
        .malformedFile("\(what) at byte \(position) of the header")
    }
}

extension UInt8 {
    fileprivate var isJSONSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
