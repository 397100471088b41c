/// Where text goes: a file descriptor on the device, memory in tests and in the converter.
public protocol TextSink: ~Copyable {
    mutating func write(_ bytes: UnsafeRawBufferPointer)
}

/// Builds text in a fixed buffer and hands it to the sink when the buffer is full and at `flush`.
///
/// A line of up to 4,096 bytes that starts on an empty buffer reaches the sink in one piece.
public struct TextWriter<Sink: TextSink & ~Copyable>: ~Copyable {
    static var capacity: Int { 4096 }

    public var sink: Sink
    private var buffer = InlineArray<4096, UInt8>(repeating: 0)
    private var count = 0

    public init(_ sink: consuming Sink) {
        self.sink = sink
    }

    /// Ends the writer, flushed, and gives its sink back.
    public consuming func finish() -> Sink {
        flush()
        return sink
    }

    public mutating func flush() {
        guard count > 0 else { return }
        let count = self.count
        withUnsafeBytes(of: &buffer) { sink.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        self.count = 0
    }

    public mutating func append(byte: UInt8) {
        if count == Self.capacity {
            flush()
        }
        buffer[count] = byte
        count += 1
    }

    public mutating func append(_ text: StaticString) {
        append(bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// UTF-8 bytes, as they are.
    public mutating func append(bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            append(byte: byte)
        }
    }

    /// A NUL-terminated string.
    public mutating func append(cString: UnsafePointer<CChar>) {
        var next = cString
        while next.pointee != 0 {
            append(byte: UInt8(bitPattern: next.pointee))
            next += 1
        }
    }

    public mutating func append(_ value: some FixedWidthInteger) {
        if value < 0 {
            append(byte: UInt8(ascii: "-"))
        }
        append(digitsOf: UInt64(value.magnitude), minimum: 1)
    }

    /// `value` in decimal with leading zeros up to `minimum` digits.
    public mutating func append(digitsOf value: UInt64, minimum: Int) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var rest = value
        var length = 0
        while rest > 0 || length < minimum {
            digits[length] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            length += 1
        }
        for index in 0..<length {
            append(byte: digits[length - 1 - index])
        }
    }

    /// Eight lower-case hexadecimal digits.
    public mutating func append(hexadecimal value: UInt32) {
        var shift: UInt32 = 32
        while shift > 0 {
            shift -= 4
            let digit = UInt8(value >> shift & 0xF)
            append(byte: digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// A number rounded to a fixed count of decimals, 0...9: "-0.25". A value that is not finite, or of magnitude
    /// 10^9 and more, becomes "null", which JSON readers accept.
    public mutating func append(_ value: Double, decimals: Int) {
        guard value.magnitude < 1e9 else { return append("null") }
        var unit: UInt64 = 1
        for _ in 0..<decimals {
            unit *= 10
        }
        let scaled = UInt64((value.magnitude * Double(unit)).rounded())
        if value < 0 && scaled > 0 {
            append(byte: UInt8(ascii: "-"))
        }
        append(scaled / unit)
        if decimals > 0 {
            append(byte: UInt8(ascii: "."))
            append(digitsOf: scaled % unit, minimum: decimals)
        }
    }

    /// The same, filled with spaces on its left to `columns` characters.
    public mutating func append(_ value: Double, decimals: Int, columns: Int) {
        var measure = TextWriter<LengthSink>(LengthSink())
        measure.append(value, decimals: decimals)
        for _ in 0..<max(columns - measure.finish().length, 0) {
            append(byte: UInt8(ascii: " "))
        }
        append(value, decimals: decimals)
    }

    /// A JSON string, quoted and escaped, of UTF-8 bytes.
    public mutating func append(jsonString bytes: UnsafeRawBufferPointer) {
        append(byte: UInt8(ascii: "\""))
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(byte: UInt8(ascii: "\\"))
                append(byte: byte)
            case 0..<0x20:
                append("\\u00")
                append(byte: byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
                let low = byte & 0xF
                append(byte: low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
            default:
                append(byte: byte)
            }
        }
        append(byte: UInt8(ascii: "\""))
    }
}

/// Forgets the text and keeps its length.
private struct LengthSink: TextSink {
    private(set) var length = 0

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        length += bytes.count
    }
}

extension StaticString {
    /// NUL-terminated, for C.
    public var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

#if !hasFeature(Embedded)
    /// Collects the text in memory.
    public struct MemorySink: TextSink {
        public private(set) var bytes: [UInt8] = []

        public init() {}

        public var text: String { String(decoding: bytes, as: UTF8.self) }

        public mutating func write(_ bytes: UnsafeRawBufferPointer) {
            self.bytes.append(contentsOf: bytes)
        }
    }
#endif
