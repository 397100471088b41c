/// What bytes of a text cannot stand as they are.
enum Escaping {
    case nothing
    /// Inside the quotes of a JSON string.
    case json
    /// Inside other quotes.
    case quotes
}

extension TextWriter where Sink: ~Copyable {
    @inline(never)
    mutating func write(_ piece: Piece, escaping: Escaping = .nothing) {
        switch piece.kind {
        case .literal: write(piece.text, escaping: escaping)
        case .text: write(foreign: piece.text, columns: nil, escaping: escaping)
        case .paddedText: write(foreign: piece.text, columns: piece.columns, escaping: escaping)
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

    private mutating func write(_ bytes: UnsafeRawBufferPointer, escaping: Escaping) {
        for byte in bytes {
            write(byte: byte, escaping: escaping)
        }
    }

    /// Text from outside the program, which may be anything: what would steer a terminal, and what is no UTF-8, becomes a
    /// question mark, or an escape in JSON. With `columns`, cut or filled with spaces to so many.
    private mutating func write(foreign text: UnsafeRawBufferPointer, columns: Int?, escaping: Escaping) {
        var scalars = UTF8Scalars(text)
        var used = 0
        while let element = scalars.next() {
            var width = 1
            if case .scalar(let scalar, _) = element {
                width = scalar.terminalColumns
            }
            if let columns, used + width > columns { break }
            used += width
            switch element {
            case .noUTF8: write(replacementOf: "\u{FFFD}", escaping: escaping)
            case .scalar(let scalar, _) where scalar.steersTerminals: write(replacementOf: scalar, escaping: escaping)
            case .scalar(_, let bytes): write(bytes, escaping: escaping)
            }
        }
        write(spaces: (columns ?? 0) - used)
    }

    private mutating func write(replacementOf scalar: Unicode.Scalar, escaping: Escaping) {
        switch escaping {
        case .quotes where scalar == "\n": write(Piece("\\n"))
        case .nothing, .quotes: write(byte: UInt8(ascii: "?"))
        case .json:
            // None is beyond U+FFFF.
            write(Piece("\\u"))
            for shift in stride(from: 12, through: 0, by: -4) {
                write(hexadecimalDigit: UInt8(scalar.value >> UInt32(shift) & 0xF))
            }
        }
    }

    /// Text from outside in double quotes, as of a Prometheus label: a backslash stands before quotes and backslashes in it,
    /// and an end of line is \n.
    public mutating func write(quoted text: CText) { write(quoted: text.bytes) }

    /// The same of UTF-8 text in memory.
    public mutating func write(quoted text: UnsafeRawBufferPointer) {
        write(byte: UInt8(ascii: "\""))
        write(Piece(text), escaping: .quotes)
        write(byte: UInt8(ascii: "\""))
    }

    private mutating func write(byte: UInt8, escaping: Escaping) {
        switch (escaping, byte) {
        case (.json, UInt8(ascii: "\"")), (.json, UInt8(ascii: "\\")), (.quotes, UInt8(ascii: "\"")),
            (.quotes, UInt8(ascii: "\\")):
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
