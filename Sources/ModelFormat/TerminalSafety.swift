extension Unicode.Scalar {
    /// Whether it does something to a terminal instead of standing there: control characters (C0, DEL, C1), what turns the
    /// direction of the text around it, and the byte-order mark, which nobody sees.
    public var steersTerminals: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
