import Foundation
import ModelFormat
import ProgramRunner
import Testing

@testable import rarebit_convert

@Suite struct InspectingAModel {
    @Test func listsEveryOperationAndDrawsTheMemoryPlan() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert().status == 0)
        let result = try runProgram("rarebit-convert", ["inspect", place.model])
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n").map(String.init)
        let table = try #require(lines.firstIndex { $0.hasPrefix("  operation ") && $0.hasSuffix("kernel") })
        #expect(lines[table + 1].split(separator: " ").prefix(2) == ["conv1", "convolution"])
        #expect(lines[table + 1].contains("  8 x 8 x 3  "))
        #expect(lines[table + 1].contains("  8 x 8 x 16  "))
        let drawing = try #require(lines.firstIndex { $0.hasPrefix("memory plan, ") })
        let rows = lines[(drawing + 2)...].dropLast()
        #expect(rows.count == 35, "34 operations and the head")
        #expect(rows.first?.contains("O") == true)
        #expect(rows.contains { $0.split(separator: " ").dropFirst().first?.contains("R") == true })
        // What the picture calls alive is the plan's own figure, and never more than the arena.
        let arena = try loadModel(place.model).withModel { $0.activationBytes }
        let alive = rows.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(alive.count == 35)
        #expect(alive.max()! <= arena && alive.max()! > arena * 9 / 10)
    }

    @Test func findsNoDifferenceToItself() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert().status == 0)
        let result = try runProgram("rarebit-convert", ["inspect", place.model, place.model])
        #expect(result.status == 0)
        #expect(result.output == "the same bytes\n")
    }

    @Test func saysWhereAnotherDiffers() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert(["--calibration-method", "min-max"]).status == 0)
        let other = place.folder.path("other.rbit")
        let result = try runProgram(
            "rarebit-convert",
            [
                "convert", place.checkpoint, "-o", other, "--calibrate", place.data, "--config", place.configuration,
                "--calibration-method", "percentile", "--alpha", "0.25",
            ])
        #expect(result.status == 0)
        let compared = try runProgram("rarebit-convert", ["inspect", place.model, other])
        #expect(compared.status == 0)
        #expect(compared.output.contains("\n  weights          same, "))
        #expect(compared.output.contains("\n  default alpha    1.5 -> 0.25\n"))
        #expect(compared.output.contains("\n  class names      same, "))
        #expect(compared.output.contains("\n  plan             differs, "))
        #expect(compared.output.contains(": output scale -"))
        #expect(!compared.output.contains("weights differ"), "other ranges leave the weights as they were")
    }

    @Test func refusesToCompareWhatIsNoModel() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert().status == 0)
        let result = try runProgram("rarebit-convert", ["inspect", place.model, place.checkpoint])
        #expect(result.status == 2)
        #expect(
            result.errorLine
                == "rarebit-convert: \(place.checkpoint): is no model file; inspect compares two model files")
    }
}
