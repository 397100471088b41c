// The ways to write single pieces that messages and JSON members take the place of.

extension TextWriter where Sink: ~Copyable {
    public mutating func append(byte: UInt8) { write(byte: byte) }
    public mutating func append(_ text: StaticString) { write("\(text)") }
    public mutating func append(bytes: UnsafeRawBufferPointer) { write("\(bytes)") }
    public mutating func append(cString: UnsafePointer<CChar>) { write("\(CText(cString))") }
    public mutating func append(_ value: some FixedWidthInteger) { write("\(value)") }
    public mutating func append(digitsOf value: UInt64, minimum: Int) { write("\(value, minimumDigits: minimum)") }
    public mutating func append(hexadecimal value: UInt32) { write("\(hexadecimal: value)") }
    public mutating func append(_ value: Double, decimals: Int) { write("\(value, decimals: decimals)") }
    public mutating func append(_ value: Double, decimals: Int, columns: Int) {
        write("\(value, decimals: decimals, columns: columns)")
    }
    public mutating func append(jsonString bytes: UnsafeRawBufferPointer) { write(jsonString: "\(bytes)") }
}

extension StaticString {
    /// NUL-terminated, for C.
    public var cString: UnsafePointer<CChar> { CText(self).start }
}
