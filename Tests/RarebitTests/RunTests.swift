import Foundation
import ProgramRunner
import Testing
import TinyModel

/// JSON lines.
func records(in output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map {
        try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
}

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
        let all = try records(in: result.output)
        let records = all.dropLast()
        let summary = try #require(all.last)
        #expect(summary["event"] as? String == "summary" && summary["frames"] as? Int == 4)
        let errors = try #require(summary["errors"] as? [String: Int])
        #expect(errors.count == 16 && errors.values.allSatisfy { $0 == 0 })
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

    @Test func comesNoFasterThanAsked() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2, 3, 4]), to: "frames")
        let result = try setting.run(["--frames", frames, "--json", "--fps", "20"])
        #expect(result.status == 0 && result.errors == "")
        let all = try records(in: result.output)
        let times = all.compactMap { $0["frame"] == nil ? nil : $0["timestamp_ns"] as? Int }
        #expect(times.count == 4)
        // Three intervals of 50 ms; a late frame may be followed by an early one.
        #expect(times[3] - times[0] >= 149_000_000 - 50_000_000)
        #expect(try #require(all.last?["duration_ms"] as? Double) >= 100)
    }

    @Test func loopsNothingButARecording() throws {
        let result = try Setting().run(["--loop"])
        #expect(result.status == 2)
        #expect(result.errorLine == "rarebit: --loop needs --frames or --source; see rarebit run --help")
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
            return try records(in: result.output).dropLast().map { try #require($0["logits_crc"] as? String) }
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
            (
                good.prefix(256) + Array("FRAX".utf8) + good.dropFirst(260),
                "frame 1 is damaged; copy the recording again"
            ),
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

@Suite struct Recording {
    @Test func leavesOutAFrameThatTheFileEndsIn() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2, 3]).dropLast(), to: "frames")
        let result = try setting.run(["--frames", frames])
        #expect(result.status == 0 && result.output.split(separator: "\n").count == 2)
        #expect(result.errors.hasPrefix("rarebit: \(frames): ends inside a frame, which is left out\n"))
    }

    @Test func givesTheSameAnswersWhenItIsReplayed() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [3, 120, 250]), to: "frames")
        let copy = setting.folder.path("copy")
        func answers(_ arguments: [String]) throws -> [[String?]] {
            let result = try setting.run(arguments + ["--json"])
            #expect(result.status == 0 && result.errors == "")
            return try result.output.split(separator: "\n").filter { $0.hasPrefix("{\"frame\":") }.map {
                let record = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                return [record?["input_crc"] as? String, record?["logits_crc"] as? String]
            }
        }
        let recorded = try answers(["--frames", frames, "--record", copy])
        #expect(recorded.count == 3 && Set(recorded).count == 3)
        #expect(try answers(["--frames", copy]) == recorded)
    }

    @Test func toNoFileIsAFailure() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2]), to: "frames")
        let result = try setting.run(["--frames", frames, "--record", "/nonexistent/frames"])
        #expect(result.status == 1 && result.output == "")
        #expect(result.errorLine == "rarebit: /nonexistent/frames: cannot be written: No such file or directory")
    }

    /// A file that may have 512 bytes stands for a full disk: two frames fit.
    @Test func onAFullDiskStopsNoAnswerAndGoesOnWhenThereIsSpace() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [3, 120, 250]), to: "frames")
        let copy = setting.folder.path("copy")
        let program = programPath("rarebit")
        let full = try runShell(
            #"(ulimit -S -f 1; exec "$1" run "$2" --frames "$3" --record "$4") | cat"#,
            [program, setting.model, frames, copy])
        #expect(full.status == 0 && full.output.hasPrefix("frame 0: ") && full.output.contains("\nframe 2: "))
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy)).count == 64 + 2 * 192)
        #expect(try !setting.run(["--frames", copy]).errors.contains("left out"))

        let freed = try runShell(
            #"""
            (ulimit -S -f 1; exec "$1" run "$2" --frames "$3" --loop --count 1000000 --record "$4") >/dev/null 2>&1 &
            size() { stat -c %s "$4"; }
            tries=0
            while [ "$(size "$@")" != 448 ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
            prlimit --pid $! --fsize=unlimited
            while [ "$(size "$@")" -lt 10000 ] && [ $tries -lt 400 ]; do sleep 0.05; tries=$((tries + 1)); done
            kill $!
            wait $!
            """#, [program, setting.model, frames, copy])
        #expect(freed.status == 0 && freed.errors == "")
        let again = try setting.run(["--frames", copy, "--count", "20"])
        #expect(again.status == 0 && again.output.split(separator: "\n").count == 20)
    }
}

@Suite struct RunningOnACamera {
    @Test(
        arguments: [
            ("--size", "640"), ("--size", "640x"), ("--size", "x480"), ("--size", "640x480x2"), ("--size", "0x480"),
            ("--size", "640X480"), ("--size", "999999x1"), ("--format", "H264"), ("--fps", "0"), ("--patience", "-1"),
        ])
    func refusesASettingThatMakesNoSense(option: String, value: String) throws {
        let result = try Setting().run([option, value])
        #expect(result.status == 2 && result.output == "")
        #expect(result.errorLine?.hasPrefix("rarebit: \(option): '\(value)'") == true)
    }

    @Test(arguments: ["serial:none-such", "port:none-such"])
    func saysThatThereIsNoneAtAnAddress(address: String) throws {
        let result = try Setting().run(["--camera", address])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: \(address): no such camera; rarebit cameras lists what there is")
    }

    @Test func waitsForOneAsLongAsItIsTold() throws {
        let begin = Date()
        let result = try Setting().run(["--camera", "/dev/video63", "--patience", "0.3"])
        #expect(result.status == 1 && Date().timeIntervalSince(begin) >= 0.3)
        #expect(
            result.errors.hasSuffix(
                "\nrarebit: /dev/video63: no such camera; rarebit cameras lists what there is\n"))
    }

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

@Suite struct ASmallMachine {
    /// Descriptors 0 to 2 and so many more: wherever they run out, the program ends and says so.
    @Test(arguments: 4..<16)
    func hasFewDescriptors(limit: Int) throws {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2]), to: "frames")
        let result = try runShell(
            #"ulimit -n "$4"; exec timeout -s KILL 20 "$1" run "$2" --frames "$3" --metrics 127.0.0.1:"$5""#,
            [programPath("rarebit"), setting.model, frames, String(limit), String(19_200 + limit)])
        #expect(result.status == 0 || result.status == 1)
        #expect(result.status == 0 || result.errorLine?.hasSuffix("Too many open files") == true, "\(result.errors)")
    }
}

@Suite struct ASmallStack {
    private func run(limit: String, before: String = "") throws -> ProgramResult {
        let setting = try Setting()
        let frames = try setting.folder.write(greyRecording(brightness: [1, 2]), to: "frames")
        return try runShell(
            "ulimit \(limit) 64 && exec \(before) \"$1\" run \"$2\" --frames \"$3\"",
            [programPath("rarebit"), setting.model, frames])
    }

    @Test func isMadeLargerWhereThatIsAllowed() throws {
        let result = try run(limit: "-S -s")
        #expect(result.status == 0 && result.errors == "")
        #expect(result.output.split(separator: "\n").count == 2)
    }

    @Test func isRefusedInOneLineWhereItIsNot() throws {
        // The superuser may raise every limit, unless it gave that privilege up.
        let before = getuid() == 0 ? "setpriv --bounding-set=-sys_resource" : ""
        let result = try run(limit: "-s", before: before)
        #expect(result.status == 1)
        #expect(
            result.errorLine
                == "rarebit: needs 512 KB of stack, more than it is allowed; raise the limit with ulimit -s")
    }
}

@Suite struct ANameThatSteersTerminals {
    private let name = "a\u{1B}]0;title\u{7}\u{9B}31m\u{202E}\nb"

    @Test func standsInErrorsWithQuestionMarks() throws {
        let result = try Setting().run(["--frames", "/none/\(name)"])
        #expect(result.errorLine == "rarebit: /none/a?]0;title??31m??b: cannot be read: No such file or directory")
        let option = try Setting().run(["--format", name])
        #expect(option.errorLine?.hasPrefix("rarebit: --format: 'a?]0;title??31m??b' is no pixel format") == true)
    }

    @Test func standsInEventsWithQuestionMarks() throws {
        let setting = try Setting()
        let frames = try setting.folder.write(Array(greyRecording(brightness: [1, 2]).dropLast()), to: name)
        let result = try setting.run(["--frames", frames])
        #expect(result.errorLine?.hasSuffix("/a?]0;title??31m??b: ends inside a frame, which is left out") == true)
    }
}
