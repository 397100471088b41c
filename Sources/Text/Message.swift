/// A sentence with values in it, as it stands in the source: `"frame \(number) is damaged"`.
///
/// Nothing is built. A message is a list of pieces, some literal and some values, in a fixed array; a `TextWriter` writes
/// them one after the other. Text given by address (`CText`, bytes) must stay until then.
public struct Message: ExpressibleByStringInterpolation, TextConvertible {
    /// The most pieces of one message, those of messages inside it included.
    public static var capacity: Int { 48 }

    private(set) var pieces = InlineArray<48, Piece>(repeating: .literal(""))  // capacity
    private(set) var count = 0

    public init(stringLiteral text: StaticString) {
        add(.literal(text))
    }

    public init(stringInterpolation: StringInterpolation) {
        self = stringInterpolation.message
    }

    private init() {}

    public var text: Message { self }

    @inline(never)
    fileprivate mutating func add(_ piece: Piece) {
        precondition(count < Self.capacity, "a message of too many pieces")
        pieces[count] = piece
        count += 1
    }

    @inline(never)
    fileprivate static func empty() -> Message { Message() }

    /// A part of a message.
    enum Piece {
        case literal(StaticString)
        /// As they are.
        case bytes(UnsafeRawBufferPointer)
        /// Cut or filled with spaces on the right to so many characters of UTF-8.
        case padded(UnsafeRawBufferPointer, columns: UInt16)
        /// Up to eight bytes, the first in the lowest byte; zeros are none.
        case characters(UInt64)
        case spaces(Int)
        case natural(UInt64, minimumDigits: UInt8)
        case negative(magnitude: UInt64)
        case hexadecimal(UInt32)
        /// Rounded; on the right of so many columns.
        case decimal(Double, decimals: UInt8, columns: UInt8)
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        public typealias StringLiteralType = StaticString

        fileprivate var message = Message.empty()

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount > 0 {
                message.add(.literal(literal))
            }
        }

        // MARK: Text

        public mutating func appendInterpolation(_ text: StaticString) { message.add(.literal(text)) }

        /// Another message, or what has one.
        public mutating func appendInterpolation(_ value: some TextConvertible) { append(value.text) }

        public mutating func appendInterpolation(_ text: CText) { message.add(.bytes(text.bytes)) }

        /// UTF-8 text in memory, such as a model's class name.
        public mutating func appendInterpolation(_ text: UnsafeRawBufferPointer) { message.add(.bytes(text)) }

        /// UTF-8 text, cut or filled with spaces to `columns` characters.
        public mutating func appendInterpolation(_ text: UnsafeRawBufferPointer, columns: Int) {
            message.add(.padded(text, columns: UInt16(columns)))
        }

        public mutating func appendInterpolation(_ text: StaticString, columns: Int) {
            appendInterpolation(
                UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), columns: columns)
        }

        /// Up to eight bytes, the first in the lowest byte; zeros are left out.
        public mutating func appendInterpolation(characters: UInt64) { message.add(.characters(characters)) }

        public mutating func appendInterpolation(spaces count: Int) { message.add(.spaces(count)) }

        // MARK: Numbers

        public mutating func appendInterpolation(_ number: some FixedWidthInteger) {
            let magnitude = UInt64(number.magnitude)
            message.add(number < 0 ? .negative(magnitude: magnitude) : .natural(magnitude, minimumDigits: 1))
        }

        /// With zeros in front, up to `minimumDigits` digits.
        public mutating func appendInterpolation(_ number: UInt64, minimumDigits: Int) {
            message.add(.natural(number, minimumDigits: UInt8(minimumDigits)))
        }

        /// Eight lower-case digits.
        public mutating func appendInterpolation(hexadecimal number: UInt32) { message.add(.hexadecimal(number)) }

        /// Rounded to `decimals`, 0...9, and filled with spaces on its left to `columns` characters; see
        /// `TextWriter.write(_:decimals:)`.
        public mutating func appendInterpolation(_ number: Double, decimals: Int, columns: Int = 0) {
            message.add(.decimal(number, decimals: UInt8(decimals), columns: UInt8(columns)))
        }

        @inline(never)
        private mutating func append(_ other: Message) {
            for index in 0..<other.count {
                message.add(other.pieces[index])
            }
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
    public var text: Message { "\(self)" }
}

/// UTF-8.
extension UnsafeRawBufferPointer: TextConvertible {
    public var text: Message { "\(self)" }
}
