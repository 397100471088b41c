/// What bytes of a text cannot stand as they are.
enum Escaping {
    case nothing
    /// Inside the quotes of a JSON string.
    case json
}

extension TextWriter where Sink: ~Copyable {
    @inline(never)
    mutating func write(_ piece: Piece, escaping: Escaping = .nothing) {
        switch piece.kind {
        case .text: write(piece.text, columns: nil, escaping: escaping)
        case .paddedText: write(piece.text, columns: piece.columns, escaping: escaping)
        case .shortText:
            var (first, rest) = piece.characters
            while first > 0 {
                write(byte: UInt8(truncatingIfNeeded: first), escaping: escaping)
                first = first >> 8 | UInt64(rest & 0xFF) << 56
                rest >>= 8
            }
        case .spaces: write(spaces: Int(piece.natural))
        case .natural, .negative:
            let sign = piece.kind == .negative ? 1 : 0
            write(spaces: piece.columns - max(piece.natural.decimalDigits, piece.digits) - sign)
            if sign == 1 {
                write(byte: UInt8(ascii: "-"))
            }
            write(digitsOf: piece.natural, minimum: piece.digits)
        case .hexadecimal:
            for shift in stride(from: 28, through: 0, by: -4) {
                write(hexadecimalDigit: UInt8(piece.natural >> UInt64(shift) & 0xF))
            }
        case .decimal:
            let decimal = piece.decimal
            write(spaces: piece.columns - decimal.columns)
            write(decimal)
        }
    }

    /// nil columns: as it is; else cut, or filled with spaces.
    private mutating func write(_ text: UnsafeRawBufferPointer, columns: Int?, escaping: Escaping) {
        let limit = columns ?? Int.max
        var used = 0
        for byte in text {
            let startsCharacter = byte & 0xC0 != 0x80
            used += startsCharacter ? 1 : 0
            guard used <= limit else { return }
            write(byte: byte, escaping: escaping)
        }
        if columns != nil {
            write(spaces: limit - used)
        }
    }

    private mutating func write(byte: UInt8, escaping: Escaping) {
        switch (escaping, byte) {
        case (.json, UInt8(ascii: "\"")), (.json, UInt8(ascii: "\\")):
            write(byte: UInt8(ascii: "\\"))
            write(byte: byte)
        case (.json, 0..<0x20):
            write(Piece("\\u00"))
            write(hexadecimalDigit: byte >> 4)
            write(hexadecimalDigit: byte & 0xF)
        default: write(byte: byte)
        }
    }

    @inline(never)
    private mutating func write(spaces count: Int) {
        for _ in 0..<max(count, 0) {
            write(byte: UInt8(ascii: " "))
        }
    }

    // MARK: Numbers

    @inline(never)
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

    private mutating func write(hexadecimalDigit digit: UInt8) {
        write(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    private mutating func write(_ decimal: Decimal) {
        guard decimal.isNumber else { return write(Piece("null")) }
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
