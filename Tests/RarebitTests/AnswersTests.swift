import Foundation
import ProgramRunner
import Testing
import TinyModel

/// The tiny model and a recording, run by the program.
private struct Setting {
    let folder: TemporaryFolder
    let model: String
    let frames: String

    init(brightness: [UInt8]) throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        frames = try folder.write(greyRecording(brightness: brightness), to: "frames")
    }

    func run(_ arguments: String...) throws -> ProgramResult {
        try runProgram("rarebit", ["run", model, "--frames", frames] + arguments)
    }

    /// The first frame's classes, best first.
    func top(_ arguments: String...) throws -> [[String: Any]] {
        let result = try runProgram("rarebit", ["run", model, "--frames", frames, "--json", "--top", "4"] + arguments)
        #expect(result.status == 0 && result.errors == "")
        return try #require(records(in: result.output).first?["top"] as? [[String: Any]])
    }
}

private func numbers(_ name: String, of classes: [[String: Any]]) -> [Double] {
    classes.compactMap { $0[name] as? Double }
}

@Suite struct AnswersOfARun {
    @Test func carryLogitsAndProbabilitiesWithAndWithoutTheAdjustment() throws {
        let setting = try Setting(brightness: [77])
        let (adjusted, plain) = (try setting.top("--alpha", "1.5"), try setting.top("--alpha", "0"))
        func byClass(_ name: String, _ classes: [[String: Any]]) -> [Int: Double] {
            Dictionary(uniqueKeysWithValues: classes.map { ($0["class"] as! Int, $0[name] as! Double) })
        }
        #expect(byClass("plain_logit", adjusted) == byClass("logit", plain))
        #expect(byClass("plain_probability", adjusted) == byClass("probability", plain))
        #expect(byClass("logit", adjusted) != byClass("logit", plain))
        #expect(abs(numbers("plain_probability", of: adjusted).reduce(0, +) - 1) < 1e-4)
    }

    @Test func canBeOfSomeClassesByNameOrNumber() throws {
        let setting = try Setting(brightness: [77])
        let some = try setting.top("--classes", "moth \"grey\", 1")
        #expect(Set(some.compactMap { $0["class"] as? Int }) == [1, 3])
        #expect(abs(numbers("probability", of: some).reduce(0, +) - 1) < 1e-5)
        #expect(numbers("logit", of: some).allSatisfy { numbers("logit", of: (try? setting.top()) ?? []).contains($0) })
        for (list, item) in [
            ("bee,butterfly", "butterfly"), ("4", "4"), ("bee,,wasp", ""), ("Bee", "Bee"), ("-1", "-1"),
        ] {
            let result = try setting.run("--classes", list)
            #expect(result.status == 2)
            #expect(
                result.errorLine == "rarebit: --classes: '\(item)' is no class of the model; rarebit info lists them")
        }
    }

    @Test func areUnknownBelowTheThreshold() throws {
        let setting = try Setting(brightness: [77])
        let best = try #require(numbers("probability", of: setting.top()).first)
        let below = try setting.run("--threshold", "\(best - 0.001)")
        #expect(below.output.hasPrefix("frame 0: ") && !below.output.contains("unknown"))
        #expect(try setting.run("--threshold", "\(best + 0.001)").output == "frame 0: unknown\n")
        let record = try #require(records(in: setting.run("--threshold", "1", "--json").output).first)
        #expect(record["unknown"] as? Bool == true)
        #expect(try records(in: setting.run("--json").output).first?["unknown"] == nil)
    }

    @Test func areAveragedOverFrames() throws {
        let setting = try Setting(brightness: [0, 255])
        let frames = try records(in: setting.run("--json", "--smooth", "0.5", "--top", "4").output).dropLast()
        let tops = frames.compactMap { $0["top"] as? [[String: Any]] }
        for ranked in tops[1] {
            let before = try #require(tops[0].first { $0["class"] as? Int == ranked["class"] as? Int })
            let mean = ((before["frame_probability"] as! Double) + (ranked["frame_probability"] as! Double)) / 2
            #expect(abs(mean - (ranked["probability"] as! Double)) < 1e-5)
        }
        #expect(tops[0].allSatisfy { $0["frame_probability"] as? Double == $0["probability"] as? Double })
    }

    @Test func confirmWhatIsSeen() throws {
        let setting = try Setting(brightness: [77, 77, 77, 77])
        let result = try setting.run("--json", "--confirm", "3/4")
        let all = try records(in: result.output)
        let seen = all.filter { $0["event"] as? String == "seen" }
        #expect(seen.count == 1 && seen[0]["frame"] as? Int == 2)
        let best = try #require((all[0]["top"] as? [[String: Any]])?.first)
        #expect(
            seen[0]["class"] as? Int == best["class"] as? Int && seen[0]["name"] as? String == best["name"] as? String)
        let text = try setting.run("--confirm", "3/4")
        #expect(text.errors.contains("rarebit: \(setting.frames): seen \(best["name"]!)\n"))
        #expect(text.output.split(separator: "\n").count == 4)
    }

    @Test(
        arguments: [
            (
                ["--confirm", "3"],
                "--confirm: '3' is no share of frames; give N/M, such as 3/5, with N at most M and M at most 64"
            ),
            (
                ["--confirm", "4/3"],
                "--confirm: '4/3' is no share of frames; give N/M, such as 3/5, with N at most M and M at most 64"
            ),
            (
                ["--confirm", "1/65"],
                "--confirm: '1/65' is no share of frames; give N/M, such as 3/5, with N at most M and M at most 64"
            ),
            (["--threshold", "1.1"], "--threshold: '1.1' is out of range; give 0...1"),
            (["--output", "records"], "--output: 'records' is no output; give -, file:PATH or unix:PATH"),
            (["--output", "file:"], "--output: 'file:' is no output; give -, file:PATH or unix:PATH"),
            (["--rotate-size", "1M"], "--rotate-size needs an output file; see --output in rarebit run --help"),
            (
                ["--rotate-size", "1023"],
                "--rotate-size: '1023' is no size of a file; give at least 1K, such as 500K, 10M or 1G"
            ),
            (["--rotate-keep", "3"], "--rotate-keep needs --rotate-size; see rarebit run --help"),
            (["--when-full", "panic"], "--when-full: 'panic' is neither drop nor wait"),
        ] as [([String], String)])
    func areRefusedWithWrongRules(arguments: [String], line: String) throws {
        let setting = try Setting(brightness: [77])
        let result = try runProgram("rarebit", ["run", setting.model, "--frames", setting.frames] + arguments)
        #expect(result.status == 2 && result.output == "")
        #expect(result.errorLine == "rarebit: " + line)
    }
}

