/// What bytes of a text cannot stand as they are.
enum Escaping {
    case nothing
    /// Inside the quotes of a JSON string.
    case json
}

extension TextWriter where Sink: ~Copyable {
    @inline(never)
    mutating func write(_ piece: Message.Piece, escaping: Escaping) {
        switch piece {
        case .literal(let text):
            write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), escaping: escaping)
        case .bytes(let bytes): write(bytes, escaping: escaping)
        case .padded(let bytes, let columns): write(bytes, columns: Int(columns), escaping: escaping)
        case .characters(var rest):
            while rest > 0 {
                write(byte: UInt8(truncatingIfNeeded: rest), escaping: escaping)
                rest >>= 8
            }
        case .spaces(let count): write(spaces: count)
        case .natural(let number, let minimum): write(digitsOf: number, minimum: Int(minimum))
        case .negative(let magnitude):
            write(byte: UInt8(ascii: "-"))
            write(digitsOf: magnitude, minimum: 1)
        case .hexadecimal(let number): write(hexadecimal: number)
        case .decimal(let number, let decimals, let columns):
            let decimal = Decimal(number, decimals: Int(decimals))
            write(spaces: Int(columns) - decimal.columns)
            write(decimal)
        }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer, escaping: Escaping) {
        for byte in bytes {
            write(byte: byte, escaping: escaping)
        }
    }

    private mutating func write(byte: UInt8, escaping: Escaping) {
        switch (escaping, byte) {
        case (.json, UInt8(ascii: "\"")), (.json, UInt8(ascii: "\\")):
            write(byte: UInt8(ascii: "\\"))
            write(byte: byte)
        case (.json, 0..<0x20):
            write("\\u00")
            write(hexadecimalDigit: byte >> 4)
            write(hexadecimalDigit: byte & 0xF)
        default: write(byte: byte)
        }
    }

    /// Cut, or filled with spaces.
    private mutating func write(_ text: UnsafeRawBufferPointer, columns: Int, escaping: Escaping) {
        var used = 0
        for byte in text {
            let startsCharacter = byte & 0xC0 != 0x80
            used += startsCharacter ? 1 : 0
            guard used <= columns else { return }
            write(byte: byte, escaping: escaping)
        }
        write(spaces: columns - used)
    }

    private mutating func write(spaces count: Int) {
        for _ in 0..<max(count, 0) {
            write(byte: UInt8(ascii: " "))
        }
    }

    // MARK: Numbers

    private mutating func write(digitsOf value: UInt64, minimum: Int) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var rest = value
        var length = 0
        while rest > 0 || length < minimum {
            digits[length] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            length += 1
        }
        for index in 0..<length {
            write(byte: digits[length - 1 - index])
        }
    }

    private mutating func write(hexadecimal value: UInt32) {
        var shift: UInt32 = 32
        while shift > 0 {
            shift -= 4
            write(hexadecimalDigit: UInt8(value >> shift & 0xF))
        }
    }

    private mutating func write(hexadecimalDigit digit: UInt8) {
        write(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    private mutating func write(_ decimal: Decimal) {
        guard decimal.isNumber else { return write("null") }
        if decimal.isNegative {
            write(byte: UInt8(ascii: "-"))
        }
        write(digitsOf: decimal.whole, minimum: 1)
        if decimal.decimals > 0 {
            write(byte: UInt8(ascii: "."))
            write(digitsOf: decimal.fraction, minimum: decimal.decimals)
        }
    }
}

/// A number rounded to a fixed count of decimals, 0...9: "-0.25". A value that is not finite, or of magnitude 10^9 and
/// more, becomes "null", which JSON readers accept.
private struct Decimal {
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
        var digits = 1
        var rest = whole / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return (isNegative ? 1 : 0) + digits + (decimals > 0 ? 1 + decimals : 0)
    }
}
