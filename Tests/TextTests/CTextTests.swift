import Testing
import Text

/// A copy of the text, which ends in zero, for the time of a call.
private func with<Result>(_ text: String, _ body: (CText) throws -> Result) rethrows -> Result {
    try text.withCString { try body(CText($0)) }
}

@Suite struct ACText {
    @Test(
        arguments: [
            ("", "", true), ("serial", "serial", true), ("serial", "serials", false), ("serials", "serial", false),
            ("", "a", false), ("a", "b", false), ("ü", "ü", true),
        ] as [(String, String, Bool)])
    func equalsWhatHasTheSameBytesToTheEnd(one: String, other: String, expected: Bool) {
        with(one) { one in
            with(other) { other in
                #expect((one == other) == expected)
                #expect((other == one) == expected)
            }
        }
    }

    @Test func equalsLiterals() {
        with("drop") { text in
            #expect(text == "drop")
            #expect(text != "dro" && text != "drops" && text != "")
        }
    }

    @Test func knowsItsBytes() {
        with("abc") { text in
            #expect(text.count == 3 && !text.isEmpty)
            #expect(Array(text.bytes) == Array("abc".utf8))
        }
        #expect(CText("").isEmpty && CText("").count == 0)
    }

    @Test(
        arguments: [
            ("file:x", "x"), ("file:", ""), ("file", nil), ("fil", nil), ("", nil), ("xfile:", nil),
        ] as [(String, String?)])
    func saysWhatStandsBehindAPrefix(whole: String, expected: String?) {
        with(whole) { text in
            #expect(text.suffix(after: "file:").map { String(cString: $0.start) } == expected)
            var rest = text
            #expect(rest.removePrefix("file:") == (expected != nil))
            #expect(String(cString: rest.start) == expected ?? whole)
        }
    }

    @Test(
        arguments: [
            ("640x480", 640, "x480"), ("007", 7, ""), ("99999", 99_999, ""), ("100000", nil, "100000"), ("x", nil, "x"),
            ("", nil, ""), ("-1", nil, "-1"), ("\u{B2}", nil, "\u{B2}"),
        ] as [(String, Int?, String)])
    func givesTheNumberAtItsFront(whole: String, number: Int?, rest: String) {
        with(whole) { text in
            var text = text
            #expect(text.removeNumber(digits: 5) == number)
            #expect(String(cString: text.start) == rest)
        }
    }
}

@Suite struct AFixedText {
    @Test func isACopyUpToTheZeroCutWhereItIsTooLong() {
        let name: (CChar, CChar, CChar, CChar, CChar) = (99, 97, 109, 0, 120)
        #expect(FixedText<8>(copying: name) == CText("cam"))
        #expect(FixedText<3>(copying: name) == CText("ca"))
        #expect(FixedText<8>(copying: name) == FixedText<8>(copying: name))
        #expect(FixedText<8>(copying: name) != FixedText<8>())
        #expect(FixedText<8>().isEmpty && FixedText<1>(copying: name).isEmpty && !FixedText<8>(copying: name).isEmpty)
    }
}

@Test(
    arguments: [
        ("YUYV", "yuyv", true), ("Y16 ", "y16 ", true), ("yuyv", "yuy", false), ("yuy", "yuyv", false),
        ("é", "É", false),
        ("[", "{", false), ("", "", true),
    ] as [(String, String, Bool)])
func capitalsCanBeIgnored(one: String, other: String, expected: Bool) {
    with(one) { one in with(other) { #expect(one.isSame(ignoringCase: $0) == expected) } }
}
