import Platform
import Text

/// What the two files of a kept frame are called: "0000000042-20261130T235934Z.jpg" and ".json". The numbers go up, whatever
/// the clock does, so that the oldest is known even on a board that does not know the time.
struct KeptFileName {
    enum Kind {
        /// Not yet whole, or not known to be.
        case partialPicture, partialRecord
        case picture, record

        fileprivate var ending: StaticString {
            switch self {
            case .partialPicture: ".jpg.part"
            case .partialRecord: ".json.part"
            case .picture: ".jpg"
            case .record: ".json"
            }
        }

        fileprivate init?(ending: CText) {
            if ending == ".jpg" {
                self = .picture
            } else if ending == ".json" {
                self = .record
            } else if ending == ".jpg.part" {
                self = .partialPicture
            } else if ending == ".json.part" {
                self = .partialRecord
            } else {
                return nil
            }
        }
    }

    let number: UInt32
    /// "20261130" and "235934".
    private let date: UInt32
    private let time: UInt32

    /// `timeOfDay`: seconds since 1970.
    init(number: UInt32, timeOfDay: Int64) {
        let utc = rb_utc_of(timeOfDay)
        self.number = number
        date = UInt32(utc.year * 10_000 + utc.month * 100 + utc.day)
        time = UInt32(utc.hour * 10_000 + utc.minute * 100 + utc.second)
    }

    /// The name and kind of a file; nil where it is none of ours.
    static func read(_ file: CText) -> (name: KeptFileName, kind: Kind)? {
        var rest = file
        guard let number = digits(10, of: &rest), rest.removePrefix("-"), let date = digits(8, of: &rest),
            rest.removePrefix("T"), let time = digits(6, of: &rest), rest.removePrefix("Z"),
            let number = UInt32(exactly: number), let kind = Kind(ending: rest)
        else { return nil }
        return (KeptFileName(number: number, date: UInt32(date), time: UInt32(time)), kind)
    }

    private init(number: UInt32, date: UInt32, time: UInt32) {
        (self.number, self.date, self.time) = (number, date, time)
    }

    /// Exactly so many.
    private static func digits(_ count: Int, of text: inout CText) -> Int? {
        let start = text.start
        let number = text.removeNumber(digits: count)
        return text.start - start == count ? number : nil
    }

    /// The file's name is there during the call.
    func withFile<Result>(_ kind: Kind, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        var memory = InlineArray<48, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &memory) { memory in
            var text = TextWriter(BufferSink(UnsafeMutableRawBufferPointer(rebasing: memory[..<47])))
            text.write(
                "\(UInt64(number), digits: 10)-\(UInt64(date), digits: 8)T\(UInt64(time), digits: 6)Z\(kind.ending)")
            _ = text.finish()
            return body(memory.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
    }
}
