/// Estimates, from the bytes alone, what decoding an ONNX file takes beside the numbers of its tensors. A message of no
/// content is two bytes in a file and hundreds in memory, and a packed integer of one byte becomes eight: a hostile file of
/// a few megabytes would otherwise take gigabytes.
struct ONNXDecodingCost {
    private let bytes: [UInt8]
    private var total = 0

    /// What a field is, as far as it costs.
    private indirect enum Field {
        case message([Int: Field])
        case integers
        case text
        /// A copy of its own size at most, which the limit of twice the file allows for.
        case raw
    }

    private static let messageCost = 320
    /// A number or text in an array that grows.
    private static let elementCost = 48
    private static let integerCost = 16

    private static let tensor: [Int: Field] = [
        1: .integers, 4: .raw, 5: .integers, 7: .integers, 8: .text, 9: .raw, 10: .raw, 11: .integers,
        13: .message([1: .text, 2: .text]),
    ]
    private static let attribute: [Int: Field] = [
        1: .text, 4: .text, 2: .raw, 3: .raw, 5: .message(tensor), 7: .raw, 8: .integers,
    ]
    private static let node: [Int: Field] = [
        1: .text, 2: .text, 3: .text, 4: .text, 5: .message(attribute), 7: .text,
    ]
    private static let value: [Int: Field] = [
        1: .text, 2: .message([1: .message([2: .message([1: .message([:])])])]),
    ]
    private static let graph: [Int: Field] = [
        1: .message(node), 5: .message(tensor), 11: .message(value), 12: .message(value), 15: .text,
    ]
    private static let model: [Int: Field] = [
        2: .text, 3: .text, 7: .message(graph), 8: .message([1: .text]), 25: .text,
    ]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Bytes, approximately. Throws where the bytes are no messages.
    mutating func measured() throws(CheckpointError) -> Int {
        try walk(bytes.indices, Self.model)
        return total
    }

    /// As deep as the schema, not as the file.
    private mutating func walk(_ range: Range<Int>, _ fields: [Int: Field]) throws(CheckpointError) {
        total += Self.messageCost
        var position = range.lowerBound
        while position < range.upperBound {
            let tag = try takeInteger(at: &position, below: range.upperBound)
            let field = fields[Int(truncatingIfNeeded: tag >> 3)]
            switch tag & 7 {
            case 0: _ = try takeInteger(at: &position, below: range.upperBound)
            case 1: position += 8
            case 5: position += 4
            case 2:
                let length = try takeInteger(at: &position, below: range.upperBound)
                guard length <= UInt64(range.upperBound - position) else { throw malformed(position) }
                let content = position..<position + Int(length)
                position = content.upperBound
                try add(field, content)
                continue
            default: throw malformed(position)
            }
            // Numbers that are not packed: they may be many, and every one stands in an array.
            if field != nil { total += Self.integerCost }
        }
        guard position == range.upperBound else { throw malformed(position) }
    }

    private mutating func add(_ field: Field?, _ content: Range<Int>) throws(CheckpointError) {
        switch field {
        case .message(let fields): try walk(content, fields)
        case .integers: total += content.count * Self.integerCost
        case .text: total += content.count + Self.elementCost
        case .raw: total += Self.elementCost
        case nil: break
        }
    }

    /// A variable-length integer: seven bits a byte, the lowest first.
    private func takeInteger(at position: inout Int, below limit: Int) throws(CheckpointError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard position < limit else { throw malformed(position) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw malformed(position)
    }

    private func malformed(_ position: Int) -> CheckpointError {
        .malformedFile("not well-formed ONNX at byte \(position)")
    }
}
