import HTTP
import Platform
import Text

/// Where a stream of frames comes from. The texts live as long as the program.
public enum StreamAddress {
    case standardInput
    /// A file's path.
    case file(CText)
    /// What the shell is to run: its standard output is the stream.
    case command(CText)
    /// http://HOST[:PORT]/PATH
    case server(CText)

    /// Whether its frames come when they come, so that a newer one is worth more than an older.
    public var isLive: Bool {
        switch self {
        case .standardInput, .command, .server: true
        case .file: false
        }
    }

    /// Whether it can be begun again.
    var canStartAgain: Bool {
        switch self {
        case .command, .server: true
        case .standardInput, .file: false
        }
    }

    /// More than any `name` takes, with its final zero, bytes.
    public static var nameBytes: Int { 96 }

    /// As messages and metrics name it, written into `nameBytes` bytes that are kept as long as the name: a command by its
    /// first word, a server without user and password, for what stands behind them may be nobody's business.
    public func name(in memory: UnsafeMutableRawBufferPointer) -> CText {
        switch self {
        case .standardInput: return "standard input"
        case .file(let path): return path
        case .command(let text):
            let words = text.bytes
            let end = words.firstIndex { $0 <= UInt8(ascii: " ") } ?? words.count
            return Self.write("exec:", UnsafeRawBufferPointer(rebasing: words[..<end]), to: memory)
        case .server(let text):
            let place = text.suffix(after: "http://")!.bytes
            let pathStart = place.firstIndex(of: UInt8(ascii: "/")) ?? place.count
            let at = place[..<pathStart].lastIndex(of: UInt8(ascii: "@"))
            let end = place.firstIndex(of: UInt8(ascii: "?")) ?? place.count
            let begin = at.map { $0 + 1 } ?? 0
            return Self.write("http://", UnsafeRawBufferPointer(rebasing: place[begin..<max(begin, end)]), to: memory)
        }
    }

    private static func write(
        _ scheme: CText, _ text: UnsafeRawBufferPointer, to memory: UnsafeMutableRawBufferPointer
    ) -> CText {
        var count = 0
        for byte in scheme.bytes {
            memory[count] = byte
            count += 1
        }
        for byte in text where count < Self.nameBytes - 1 {
            memory[count] = byte
            count += 1
        }
        memory[count] = 0
        return CText(UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: CChar.self)))
    }
}
