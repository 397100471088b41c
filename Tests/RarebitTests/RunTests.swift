import Foundation
import ProgramRunner
import Testing
import TinyModel

private struct Setting {
    let folder: TemporaryFolder
    let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    func run(_ arguments: [String]) throws -> ProgramResult { try runProgram("rarebit", ["run", model] + arguments) }
}

@Suite struct RunningOnARecording {
    @Test func answersEachFrameOnce() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [0, 90, 255, 90]), to: "frames")
        let result = try setting.run(["--frames", frames, "--json"])
        #expect(result.status == 0)
        #expect(result.errors == "")
        let records = try result.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(records.compactMap { $0["frame"] as? Int } == [0, 1, 2, 3])
        #expect(records.compactMap { $0["sequence"] as? Int } == [0, 1, 2, 3])
        let inputs = records.compactMap { $0["input_crc"] as? String }
        #expect(inputs[1] == inputs[3] && Set(inputs).count == 3)
        let logits = records.compactMap { $0["logits_crc"] as? String }
        #expect(logits[1] == logits[3] && logits[0] != logits[1])
        for record in records {
            #expect(record["alpha"] as? Double == 1.5)  // the model's own
            #expect((record["age_ms"] as? Double).map { $0 >= 0 && $0 < 1000 } == true)
            #expect((record["top"] as? [Any])?.count == 3)
        }
    }

    @Test func stopsAfterTheFramesAskedFor() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2, 3]), to: "frames")
        let result = try setting.run(["--frames", frames, "--count", "2"])
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[1].hasPrefix("frame 1: "))
    }

    @Test func beginsAgainWhereItIsToLoop() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 130, 255]), to: "frames")
        let result = try setting.run(["--frames", frames, "--loop", "--count", "8", "--json"])
        #expect(result.status == 0 && result.errors == "")
        let records = try result.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }.filter { $0["frame"] != nil }
        #expect(records.compactMap { $0["sequence"] as? Int } == Array(0..<8))
        let inputs = records.compactMap { $0["input_crc"] as? String }
        #expect(Set(inputs[..<3]).count == 3)
        #expect(Array(inputs[3...]) == Array(inputs[..<5]))
    }

    @Test func loopsNothingButARecording() throws {
        let result = try Setting().run(["--loop"])
        #expect(result.status == 2)
        #expect(result.errorLine == "rarebit: --loop needs --frames; see rarebit run --help")
    }

    @Test func changesItsAnswersWithAlpha() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [77]), to: "frames")
        let plain = try setting.run(["--frames", frames, "--json", "--alpha", "0"])
        let adjusted = try setting.run(["--frames", frames, "--json", "--alpha", "1.5"])
        func checksum(_ result: ProgramResult) -> Substring? { result.output.split(separator: "\"logits_crc\":").last }
        #expect(plain.status == 0 && adjusted.status == 0)
        #expect(checksum(plain) != checksum(adjusted))
    }

    @Test func givesTheSameAnswersOnSeveralThreads() throws {
        let setting = try Setting()
        let model = try setting.folder.write(TinyModel.contents(side: 96).serialized(), to: "large.rbit")
        let frames = try setting.folder.write(greyRecording(brightness: [3, 120, 250]), to: "frames")
        func logits(_ threads: String) throws -> [String] {
            let result = try runProgram("rarebit", ["run", model, "--frames", frames, "--json", "--threads", threads])
            #expect(result.status == 0 && result.errors == "")
            return try result.output.split(separator: "\n").map {
                let record = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                return try #require(record?["logits_crc"] as? String)
            }
        }
        let one = try logits("1")
        #expect(one.count == 3 && Set(one).count > 1)
        #expect(try logits("3") == one)
    }

    @Test func refusesWhatIsNoRecording() throws {
        let setting = try Setting()
        let good = greyRecording(brightness: [1, 2])
        for (bytes, reason) in [
            (Array("RBFRAME".utf8), "not a file of recorded frames: wrong first bytes"),
            (Array(good.dropLast()), "the recording needs 304 bytes and has 303; copy it again"),
            (greyRecording(brightness: []), "the recording holds no frames"),
        ] {
            let frames = try setting.folder.write(bytes, to: "frames")
            let result = try setting.run(["--frames", frames])
            #expect(result.status == 1)
            #expect(result.errorLine == "rarebit: \(frames): \(reason)")
            #expect(result.output == "")
        }
    }
}

@Suite struct RunningOnACamera {
    @Test func saysThatThereIsNone() throws {
        let result = try Setting().run(["--camera", "/dev/video63"])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: /dev/video63: no such camera; rarebit cameras lists what there is")
    }

    @Test func saysThatANodeCapturesNothing() throws {
        let result = try Setting().run(["--camera", "/dev/null"])
        #expect(result.status == 1)
        #expect(
            result.errorLine
                == "rarebit: /dev/null: is no capture device: not a video node; rarebit cameras lists what there is")
    }
}
