// Text in the midst of other bytes.

extension UInt8 {
    /// Whether it is what stands around words within a line: a space, a tab, or the carriage return of another system's lines.
    public var isBlank: Bool {
        self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") || self == UInt8(ascii: "\r")
    }
}

extension UnsafeRawBufferPointer {
    /// Without the blanks around it.
    public var trimmed: UnsafeRawBufferPointer {
        var (start, end) = (0, count)
        while start < end && self[start].isBlank {
            start += 1
        }
        while start < end && self[end - 1].isBlank {
            end -= 1
        }
        return UnsafeRawBufferPointer(rebasing: self[start..<end])
    }

    /// Gives a copy that ends in zero, there during the call; nil where the text has more than 31 bytes.
    public func withCText<Result>(_ body: (CText) -> Result) -> Result? {
        var copy = InlineArray<32, UInt8>(repeating: 0)
        guard count < copy.count else { return nil }
        for index in 0..<count {
            copy[index] = self[index]
        }
        return withUnsafeBytes(of: &copy) { body(CText($0.baseAddress!.assumingMemoryBound(to: CChar.self))) }
    }
}
