/// Text as C hands it over: bytes that end in zero, in memory that outlives the value. Arguments of the program, names of
/// files, what a C function returns.
///
/// This is the one place where such text is compared and taken apart. Parsers take what they understand off the front
/// (`removePrefix`, `removeNumber`) and ask at the end whether anything is left (`isEmpty`).
public struct CText: Equatable, ExpressibleByStringLiteral, @unchecked Sendable {
    /// For C functions.
    public private(set) var start: UnsafePointer<CChar>

    public init(_ start: UnsafePointer<CChar>) {
        self.start = start
    }

    /// Literals end in zero too.
    public init(_ text: StaticString) {
        start = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    public init(stringLiteral text: StaticString) {
        self.init(text)
    }

    public var isEmpty: Bool { start.pointee == 0 }

    /// Bytes before the zero. Takes a look at each.
    public var count: Int {
        var count = 0
        while start[count] != 0 {
            count += 1
        }
        return count
    }

    /// Without the zero.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    public static func == (one: CText, other: CText) -> Bool {
        var index = 0
        while one.start[index] == other.start[index] {
            guard one.start[index] != 0 else { return true }
            index += 1
        }
        return false
    }

    /// The same, where capital letters of ASCII count as small ones.
    public func isSame(ignoringCase other: CText) -> Bool {
        func lowered(_ character: CChar) -> UInt8 {
            let byte = UInt8(bitPattern: character)
            return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
        }
        var index = 0
        while lowered(start[index]) == lowered(other.start[index]) {
            guard start[index] != 0 else { return true }
            index += 1
        }
        return false
    }

    // MARK: Taking apart

    /// What stands behind a prefix; nil where the text does not begin with it.
    public func suffix(after prefix: CText) -> CText? {
        var index = 0
        while prefix.start[index] != 0 {
            guard start[index] == prefix.start[index] else { return nil }
            index += 1
        }
        return CText(start + index)
    }

    /// Takes a prefix off the front; false, and nothing taken, where there is another text.
    public mutating func removePrefix(_ prefix: CText) -> Bool {
        guard let suffix = suffix(after: prefix) else { return false }
        self = suffix
        return true
    }

    /// Takes a whole number in decimal digits off the front; nil, and nothing taken, where there is none, or more than
    /// `most` digits, 1...18.
    public mutating func removeNumber(digits most: Int) -> Int? {
        var number = 0
        var count = 0
        while let digit = UInt8(bitPattern: start[count]).decimalDigit {
            guard count < most else { return nil }
            number = 10 * number + digit
            count += 1
        }
        guard count > 0 else { return nil }
        start += count
        return number
    }
}

extension UInt8 {
    /// The value of an ASCII digit.
    var decimalDigit: Int? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) ? Int(self - UInt8(ascii: "0")) : nil
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the same bytes are there.
    public func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] {
            return false
        }
        return true
    }
}
