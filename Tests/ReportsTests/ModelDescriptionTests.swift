import Foundation
import Inference
import ModelFormat
import Reports
import Testing
import Text
import TinyModel

@Suite struct AModelDescription {
    @Test func hasALineForEachOperation() throws {
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        var writer = TextWriter(MemorySink())
        writer.write(describing: model, path: .reference, arenaBytes: 65536)
        let text = writer.finish().text
        let operations = try #require(text.components(separatedBy: "operations\n").last)
        let lines = operations.split(separator: "\n")
        #expect(lines.count == model.operationCount)
        #expect(lines.contains { $0.contains(", convolution ") && $0.hasSuffix(" MMAC") })
    }
}
