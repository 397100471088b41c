import ModelFormat
import Telemetry
import Testing

private func text(_ body: (inout TextWriter<MemorySink>) -> Void) -> String {
    var writer = TextWriter(MemorySink())
    body(&writer)
    return writer.finish().text
}

@Suite struct ATextWriter {
    @Test(
        arguments: [
            (0.5, 3, "0.500"), (-0.25, 2, "-0.25"), (-0.001, 2, "0.00"), (12.999, 2, "13.00"), (7, 0, "7"),
            (0.05, 1, "0.1"), (.nan, 2, "null"), (-.infinity, 2, "null"), (1e9, 2, "null"),
            (999_999_999.9, 1, "999999999.9"),
        ] as [(Double, Int, String)])
    func roundsToDecimals(value: Double, decimals: Int, expected: String) {
        #expect(text { $0.append(value, decimals: decimals) } == expected)
    }

    @Test func writesIntegersOfEveryWidth() {
        #expect(text { $0.append(Int64.min) } == "-9223372036854775808")
        #expect(text { $0.append(UInt64.max) } == "18446744073709551615")
        #expect(text { $0.append(digitsOf: 7, minimum: 3) } == "007")
        #expect(text { $0.append(hexadecimal: 0x0F1E_2D3C) } == "0f1e2d3c")
    }

    @Test func escapesJSONStrings() {
        let name = Array("a\"b\\c\u{1}é\n".utf8)
        #expect(text { writer in name.withUnsafeBytes { writer.append(jsonString: $0) } } == #""a\"b\\c\u0001é\u000a""#)
    }

    @Test func passesOnMoreThanItsBufferHolds() {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        #expect(text { writer in long.withUnsafeBytes { writer.append(bytes: $0) } }.count == 10_000)
    }
}

@Test func aModelErrorIsOneLineThatSaysWhatToDo() {
    let errors: [ModelError] = [
        .tooShort(bytes: 3), .notAModel, .unsupportedVersion(found: 9), .wrongFileSize(stated: 10, found: 9),
        .wrongChecksum(stated: 1, computed: 2), .badSectionTable(entry: 1), .sectionOutOfBounds(.head),
        .sectionMissing(.plan), .wrongSectionSize(.weights), .arenaTooLarge(bytes: 1 << 33), .badInput(.resize),
        .badOperation(index: 4, .stride), .badHead(.numbers), .badName(.classNames, index: 2),
    ]
    let lines = errors.map(\.description)
    #expect(Set(lines).count == errors.count)
    for line in lines {
        #expect(line.count > 20 && !line.contains("\n"))
    }
    #expect(lines[11] == "malformed model: operation 4, stride out of range; convert the checkpoint again")
}
