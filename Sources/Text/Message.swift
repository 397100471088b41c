/// A sentence with values in it, as it stands in the source: `"frame \(number) is damaged"`.
///
/// Nothing is built. A message is a list of pieces, some literal and some values, in a fixed array; a `TextWriter` writes
/// them one after the other. Text given by address (`CText`, bytes) must stay until then.
public struct Message: ExpressibleByStringInterpolation, TextConvertible {
    /// The most pieces of one message, those of messages inside it included; what has more ends in an ellipsis. What has no such bound, such as all classes
    /// of a model, is written piece by piece.
    public static var capacity: Int { 32 }

    private(set) var pieces = InlineArray<32, Piece>(repeating: Piece())  // capacity
    private(set) var count = 0

    public init(stringLiteral text: StaticString) {
        if text.utf8CodeUnitCount > 0 {
            add(Piece(text))
        }
    }

    public init(stringInterpolation: StringInterpolation) {
        self = stringInterpolation.message
    }

    private init() {}

    public var text: Message { self }

    /// Longer by another: for lists, which no single literal can hold.
    @inline(never)
    public static func += (message: inout Message, other: Message) {
        for index in 0..<other.count {
            message.add(other.pieces[index])
        }
    }

    /// What is too much is left out, and an ellipsis stands in its place: a message is no reason to end a program.
    @inline(never)
    fileprivate mutating func add(_ piece: Piece) {
        guard count < Self.capacity else {
            pieces[Self.capacity - 1] = Piece("…")
            return
        }
        pieces[count] = piece
        count += 1
    }

    @inline(never)
    fileprivate static func empty() -> Message { Message() }

    public struct StringInterpolation: StringInterpolationProtocol {
        public typealias StringLiteralType = StaticString

        fileprivate var message = Message.empty()

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount > 0 {
                message.add(Piece(literal))
            }
        }

        // MARK: Text

        public mutating func appendInterpolation(_ text: StaticString) { message.add(Piece(text)) }

        /// UTF-8 text in memory, such as a model's class name.
        public mutating func appendInterpolation(_ text: UnsafeRawBufferPointer) { message.add(Piece(text)) }

        /// Another message, or what has one.
        public mutating func appendInterpolation(_ value: some TextConvertible) { message += value.text }

        /// UTF-8 text, cut or filled with spaces to `columns` columns of a terminal.
        public mutating func appendInterpolation(_ text: UnsafeRawBufferPointer, columns: Int) {
            message.add(Piece(text, columns: columns))
        }

        public mutating func appendInterpolation(_ text: StaticString, columns: Int) {
            appendInterpolation(
                UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), columns: columns)
        }

        public mutating func appendInterpolation(_ text: ShortText) { message.add(Piece(text)) }

        public mutating func appendInterpolation(spaces count: Int) { message.add(Piece(spaces: count)) }

        // MARK: Numbers

        /// Filled with spaces on its left to `columns` characters.
        public mutating func appendInterpolation(_ number: some FixedWidthInteger, columns: Int = 0) {
            message.add(Piece(number, columns: columns))
        }

        /// With zeros in front, up to so many digits.
        public mutating func appendInterpolation(_ number: UInt64, digits: Int) {
            message.add(Piece(number, digits: digits))
        }

        /// Eight lower-case digits.
        public mutating func appendInterpolation(hexadecimal number: UInt32) {
            message.add(Piece(hexadecimal: number))
        }

        /// Rounded to `decimals`, 0...9, and filled with spaces on its left to `columns` characters: "-0.25". What is not
        /// finite, or of magnitude 10^9 and more, becomes "null", which JSON readers accept.
        public mutating func appendInterpolation(_ number: Double, decimals: Int, columns: Int = 0) {
            message.add(Piece(number, decimals: decimals, columns: columns))
        }
    }
}

/// Up to twelve ASCII characters by value, for text that is made on the spot and stays nowhere.
public struct ShortText {
    private(set) var first: UInt64 = 0
    private(set) var rest: UInt32 = 0
    private var count = 0

    public init() {}

    public mutating func append(_ character: UInt8) {
        precondition(count < 12 && character != 0)
        if count < 8 {
            first |= UInt64(character) << UInt64(8 * count)
        } else {
            rest |= UInt32(character) << UInt32(8 * (count - 8))
        }
        count += 1
    }

    public mutating func append(_ text: StaticString) {
        for character in CText(text).bytes {
            append(character)
        }
    }
}

/// What messages can hold: `"\(size)"`.
public protocol TextConvertible {
    var text: Message { get }
}

extension StaticString: TextConvertible {
    public var text: Message { Message(stringLiteral: self) }
}

extension CText: TextConvertible {
    public var text: Message { "\(bytes)" }
}

/// UTF-8.
extension UnsafeRawBufferPointer: TextConvertible {
    public var text: Message { "\(self)" }
}
