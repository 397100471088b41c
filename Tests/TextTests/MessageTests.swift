import Testing
import Text

private func written(_ message: Message) -> String { String(message) }

private struct Size: TextConvertible {
    let width: Int
    let height: Int

    var text: Message { "\(width) x \(height)" }
}

@Suite struct AMessage {
    @Test func holdsTextsAsTheyAre() {
        let bytes = Array("Füße".utf8)
        bytes.withUnsafeBytes { bytes in
            #expect(written("\(CText("a b")): \(bytes)\n\("\u{1B}!" as StaticString)") == "a b: Füße\n\u{1B}!")
        }
        #expect(written("") == "")
        #expect(written("\(spaces: 3)|\(spaces: -1)|") == "   ||")
    }

    @Test(arguments: ["", "a", "12345678", "123456789", "123456789abc"])
    func holdsShortTextsByValue(expected: String) {
        var text = ShortText()
        for character in expected.utf8 { text.append(character) }
        #expect(written("<\(text)>") == "<\(expected)>")
    }

    @Test func holdsWhatHasAText() {
        let size = Size(width: 640, height: 480)
        #expect(written("no \(size), not \(size)") == "no 640 x 480, not 640 x 480")
    }

    @Test func holdsIntegersOfEveryWidth() {
        #expect(
            written("\(Int64.min) \(UInt64.max) \(UInt8(0)) \(Int32(-7))")
                == "-9223372036854775808 18446744073709551615 0 -7")
        #expect(written("\(7, digits: 3)") == "007")
        #expect(written("|\(-42, columns: 5)|\(123_456, columns: 5)|") == "|  -42|123456|")
        #expect(written("\(hexadecimal: 0x0F1E_2D3C)") == "0f1e2d3c")
    }

    @Test(
        arguments: [
            (0.5, 3, "0.500"), (-0.25, 2, "-0.25"), (-0.001, 2, "0.00"), (12.999, 2, "13.00"), (7, 0, "7"),
            (0.05, 1, "0.1"), (.nan, 2, "null"), (-.infinity, 2, "null"), (1e9, 2, "null"),
            (999_999_999.9, 1, "999999999.9"),
        ] as [(Double, Int, String)])
    func roundsToDecimals(value: Double, decimals: Int, expected: String) {
        #expect(written("\(value, decimals: decimals)") == expected)
        let padding = String(repeating: " ", count: max(8 - expected.count, 0))
        #expect(written("\(value, decimals: decimals, columns: 8)") == padding + expected)
    }

    /// A message that is too long is said as far as it goes, and shows that there was more.
    @Test func endsInAnEllipsisWhereItHasTooManyPieces() {
        var list: Message = ""
        for number in 0..<(Message.capacity - 1) { list += "\(number)" }
        let most = list
        list += "\(7)"
        #expect(written(list).hasSuffix("307"))
        list += "\(8)"
        list += "and \(9)"
        #expect(written(list) == written(most) + "…")
    }

    @Test func fillsColumnsByWhatCharactersTakeOfThem() {
        for (name, columns, expected) in [
            ("猫", 4, "猫  |"), ("猫犬", 3, "猫 |"), ("ねこ", 4, "ねこ|"), ("e\u{301}a", 3, "e\u{301}a |"), ("🐈", 3, "🐈 |"),
            ("한글", 1, " |"),
        ] {
            Array(name.utf8).withUnsafeBytes { #expect(written("\($0, columns: columns)|") == expected) }
        }
    }

    @Test func cutsOrFillsToColumnsOfCharacters() {
        let name = Array("Füße".utf8)
        name.withUnsafeBytes { name in
            #expect(written("\(name, columns: 6)|\(name, columns: 4)|\(name, columns: 2)|") == "Füße  |Füße|Fü|")
        }
        #expect(written("\("ab" as StaticString, columns: 3)|") == "ab |")
    }
}

/// Names of files, cameras and configuration values can hold anything.
@Suite struct TextFromOutside {
    private func shown(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { written("<\($0)>") } }

    private func inJSON(_ bytes: [UInt8]) -> String {
        var writer = TextWriter(MemorySink())
        bytes.withUnsafeBytes { writer.write(record: $0) }
        return writer.finish().text
    }

    @Test(
        arguments: [
            "\u{0}", "\u{7}", "\n", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{9D}", "\u{202E}", "\u{2066}",
            "\u{FEFF}",
        ] as [Unicode.Scalar])
    func doesNothingToATerminal(scalar: Unicode.Scalar) {
        #expect(scalar.steersTerminals)
        let text = Array("a\(Character(scalar))é".utf8)
        #expect(shown(text) == "<a?é>")
        let digits = String(scalar.value, radix: 16)
        let escaped = String(repeating: "0", count: 4 - digits.count) + digits
        #expect(inJSON(text) == "{\"text\":\"a\\u\(escaped)é\"}\n")
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
            [0xF0, 0x9F, 0x90],
        ] as [[UInt8]])
    func thatIsNoUTF8BecomesQuestionMarks(bytes: [UInt8]) {
        #expect(shown(bytes + [0x61]) == "<" + String(repeating: "?", count: bytes.count) + "a>")
        #expect(
            inJSON(bytes + [0x61])
                == "{\"text\":\"" + String(repeating: "\\ufffd", count: bytes.count) + "a\"}\n")
    }

    @Test func keepsWhatOnlyStandsThere() {
        let text = "Füße 猫 🐈 e\u{301} \u{FFFD}"
        #expect(shown(Array(text.utf8)) == "<\(text)>")
    }

    @Test func isQuotedWithBackslashes() {
        var writer = TextWriter(MemorySink())
        writer.write(quoted: "a\"b\\c\nd\u{1B}")
        #expect(writer.finish().text == #""a\"b\\c\nd?""#)
    }
}

extension TextWriter where Sink: ~Copyable {
    fileprivate mutating func write(record text: UnsafeRawBufferPointer) {
        record { $0.member("text", text) }
    }
}
