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
        let bytes = Array("Füße\n".utf8)
        bytes.withUnsafeBytes { bytes in
            #expect(written("\(CText("a b")): \(bytes)\("!" as StaticString)") == "a b: Füße\n!")
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

    @Test func cutsOrFillsToColumnsOfCharacters() {
        let name = Array("Füße".utf8)
        name.withUnsafeBytes { name in
            #expect(written("\(name, columns: 6)|\(name, columns: 4)|\(name, columns: 2)|") == "Füße  |Füße|Fü|")
        }
        #expect(written("\("ab" as StaticString, columns: 3)|") == "ab |")
    }
}
