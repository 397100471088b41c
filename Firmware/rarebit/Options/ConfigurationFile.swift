import Platform
import Text

/// The lines of a configuration file: "name = value", with space around both passed over. A `#` at the start of a line
/// or behind a space starts a comment; lines without anything else are passed over. What editors of other systems add, a
/// carriage return at the end of lines and a byte-order mark in front, is passed over too.
///
/// Debian's libinih takes its memory from the heap and cuts lines at 200 bytes, so this is the program's own.
struct ConfigurationText: ~Copyable {
    struct Entry {
        let key: CText
        let value: CText
        let line: Int
    }

    /// The most a file of options may hold, bytes.
    static var limit: Int { 16_384 }

    let path: CText
    private let bytes: UnsafeMutableRawBufferPointer
    private var position = 0
    private var line = 0

    /// Reads the file into `memory`, where the entries' texts then are: at least `limit + 1` bytes.
    init(
        path: CText, limit: Int = Self.limit, memory: UnsafeMutableRawBufferPointer
    ) throws(ProgramError) {
        let count = rb_read_file(path.start, memory.baseAddress, limit)
        guard count >= 0 else { throw .failure(.unreadableFile(path, status: Int32(count))) }
        memory[count] = 0
        self.path = path
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory[...count])
        if count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF {
            position = 3
        }
    }

    /// nil at the end of the file.
    mutating func next() throws(ProgramError) -> Entry? {
        while position < bytes.count - 1 {
            let start = position
            var end = start
            while end < bytes.count - 1 && bytes[end] != UInt8(ascii: "\n") {
                guard bytes[end] != 0 else { throw .usage(.notAnEntry(path, line: line + 1)) }
                end += 1
            }
            position = end + 1
            line += 1
            if let entry = try entry(in: start..<commentStart(in: start..<end)) {
                return entry
            }
        }
        return nil
    }

    private func commentStart(in range: Range<Int>) -> Int {
        for index in range where bytes[index] == UInt8(ascii: "#") {
            if index == range.lowerBound || bytes[index - 1].isBlank { return index }
        }
        return range.upperBound
    }

    private func entry(in range: Range<Int>) throws(ProgramError) -> Entry? {
        let content = trimmed(range)
        guard !content.isEmpty else { return nil }
        for index in content where bytes[index] == UInt8(ascii: "=") {
            let key = trimmed(content.lowerBound..<index)
            let value = trimmed((index + 1)..<content.upperBound)
            guard !key.isEmpty, !value.isEmpty else { break }
            return Entry(key: text(key), value: text(value), line: line)
        }
        throw .usage(.notAnEntry(path, line: line))
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        let content = UnsafeRawBufferPointer(rebasing: bytes[range]).trimmed
        let start = content.baseAddress! - UnsafeRawPointer(bytes.baseAddress!)
        return start..<(start + content.count)
    }

    /// Ends the text with a zero, in place: what stands behind it has been read.
    private func text(_ range: Range<Int>) -> CText {
        bytes[range.upperBound] = 0
        return CText((bytes.baseAddress! + range.lowerBound).assumingMemoryBound(to: CChar.self))
    }
}
