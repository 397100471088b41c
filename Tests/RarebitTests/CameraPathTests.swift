import Foundation
import ProgramRunner
import Testing
import TinyModel

private let stages = ["capture", "convert", "answer", "report", "whole", "inference", "added"]

@Suite struct ABenchmarkOfTheCameraPath {
    private let folder: TemporaryFolder
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    private func bench(_ arguments: [String]) throws -> ProgramResult {
        try runProgram("rarebit", ["bench", model, "--camera-path", "--runs", "20", "--seconds", "0.5"] + arguments)
    }

    private func records(_ arguments: [String] = []) throws -> [[String: Any]] {
        let result = try bench(["--json"] + arguments)
        #expect(result.status == 0 && result.errors == "")
        return try result.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    private func median(_ record: [String: Any], _ stage: String) throws -> Double {
        try #require((record[stage] as? [String: Any])?["median_ms"] as? Double)
    }

    @Test func measuresFramesOfItsOwn() throws {
        let records = try records()
        #expect(records.count == 1)
        let record = records[0]
        #expect(record["format"] as? String == "YUYV")
        #expect(record["width"] as? Int == 640 && record["height"] as? Int == 480)
        #expect(record["frame_bytes"] as? Int == 2 * 640 * 480)
        #expect((1...20).contains(try #require(record["frames"] as? Int)))
        for stage in stages {
            let times = try #require(record[stage] as? [String: Double])
            #expect(try #require(times["median_ms"]) <= #require(times["p99_ms"]))
        }
    }

    @Test func addsUpItsStages() throws {
        let record = try #require(try records(["--runs", "1"]).first)
        let parts = try ["capture", "convert", "answer", "report"].map { try median(record, $0) }
        let whole = try median(record, "whole")
        #expect(abs(parts.reduce(0, +) - whole) < 1e-5)
        let added = max(whole - (try median(record, "inference")), 0)
        #expect(abs(added - (try median(record, "added"))) < 1e-5)
    }

    @Test func saysTheSameToPeople() throws {
        let result = try bench([])
        #expect(result.status == 0 && result.errors == "")
        let names = result.output.split(separator: "\n").map { $0.prefix { $0 != " " } }
        let block = ["frames", "kernels", "ms"] + stages.map { Substring($0) }
        #expect(names == block)
        #expect(result.output.contains("of 640x480 YUYV, 614400 bytes at most\n"))
    }

    @Test func measuresARecording() throws {
        let frames = try folder.write(greyRecording(brightness: [10, 200]), to: "frames")
        let records = try records(["--frames", frames])
        #expect(records.count == 1)
        #expect(records[0]["format"] as? String == "GREY")
        #expect(records[0]["frame_bytes"] as? Int == 120)
        #expect(records[0]["frames"] as? Int ?? 0 > 2)
    }

    @Test func refusesWhatItDoesNotMeasure() throws {
        for option in ["--layers", "--ceiling", "--fps=30", "--compare=old"] {
            let result = try bench([option])
            #expect(result.status == 2)
            #expect(
                result.errorLine
                    == "rarebit: --camera-path excludes --fps, --layers, --ceiling and --compare; see rarebit bench --help"
            )
        }
        let result = try runProgram("rarebit", ["bench", model, "--frames", "frames"])
        #expect(result.status == 2)
        #expect(result.errorLine == "rarebit: --frames needs --camera-path; see rarebit bench --help")
    }

    @Test func refusesWhatIsNoRecording() throws {
        let frames = try folder.write(Array("no frames".utf8), to: "frames")
        let result = try bench(["--frames", frames])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: \(frames): not a file of recorded frames: wrong first bytes")
    }
}
