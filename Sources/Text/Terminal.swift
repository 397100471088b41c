// What characters do to a terminal.

extension Unicode.Scalar {
    /// Whether it does something to a terminal instead of standing there: control characters (C0, DEL, C1), what turns the
    /// direction of the text around it, and the byte-order mark, which nobody sees.
    public var steersTerminals: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    /// How many columns it takes: none for marks that stand on the character before, two for the wide ones of East Asian
    /// scripts and for pictographs, as most terminals draw them. (Blocks of Unicode's EastAsianWidth.txt; the standard
    /// library's tables are too large for a device.)
    var terminalColumns: Int {
        switch value {
        case 0x0300...0x036F, 0x0483...0x0489, 0x0591...0x05BD, 0x064B...0x065F, 0x0E34...0x0E3A, 0x0E47...0x0E4E,
            0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x200B...0x200F, 0x20D0...0x20FF, 0x302A...0x302D, 0x3099...0x309A,
            0xFE00...0xFE0F, 0xFE20...0xFE2F, 0xE0100...0xE01EF:
            0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}
