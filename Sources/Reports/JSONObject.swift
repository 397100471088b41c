import Platform
import Text

/// Looks members up in the text of one JSON object, without building anything. Reads what `rarebit bench --json` writes;
/// of any other text it finds no members, or nonsense ones, but never reads outside.
struct JSONObject {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The number of a member of the outermost object; nil where there is none.
    func number(_ name: StaticString) -> Double? {
        guard let text = value(of: name), text.count < 64 else { return nil }
        var terminated = InlineArray<64, UInt8>(repeating: 0)
        for index in 0..<text.count {
            terminated[index] = text[index]
        }
        var number = 0.0
        let isNumber = withUnsafeBytes(of: &terminated) {
            rb_parse_number($0.baseAddress!.assumingMemoryBound(to: CChar.self), &number)
        }
        return isNumber ? number : nil
    }

    /// The text of a member that is a string, as it stands between the quotes; nil where there is none.
    func string(_ name: StaticString) -> UnsafeRawBufferPointer? {
        guard let text = value(of: name), text.count >= 2, text[0] == UInt8(ascii: "\"") else { return nil }
        return UnsafeRawBufferPointer(rebasing: text[1..<(text.count - 1)])
    }

    private func value(of name: StaticString) -> UnsafeRawBufferPointer? {
        var position = skipSpace(from: 0)
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { return nil }
        repeat {
            let key = skipSpace(from: position + 1)
            let keyEnd = skipValue(from: key)
            let colon = skipSpace(from: keyEnd)
            guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else { return nil }
            let start = skipSpace(from: colon + 1)
            let end = skipValue(from: start)
            if isKey(key..<keyEnd, name) {
                return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            }
            position = skipSpace(from: end)
        } while position < bytes.count && bytes[position] == UInt8(ascii: ",")
        return nil
    }

    private func isKey(_ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count >= 2 else { return false }
        return UnsafeRawBufferPointer(rebasing: bytes[range.dropFirst().dropLast()]).isEqual(to: CText(name).bytes)
    }

    private func skipSpace(from start: Int) -> Int {
        var position = start
        while position < bytes.count && (bytes[position] == 0x20 || (0x09...0x0D).contains(bytes[position])) {
            position += 1
        }
        return position
    }

    /// Where the string, number, word, object or array that starts at `start` ends.
    private func skipValue(from start: Int) -> Int {
        var position = start
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position = skipString(from: position)
                if depth == 0 { return position }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return position }
                depth -= 1
                if depth == 0 { return position + 1 }
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09...0x0D:
                if depth == 0 { return position }
            default: break
            }
            position += 1
        }
        return position
    }

    private func skipString(from start: Int) -> Int {
        var position = start + 1
        while position < bytes.count && bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, bytes.count)
    }
}
