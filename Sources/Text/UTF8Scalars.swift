/// The characters of UTF-8 bytes, one after the other. (The standard library's decoder takes memory.)
public struct UTF8Scalars {
    public enum Element {
        case scalar(Unicode.Scalar, bytes: UnsafeRawBufferPointer)
        /// A byte that is no part of a well-formed character.
        case noUTF8
    }

    private var rest: UnsafeRawBufferPointer

    public init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    /// nil at the end.
    public mutating func next() -> Element? {
        guard let lead = rest.first else { return nil }
        guard let length = Self.length(of: rest, lead: lead) else {
            rest = UnsafeRawBufferPointer(rebasing: rest[1...])
            return .noUTF8
        }
        let bytes = UnsafeRawBufferPointer(rebasing: rest[..<length])
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        // The lead byte's bits of the scalar: all seven of one byte, else what its length leaves.
        var value = UInt32(length == 1 ? lead : lead & (0x7F >> UInt8(length)))
        for index in 1..<length {
            value = value << 6 | UInt32(bytes[index] & 0x3F)
        }
        guard let scalar = Unicode.Scalar(value) else { return .noUTF8 }
        return .scalar(scalar, bytes: bytes)
    }

    /// Bytes of the character in front; nil where it is not well formed.
    private static func length(of bytes: UnsafeRawBufferPointer, lead: UInt8) -> Int? {
        // Unicode 15, table 3-7: the length by the lead byte, and the range of the second byte, which excludes overlong
        // forms, surrogates and everything past U+10FFFF.
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0x00...0x7F: (length, second) = (1, 0x80...0xBF)
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard bytes.count >= length else { return nil }
        for index in 1..<length {
            guard (index == 1 ? second : 0x80...0xBF).contains(bytes[index]) else { return nil }
        }
        return length
    }
}

extension UnsafeRawBufferPointer {
    /// As much of UTF-8 text as `limit` bytes hold of whole characters.
    public func prefix(ofCharactersIn limit: Int) -> UnsafeRawBufferPointer {
        guard count > limit else { return self }
        var end = limit
        // A byte 10xxxxxx goes on with a character.
        while end > 0 && self[end] & 0xC0 == 0x80 {
            end -= 1
        }
        return UnsafeRawBufferPointer(rebasing: self[..<end])
    }
}