@Suite struct OutputsOfARun {
    @Test func canBeFilesThatMoveOn() throws {
        let setting = try Setting(brightness: (0..<40).map { UInt8($0) })
        let path = setting.folder.path("answers")
        let result = try setting.run("--json", "--output", "file:\(path)", "--rotate-size", "8K", "--rotate-keep", "3")
        #expect(result.status == 0 && result.output == "")
        #expect(result.errors == "")  // nothing happened
        var frames: [Int] = []
        for name in ["\(path).3", "\(path).2", "\(path).1", path] where FileManager.default.fileExists(atPath: name) {
            let text = try String(contentsOfFile: name, encoding: .utf8)
            #expect(text.utf8.count <= 8192)
            frames += try records(in: text).compactMap { $0["frame"] as? Int }
        }
        #expect(frames == Array(0..<40))
        #expect(FileManager.default.fileExists(atPath: "\(path).1"))
    }

    @Test func outliveAFileThatMayNotGrow() throws {
        let setting = try Setting(brightness: (0..<40).map { UInt8($0) })
        let path = setting.folder.path("answers")
        // The shell's unit of 512 bytes; Linux then refuses to write beyond, as it does on a full disk.
        let script = #"ulimit -f 8; exec "$1" run "$2" --frames "$3" --json --output "file:$4" "#
        let parameters = [programPath("rarebit"), setting.model, setting.frames, path]
        let dropping = try runShell(script + "--when-full drop", parameters)
        #expect(dropping.status == 0)
        let errors = dropping.errors.split(separator: "\n")
        #expect(errors.filter { $0.contains("output_full: records are lost: File too large") }.count == 1)
        #expect(try #require(errors.last).contains("output_full "))
        let frames = try records(in: String(contentsOfFile: path, encoding: .utf8)).compactMap { $0["frame"] as? Int }
        #expect(frames == Array(0..<frames.count) && (1..<40).contains(frames.count))

        try FileManager.default.removeItem(atPath: path)
        let waiting = try runShell(script, parameters)
        #expect(waiting.status == 1)
        #expect(waiting.errors.contains("rarebit: \(path): cannot be written: File too large"))
    }

