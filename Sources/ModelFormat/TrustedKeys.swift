import Signatures
import Text

/// The public keys whose owners' models may run, as a text of one key a line: "ed25519", the key in 64 hexadecimal digits, and
/// whatever else the line tells people. `#` starts a comment; empty lines are passed over.
public struct TrustedKeys {
    /// The most keys of one text.
    public static let maximumCount = 16

    // maximumCount * RB_KEY_BYTES
    private var bytes = InlineArray<512, UInt8>(repeating: 0)
    public private(set) var count = 0

    /// Reads all lines, or says which is none of a key.
    public init(_ text: UnsafeRawBufferPointer) throws(TrustedKeysError) {
        var start = 0
        var line = 1
        while start < text.count {
            let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
            try read(UnsafeRawBufferPointer(rebasing: text[start..<end]), line: line)
            start = end + 1
            line += 1
        }
        guard count > 0 else { throw .noKey }
    }

    /// Whether one of them is the key of a signature.
    func contain(_ key: UnsafeRawBufferPointer) -> Bool {
        for number in 0..<count {
            var isSame = key.count == Int(RB_KEY_BYTES)
            for index in 0..<key.count where key[index] != bytes[number * Int(RB_KEY_BYTES) + index] {
                isSame = false
            }
            if isSame { return true }
        }
        return false
    }

    private mutating func read(_ line: UnsafeRawBufferPointer, line number: Int) throws(TrustedKeysError) {
        var words = Words(line)
        guard let kind = words.next(), kind.first != UInt8(ascii: "#") else { return }
        guard isEd25519(kind), let digits = words.next(), digits.count == 2 * Int(RB_KEY_BYTES) else {
            throw .noKeyInLine(number)
        }
        guard count < Self.maximumCount else { throw .tooMany }
        for index in 0..<Int(RB_KEY_BYTES) {
            guard let high = digits[2 * index].hexadecimalDigit, let low = digits[2 * index + 1].hexadecimalDigit else {
                throw .noKeyInLine(number)
            }
            bytes[count * Int(RB_KEY_BYTES) + index] = high << 4 | low
        }
        count += 1
    }

    private func isEd25519(_ word: UnsafeRawBufferPointer) -> Bool {
        let kind: StaticString = "ed25519"
        return word.isEqual(to: UnsafeRawBufferPointer(start: kind.utf8Start, count: kind.utf8CodeUnitCount))
    }
}

/// Why a text is no list of trusted keys.
public enum TrustedKeysError: Error, Equatable, Sendable {
    case noKey
    /// Counted from 1.
    case noKeyInLine(Int)
    case tooMany
}

/// What stands between spaces.
private struct Words {
    private var rest: UnsafeRawBufferPointer

    init(_ line: UnsafeRawBufferPointer) {
        rest = line
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        let start = rest.firstIndex { !$0.isBlank } ?? rest.count
        let end = rest[start...].firstIndex { $0.isBlank } ?? rest.count
        guard start < end else { return nil }
        let word = UnsafeRawBufferPointer(rebasing: rest[start..<end])
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        return word
    }
}

extension UInt8 {
    fileprivate var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
