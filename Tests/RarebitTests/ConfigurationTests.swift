import Foundation
import ProgramRunner
import Testing
import TinyModel

/// A model and one recorded frame of 12 x 10 grey pixels in a folder, and a configuration file beside them.
private struct Setting {
    let folder: TemporaryFolder
    let model: String
    let frames: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        frames = try folder.write(greyRecording(brightness: [77]), to: "frames")
    }

    /// Runs with a configuration file of this text.
    func run(_ text: String, _ arguments: [String] = []) throws -> (result: ProgramResult, file: String) {
        let file = try folder.write(Array(text.utf8), to: "rarebit.conf")
        return (try runProgram("rarebit", ["run", "--config", file] + arguments), file)
    }
}

@Suite struct AConfigurationFile {
    @Test func givesTheOptionsOfTheCommandLine() throws {
        let setting = try Setting()
        let (result, _) = try setting.run(
            """
            # What the device does.

            model = \(setting.model)
              frames=\(setting.frames)   # a recording
            \talpha = 0.25\r
            json = yes
            top = 2
            """)
        #expect(result.status == 0)
        #expect(result.errors == "")
        let (direct, _) = try setting.run(
            "", [setting.model, "--frames", setting.frames, "--alpha", "0.25", "--json", "--top", "2"])
        // All but time stamps and ages.
        func answer(_ result: ProgramResult) throws -> Substring {
            let line = try #require(result.output.split(separator: "\n").first)
            return line[try #require(line.range(of: "\"alpha\"")).lowerBound...]
        }
        #expect(try answer(result) == answer(direct))
        #expect(try answer(result).hasPrefix("\"alpha\":0.250,\"top\":["))
    }

    /// As Windows' editors write it.
    @Test func mayHaveCarriageReturnsAndAByteOrderMark() throws {
        let setting = try Setting()
        let lines = [
            "# What the device does.", "", "model = \(setting.model)", "frames = \(setting.frames)",
            "alpha = 0.25 # less",
            "json = yes", "classes = 0, 1", "",
        ]
        let plain = try setting.run(lines.joined(separator: "\n")).result
        let foreign = try setting.run("\u{FEFF}" + lines.joined(separator: "\r\n")).result
        #expect(foreign.status == 0 && foreign.errors == "")
        let pattern = #/"(timestamp_ns|age_ms|duration_ms)":[0-9.]+/#
        #expect(foreign.output.replacing(pattern, with: "") == plain.output.replacing(pattern, with: ""))
        let (refused, file) = try setting.run("alpha = 1\r\nalpha = x\r\n", [setting.model])
        #expect(refused.errorLine == "rarebit: \(file):2: alpha stands in line 1 already; keep one of them")
    }

    @Test func givesWayToTheCommandLine() throws {
        let setting = try Setting()
        let (result, _) = try setting.run(
            "alpha = 0.25\njson = yes\ncamera = /dev/video63\n",
            [setting.model, "--alpha", "3", "--frames", setting.frames])
        #expect(result.status == 0)
        #expect(result.output.contains("\"alpha\":3.000"))
    }

    @Test func canSwitchAFlagOff() throws {
        let setting = try Setting()
        let (result, _) = try setting.run("json = no\n", [setting.model, "--frames", setting.frames])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("frame 0: "))
    }

    @Test(
        arguments: [
            ("alpha = 1\nalpha 2\n", ":2: is not 'name = value'; # starts a comment"),
            ("\n\nalpha =\n", ":3: is not 'name = value'; # starts a comment"),
            ("= 3", ":1: is not 'name = value'; # starts a comment"),
            ("alpha = 1\u{0}5", ":1: is not 'name = value'; # starts a comment"),
            ("top = 3\nalpah = 1", ":2: no option 'alpah'; rarebit run --help lists them"),
            ("runs = 3", ":1: no option 'runs'; rarebit run --help lists them"),
            ("config = other.conf", ":1: no option 'config'; rarebit run --help lists them"),
            ("help = yes", ":1: no option 'help'; rarebit run --help lists them"),
            ("alpha = 1\ntop = 2\nalpha = 2", ":3: alpha stands in line 1 already; keep one of them"),
            ("top = 2\n\nalpha = strong", ":3: alpha: 'strong' is not a number"),
            ("# none\ntop = 33", ":2: top: '33' is out of range; give 1...32"),
            ("json = maybe", ":1: json: 'maybe' is neither yes nor no"),
        ])
    func isRefusedWithTheLine(text: String, message: String) throws {
        let setting = try Setting()
        let (result, file) = try setting.run(text, [setting.model, "--frames", setting.frames])
        #expect(result.status == 2)
        #expect(result.errorLine == "rarebit: \(file)\(message)")
        #expect(result.output == "")
    }

    @Test func mustBeThereAndBeSmall() throws {
        let setting = try Setting()
        let missing = try runProgram("rarebit", ["run", setting.model, "--config", setting.folder.path("none")])
        #expect(missing.status == 1)
        #expect(
            missing.errorLine
                == "rarebit: \(setting.folder.path("none")): cannot be read: No such file or directory")
        let full = String(repeating: "#", count: 16_383) + "\n"
        #expect(try setting.run(full, [setting.model, "--frames", setting.frames]).result.status == 0)
        let (large, file) = try setting.run(full + "#", [setting.model, "--frames", setting.frames])
        #expect(large.status == 1)
        #expect(large.errorLine == "rarebit: \(file): cannot be read: File too large")
        let folder = try runProgram("rarebit", ["run", setting.model, "--config", setting.folder.url.path])
        #expect(folder.errorLine == "rarebit: \(setting.folder.url.path): cannot be read: Is a directory")
    }

    @Test func ofAnyBytesNeverCrashesTheProgram() throws {
        let setting = try Setting()
        var numbers = NumberSequence(seed: 7)
        let pieces = ["alpha", "=", " ", "\n", "#", "top", "1", "json", "yes", "\r", "\t", "\u{0}", "é", "frames"]
        for _ in 0..<30 {
            let text = (0..<numbers.next(in: 1...40)).map { _ in pieces[numbers.next(in: 0...pieces.count - 1)] }
            let (result, _) = try setting.run(text.joined(), [setting.model, "--frames", setting.frames])
            #expect([0, 2].contains(result.status))
            #expect((result.status == 2) == (result.errorLine != nil))
        }
    }
}