    @Test func endQuietlyWithTheirReader() throws {
        let setting = try Setting(brightness: [1, 2, 3])
        let result = try runShell(
            #"{ "$1" run "$2" --frames "$3" --loop --json; echo "status $?" >&2; } | head -2"#,
            [programPath("rarebit"), setting.model, setting.frames])
        #expect(result.errors == "status 0\n")
        #expect(try records(in: result.output).count == 2)
    }

    @Test func sayWhyTheyCannotBeOpened() throws {
        let setting = try Setting(brightness: [1])
        let path = setting.folder.path("none/answers")
        for place in ["file", "unix"] {
            let result = try setting.run("--output", "\(place):\(path)")
            #expect(result.status == 1)
            #expect(result.errorLine == "rarebit: \(path): cannot be written: No such file or directory")
        }
    }
}

@Suite(.serialized) struct AHangupSignal {
    /// A program that replays a recording without end, into a file that only ever holds whole records.
    private final class Runner {
        let setting: Setting
        let configuration: String
        private let process = Process()
        private let errorsPath: String

        init(_ text: String) throws {
            setting = try Setting(brightness: [77])
            configuration = try setting.folder.write(Array(text.utf8), to: "rarebit.conf")
            errorsPath = try setting.folder.write([], to: "errors")
            process.executableURL = URL(fileURLWithPath: programPath("rarebit"))
            process.arguments = [
                "run", setting.model, "--frames", setting.frames, "--loop", "--json", "--config", configuration,
                "--output", "file:\(setting.folder.path("answers"))", "--rotate-size", "64K", "--rotate-keep", "1",
            ]
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorsPath))
            try process.run()
            try wait { try !lastRecords().isEmpty }
        }

        deinit {
            process.terminate()
            process.waitUntilExit()
        }

        var isRunning: Bool { process.isRunning }

        func reload(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
            kill(process.processIdentifier, SIGHUP)
        }

        func errors() throws -> String { try String(contentsOfFile: errorsPath, encoding: .utf8) }

        /// The whole records that the newest file holds by now.
        func lastRecords() throws -> [[String: Any]] {
            let text = try? String(contentsOfFile: setting.folder.path("answers"), encoding: .utf8)
            guard let text, let end = text.lastIndex(of: "\n") else { return [] }
            return try records(in: String(text[..<end]))
        }

        /// Looks again and again, for at most twenty seconds.
        func wait(until condition: () throws -> Bool) throws {
            for _ in 0..<2000 {
                if try condition() { return }
                usleep(10_000)
            }
            Issue.record("waited in vain; on standard error: \(try errors())")
        }
    }

    @Test func changesWhatCanChangeAndNamesTheRest() throws {
        let runner = try Runner("alpha = 0.25\n")
        try runner.wait { try runner.lastRecords().last?["alpha"] as? Double == 0.25 }
        try runner.reload("alpha = 3\nclasses = wasp, fly\nthresholds = wasp:1, fly:1\ntop = 1\nthreads = 2\n")
        // Kept, because a file that has just been turned over holds no record yet.
        var record: [String: Any]?
        try runner.wait {
            record = try runner.lastRecords().last
            return record?["alpha"] as? Double == 3
        }
        let top = try #require(record?["top"] as? [[String: Any]])
        #expect(Set(top.map { $0["name"] as! String }) == ["wasp", "fly"])
        #expect(record?["unknown"] as? Bool == true)
        #expect(
            try runner.errors()
                == "rarebit: \(runner.configuration): read again; a restart is needed for top, threads\n")
    }

    @Test(
        arguments: [
            ("alpha = 2\ntop = none\n", ":2: top: 'none' is not a number"),
            (
                "alpha = 2\nclasses = bee, butterfly\n",
                ":2: classes: 'butterfly' is no class of the model; rarebit info lists them"
            ),
            ("alpha = 2\nrubbish\n", ":2: is not 'name = value'; # starts a comment"),
        ])
    func keepsTheOldSettingsWhereTheFileIsWrong(text: String, reason: String) throws {
        let runner = try Runner("alpha = 0.25\nclasses = bee, wasp\n")
        try runner.reload(text)
        try runner.wait { try runner.errors().hasSuffix("\n") }
        #expect(try runner.errors() == "rarebit: \(runner.configuration)\(reason); the old settings stay\n")
        try runner.reload("alpha = 0.5\n")
        try runner.wait { try runner.lastRecords().last?["alpha"] as? Double == 0.5 }
        // Nothing of the wrong file was ever taken.
        #expect(try runner.lastRecords().allSatisfy { $0["alpha"] as? Double != 2 })
        #expect(runner.isRunning)
    }
}
