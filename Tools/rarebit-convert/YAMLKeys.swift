extension String {
    /// Whether a YAML text with aliases has one of them, or a collection, as a key.
    ///
    /// Composing a text takes time in proportion to it but for keys: each is compared with the others through all that its
    /// aliases stand for, which nine lines of nine aliases make endless. Found by the characters alone, so that quoted text
    /// may be taken for a key too.
    var hasYAMLCollectionKeys: Bool {
        let text = Array(utf8)
        var (hasAlias, hasCollectionKey) = (false, false)
        for (index, character) in text.enumerated() {
            let beginsToken = index == 0 || " \t\r\n[{,:-?".utf8.contains(text[index - 1])
            switch character {
            case UInt8(ascii: "*") where beginsToken:
                hasAlias = true
                let name = text[(index + 1)...].prefix { !" \t\r\n[]{},:".utf8.contains($0) }
                hasCollectionKey = hasCollectionKey || text[name.endIndex...].isBeforeColon
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                hasCollectionKey = hasCollectionKey || text[(index + 1)...].isBeforeColon
            case UInt8(ascii: "?") where beginsToken:
                let next = index + 1 < text.count ? text[index + 1] : 0x0A
                hasCollectionKey = hasCollectionKey || " \t\r\n".utf8.contains(next)
            default:
                continue
            }
        }
        return hasAlias && hasCollectionKey
    }
}

extension ArraySlice<UInt8> {
    /// Whether a colon follows, behind any spaces on the same line.
    fileprivate var isBeforeColon: Bool {
        first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
    }
}
