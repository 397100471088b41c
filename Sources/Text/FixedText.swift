/// C text by value, such as the kernel's structures hold: at most `capacity - 1` bytes and a zero.
public struct FixedText<let capacity: Int>: Equatable, Sendable {
    private var characters = InlineArray<capacity, CChar>(repeating: 0)

    public init() {}

    /// A copy of the bytes up to a zero, cut where they are too many. They can be any value's, such as an array of C's.
    public init<Bytes>(copying value: borrowing Bytes) {
        withUnsafeBytes(of: value) { bytes in
            for index in 0..<min(bytes.count, capacity - 1) {
                guard bytes[index] != 0 else { return }
                characters[index] = CChar(bitPattern: bytes[index])
            }
        }
    }

    public var isEmpty: Bool { characters[0] == 0 }

    /// The text is there during the call.
    public func withText<Result>(_ body: (CText) -> Result) -> Result {
        withUnsafeBytes(of: characters) { body(CText($0.baseAddress!.assumingMemoryBound(to: CChar.self))) }
    }

    public static func == (one: Self, other: Self) -> Bool {
        one.withText { one in other.withText { one == $0 } }
    }

    public static func == (one: Self, other: CText) -> Bool {
        one.withText { $0 == other }
    }
}
