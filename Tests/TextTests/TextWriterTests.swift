import Testing
import Text

private func written(_ body: (inout TextWriter<MemorySink>) -> Void) -> String {
    var writer = TextWriter(MemorySink())
    body(&writer)
    return writer.finish().text
}

/// How many times it was written to, and how much.
private struct CountingSink: TextSink {
    var pieces: [Int] = []

    mutating func write(_ bytes: UnsafeRawBufferPointer) { pieces.append(bytes.count) }
}

@Suite struct ATextWriter {
    @Test func passesOnMoreThanItsBufferHolds() {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        #expect(written { writer in long.withUnsafeBytes { writer.write("\($0)") } }.count == 10_000)
    }

    @Test func handsOverALineInOnePiece() {
        var writer = TextWriter(CountingSink())
        writer.write("frame \(1), ")
        writer.write("frame \(2)\n")
        writer.flush()
        writer.flush()
        #expect(writer.finish().pieces == [17])
    }
}

@Suite struct AJSONRecord {
    @Test func hasCommasBetweenItsMembersAndNoneElsewhere() {
        let text = written {
            $0.record {
                $0.member("frame", -3)
                $0.object("errors") {
                    $0.member("stalled", 1)
                    $0.member("gone", UInt64.max)
                }
                $0.object("none") { _ in }
                $0.array("top") {
                    for index in 0..<2 { $0.object { $0.member("class", index) } }
                }
                $0.array("rates") {
                    $0.element("\(30)")
                    $0.element("\(7.5, decimals: 2)")
                }
                $0.array("empty") { _ in }
                $0.member("last", true)
            }
            $0.record { $0.member("frame", 4) }
        }
        #expect(
            text == #"{"frame":-3,"errors":{"stalled":1,"gone":18446744073709551615},"none":{},"#
                + #""top":[{"class":0},{"class":1}],"rates":[30,7.50],"empty":[],"last":true}"# + "\n"
                + #"{"frame":4}"# + "\n")
    }

    @Test func escapesItsStringsWhateverTheyAreMadeOf() {
        let bytes = Array("a\"b\\c\u{1}é\n".utf8)
        let text = written { writer in
            bytes.withUnsafeBytes { name in
                writer.record {
                    $0.member("bytes", name)
                    $0.member("message", "\(name)\t\(7)")
                    $0.member("literal", "\u{1F}" as StaticString)
                    $0.member("text", CText("\""))
                }
            }
        }
        #expect(
            text == #"{"bytes":"a\"b\\c\u0001é\u000a","message":"a\"b\\c\u0001é\u000a\u00097","literal":"\u001f","#
                + #""text":"\""}"# + "\n")
    }

    @Test func saysNullForWhatIsNotKnown() {
        let text = written {
            $0.record {
                $0.member("rate", nil, decimals: 2)
                $0.member("ratio", .nan, decimals: 2)
                $0.member("throttled", Bool?.none)
                $0.member("late", false)
            }
        }
        #expect(text == #"{"rate":null,"ratio":null,"throttled":null,"late":false}"# + "\n")
    }
}
