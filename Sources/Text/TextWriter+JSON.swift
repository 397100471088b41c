// JSON, member by member. Commas, quotes and escapes are the writer's business:
//
//     writer.record {
//         $0.member("frame", number)
//         $0.object("errors") { $0.member("stalled", 2) }
//     }

extension TextWriter where Sink: ~Copyable {
    // MARK: Objects and arrays

    /// An object on a line of its own.
    public mutating func record(_ body: (inout Self) -> Void) {
        isFirstMember = true
        object(body)
        write(byte: UInt8(ascii: "\n"))
    }

    /// An object as an element of an array.
    public mutating func object(_ body: (inout Self) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    /// An object as a member of another.
    public mutating func object(_ name: StaticString, _ body: (inout Self) -> Void) {
        begin(name)
        isFirstMember = true
        object(body)
    }

    /// `body` writes the elements.
    public mutating func array(_ name: StaticString, _ body: (inout Self) -> Void) {
        beginArray(name)
        body(&self)
        endArray()
    }

    // MARK: Members

    public mutating func member(_ name: StaticString, _ number: some FixedWidthInteger) {
        begin(name)
        write("\(number)")
    }

    /// null for nil, and for what is not finite.
    public mutating func member(_ name: StaticString, _ number: Double?, decimals: Int) {
        begin(name)
        write(number.map { "\($0, decimals: decimals)" } ?? "null")
    }

    public mutating func member(_ name: StaticString, _ value: Bool?) {
        begin(name)
        write(value.map { $0 ? "true" : "false" } ?? "null")
    }

    /// The text as a string.
    public mutating func member(_ name: StaticString, _ text: Message) {
        begin(name)
        write(jsonString: text)
    }

    public mutating func member(_ name: StaticString, _ value: some TextConvertible) {
        member(name, value.text)
    }

    /// An element of an array.
    public mutating func element(_ number: Double, decimals: Int) {
        separate()
        write("\(number, decimals: decimals)")
    }

    // MARK: In pieces, for who learns of members and elements one by one

    public mutating func beginObject() {
        separate()
        write(byte: UInt8(ascii: "{"))
        isFirstMember = true
    }

    public mutating func endObject() {
        write(byte: UInt8(ascii: "}"))
        isFirstMember = false
    }

    public mutating func beginArray(_ name: StaticString) {
        begin(name)
        write(byte: UInt8(ascii: "["))
        isFirstMember = true
    }

    public mutating func endArray() {
        write(byte: UInt8(ascii: "]"))
        isFirstMember = false
    }

    mutating func write(jsonString text: Message) {
        write(byte: UInt8(ascii: "\""))
        for index in 0..<text.count {
            write(text.pieces[index], escaping: .json)
        }
        write(byte: UInt8(ascii: "\""))
    }

    private mutating func begin(_ name: StaticString) {
        separate()
        write("\"\(name)\":")
    }

    /// A comma behind what came before.
    private mutating func separate() {
        if !isFirstMember {
            write(byte: UInt8(ascii: ","))
        }
        isFirstMember = false
    }
}
