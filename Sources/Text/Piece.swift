/// A part of a message. In 16 bytes: messages are on the stack, and a device may have little of it.
struct Piece {
    enum Kind: UInt8 {
        /// UTF-8 of the program itself at an address, as it is.
        case literal
        /// Text from outside at an address, which may be anything: see `TextWriter`.
        case text
        /// The same, cut or filled with spaces on the right to `columns` columns of a terminal.
        case paddedText
        /// A `ShortText`, the first character in the lowest byte; zeros end it.
        case shortText
        case spaces
        /// With zeros in front up to `digits`, then spaces up to `columns`.
        case natural
        /// The magnitude is given.
        case negative
        case hexadecimal
        /// The bits of a Double, rounded to `digits` decimals, with spaces in front up to `columns`.
        case decimal
    }

    private var bits: UInt64
    private var count: UInt32
    private var width: UInt16
    private var precision: UInt8
    let kind: Kind

    private init(_ kind: Kind, _ bits: UInt64, count: Int = 0, columns: Int = 0, digits: Int = 0) {
        self.bits = bits
        self.count = UInt32(count)
        width = UInt16(columns)
        precision = UInt8(digits)
        self.kind = kind
    }

    /// No text.
    init() { self.init(.spaces, 0) }

    init(_ text: UnsafeRawBufferPointer) {
        self.init(.text, UInt64(UInt(bitPattern: text.baseAddress)), count: text.count)
    }

    init(_ text: StaticString) {
        self.init(.literal, UInt64(UInt(bitPattern: text.utf8Start)), count: text.utf8CodeUnitCount)
    }

    init(_ text: UnsafeRawBufferPointer, columns: Int) {
        self.init(.paddedText, UInt64(UInt(bitPattern: text.baseAddress)), count: text.count, columns: columns)
    }

    init(_ text: ShortText) { self.init(.shortText, text.first, count: Int(text.rest)) }

    init(spaces count: Int) { self.init(.spaces, UInt64(max(count, 0))) }

    init(_ number: some FixedWidthInteger, columns: Int = 0) {
        self.init(number < 0 ? .negative : .natural, UInt64(number.magnitude), columns: columns, digits: 1)
    }

    init(_ number: UInt64, digits: Int) { self.init(.natural, number, digits: digits) }

    init(hexadecimal number: UInt32) { self.init(.hexadecimal, UInt64(number)) }

    init(_ number: Double, decimals: Int, columns: Int = 0) {
        self.init(.decimal, number.bitPattern, columns: columns, digits: decimals)
    }

    // MARK: What it is of its kind

    var text: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(bits)), count: Int(count))
    }

    /// Of the characters of a `ShortText`, the first eight and the others.
    var characters: (UInt64, UInt32) { (bits, count) }
    var natural: UInt64 { bits }
    var decimal: Decimal { Decimal(Double(bitPattern: bits), decimals: Int(precision)) }
    var columns: Int { Int(width) }
    var digits: Int { Int(precision) }
}

/// A number rounded to a fixed count of decimals.
struct Decimal {
    let isNumber: Bool
    let isNegative: Bool
    let whole: UInt64
    let fraction: UInt64
    let decimals: Int

    init(_ value: Double, decimals: Int) {
        self.decimals = decimals
        isNumber = value.magnitude < 1e9
        var unit: UInt64 = 1
        for _ in 0..<decimals {
            unit *= 10
        }
        let scaled = isNumber ? UInt64((value.magnitude * Double(unit)).rounded()) : 0
        isNegative = value < 0 && scaled > 0
        whole = scaled / unit
        fraction = scaled % unit
    }

    /// How many it takes.
    var columns: Int {
        guard isNumber else { return 4 }
        return (isNegative ? 1 : 0) + whole.decimalDigits + (decimals > 0 ? 1 + decimals : 0)
    }
}

extension UInt64 {
    /// How many it is written with.
    var decimalDigits: Int {
        var digits = 1
        var rest = self / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return digits
    }
}
