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
        beginRecord()
        body(&self)
        endRecord()
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
        member(name, Piece(number))
    }

    /// null for nil, and for what is not finite.
    public mutating func member(_ name: StaticString, _ number: Double?, decimals: Int) {
        member(name, number.map { Piece($0, decimals: decimals) } ?? Piece("null"))
    }

    public mutating func member(_ name: StaticString, _ value: Bool?) {
        member(name, Piece(value.map { $0 ? "true" : "false" } ?? "null"))
    }

    /// A member whose value is not known.
    public mutating func null(_ name: StaticString) { member(name, Piece("null")) }

    /// The text as a string.
    @inline(never)
    public mutating func member(_ name: StaticString, _ text: Message) {
        begin(name)
        write(byte: UInt8(ascii: "\""))
        for index in 0..<text.count {
            write(text.pieces[index], escaping: .json)
        }
        write(byte: UInt8(ascii: "\""))
    }

    public mutating func member(_ name: StaticString, _ value: some TextConvertible) {
        member(name, value.text)
    }

    /// A number as an element of an array.
    public mutating func element(_ number: Message) {
        separate()
        write(number)
    }

    @inline(never)
    private mutating func member(_ name: StaticString, _ value: Piece) {
        begin(name)
        write(value)
    }

    // MARK: In pieces, for who learns of members and elements one by one

    public mutating func beginRecord() {
        isFirstMember = true
        beginObject()
    }

    public mutating func endRecord() {
        endObject()
        write(byte: UInt8(ascii: "\n"))
    }

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

    @inline(never)
    private mutating func begin(_ name: StaticString) {
        separate()
        write(byte: UInt8(ascii: "\""))
        write(Piece(name))
        write(Piece("\":"))
    }

    /// A comma behind what came before.
    private mutating func separate() {
        if !isFirstMember {
            write(byte: UInt8(ascii: ","))
        }
        isFirstMember = false
    }
}
