/// The lines of a text, whatever ends them (LF, CR LF or CR), without a byte-order mark.
public func textLines(_ text: String) -> [Substring] {
    let content = text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : Substring(text)
    // A carriage return with its line feed is one character of a string.
    return content.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
}
