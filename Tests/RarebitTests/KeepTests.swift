import Foundation
import ModelFormat
import ProgramRunner
import Testing
import TinyModel

/// A recording of frames of many kinds, and what the program keeps of it.
private struct Setting {
    let folder: TemporaryFolder
    let model: String
    let frames: String
    var kept: String { folder.path("kept") }

    init(_ contents: ModelContents = TinyModel.contents) throws {
        folder = try TemporaryFolder()
        model = try folder.write(contents.serialized(), to: "model.rbit")
        var numbers = NumberSequence(seed: 5)
        let pictures = (0..<60).map { _ in
            let (base, contrast) = (numbers.next(in: 0...255), numbers.next(in: 0...255))
            return (0..<120).map { _ in UInt8(clamping: base + numbers.next(in: 0...contrast) - contrast / 2) }
        }
        frames = try folder.write(greyRecording(frames: pictures, width: 12, height: 10), to: "frames")
    }

    func run(_ arguments: [String]) throws -> ProgramResult {
        try runProgram(
            "rarebit", ["run", model, "--frames", frames, "--json", "--top", "4", "--keep", kept] + arguments)
    }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: kept).sorted() }
    }

    /// In the order in which they were kept. Every record has its picture, and nothing else is there.
    func keptRecords() throws -> [[String: Any]] {
        let names = try names
        let records = names.filter { $0.hasSuffix(".json") }
        #expect(names.count == 2 * records.count)
        return try records.map { name in
            let picture = try Data(contentsOf: URL(fileURLWithPath: "\(kept)/\(name.dropLast(5)).jpg"))
            #expect(picture.starts(with: [0xFF, 0xD8, 0xFF]) && picture.suffix(2) == Data([0xFF, 0xD9]))
            let record = try Data(contentsOf: URL(fileURLWithPath: "\(kept)/\(name)"))
            return try #require(JSONSerialization.jsonObject(with: record) as? [String: Any])
        }
    }
}

/// A frame's answer, as the run told it.
private struct Told {
    let frame: Int
    let isUnknown: Bool
    let top: [(class: Int, probability: Double, plain: Double)]

    init?(_ record: [String: Any]) {
        guard let frame = record["frame"] as? Int, let top = record["top"] as? [[String: Any]] else { return nil }
        self.frame = frame
        isUnknown = record["unknown"] as? Bool == true
        self.top = top.map {
            ($0["class"] as! Int, $0["probability"] as! Double, $0["plain_probability"] as! Double)
        }
    }

    var isFlipped: Bool { top.max { $0.plain < $1.plain }!.class != top[0].class }
    var margin: Double { top[0].probability - top[1].probability }
}

@Suite struct KeepingFrames {
    private static let everyOne = ["--keep-spacing", "0,0"]

    @Test(arguments: ["unknown", "margin<0.05", "flipped", "rare"])
    func keepsExactlyThoseOfItsRule(rule: String) throws {
        let setting = try Setting()
        let result = try setting.run(
            Self.everyOne + ["--keep-when", rule, "--alpha", "1"] + (rule == "unknown" ? ["--threshold", "0.4"] : []))
        #expect(result.status == 0)
        let told = try records(in: result.output).compactMap(Told.init)
        let due = told.filter {
            switch rule {
            case "unknown": $0.isUnknown
            case "flipped": $0.isFlipped
            case "rare": !$0.isUnknown && $0.top[0].class == 3  // of 5 images; the next has 30
            default: $0.margin < 0.05
            }
        }.map(\.frame)
        #expect(!due.isEmpty && due.count < told.count, "the recording tries nothing: \(due.count) of \(told.count)")
        let kept = try setting.keptRecords()
        #expect(kept.compactMap { $0["frame"] as? Int } == due)
        #expect(kept.allSatisfy { ($0["reasons"] as? [String]) == [rule.hasPrefix("margin") ? "margin" : rule] })
        let summary = try #require(records(in: result.output).last)
        #expect(summary["kept"] as? Int == due.count && summary["kept_passed_over"] as? Int == 0)
    }

    @Test func keepsWhatConfirmsAClass() throws {
        let setting = try Setting()
        let result = try setting.run(Self.everyOne + ["--keep-when", "seen", "--confirm", "2/3"])
        let seen = try records(in: result.output).filter { $0["event"] as? String == "seen" }
            .compactMap { $0["frame"] as? Int }
        #expect(!seen.isEmpty)
        #expect(try setting.keptRecords().compactMap { $0["frame"] as? Int } == seen)
    }

    @Test func keepsTheAnswerBesideThePicture() throws {
        let setting = try Setting()
        let result = try setting.run(Self.everyOne + ["--keep-when", "margin<1", "--rotate", "90"])
        let told = try records(in: result.output)
        let kept = try setting.keptRecords()
        #expect(kept.count == 60)
        for (record, answer) in zip(kept, told) {
            for name in ["frame", "sequence", "alpha"] { #expect(record[name] as? Double == answer[name] as? Double) }
            #expect(record["logits_crc"] as? String == answer["logits_crc"] as? String)
            #expect(
                (record["top"] as? [[String: Any]])?.first?["name"] as? String
                    == (answer["top"] as? [[String: Any]])?.first?["name"] as? String)
            #expect(record["width"] as? Int == 12 && record["height"] as? Int == 10)
            #expect(record["quarter_turns"] as? Int == 1 && (record["view"] as? [Double])?.count == 4)
            #expect((record["time"] as? String)?.wholeMatch(of: /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        }
        // The picture is the frame: what it shows is answered the same way, but for what JPEG costs.
        let pictures = try setting.names.filter { $0.hasSuffix(".jpg") }.map { "\(setting.kept)/\($0)" }
        let answers = try records(
            in: runProgram("rarebit", ["classify", setting.model, "--json", "--rotate", "90"] + pictures).output)
        let same = zip(answers, told).filter {
            (($0["top"] as? [[String: Any]])?.first?["class"] as? Int)
                == (($1["top"] as? [[String: Any]])?.first?["class"] as? Int)
        }
        #expect(answers.count == 60 && same.count >= 55, "\(same.count) of 60")
    }

    @Test func keepsNoMoreThanItsLimit() throws {
        let setting = try Setting()
        let rules = Self.everyOne + ["--keep-when", "margin<1"]
        #expect(try setting.run(rules + ["--keep-limit", "500M,7"]).status == 0)
        #expect(try setting.keptRecords().compactMap { $0["frame"] as? Int } == Array(53..<60))
        #expect(try setting.run(rules + ["--keep-limit", "10K,100"]).status == 0)
        let bytes = try setting.names.map {
            try FileManager.default.attributesOfItem(atPath: "\(setting.kept)/\($0)")[.size] as! Int
        }.reduce(0, +)
        #expect(bytes <= 10_240 && bytes > 7_000)
        #expect(try setting.keptRecords().last?["frame"] as? Int == 59)
    }

    @Test func keepsOneOfAScene() throws {
        let setting = try Setting()
        let still = try setting.folder.write(
            greyRecording(brightness: [UInt8](repeating: 90, count: 40)), to: "still")
        let result = try runProgram(
            "rarebit",
            [
                "run", setting.model, "--frames", still, "--keep", setting.kept, "--keep-when", "margin<1",
                "--keep-spacing", "0,0.1",
            ])
        #expect(result.status == 0)
        #expect(try setting.keptRecords().count == 1)
    }

    /// As on a full disk, a file cannot be written to its end: here the picture, there the record behind it.
    @Test(arguments: [1, 2])
    func leavesNoHalfWhereThereIsNoRoom(blocks: Int) throws {
        let setting = try Setting()
        // Its record names it: more than the picture takes.
        let frames = try setting.folder.write(
            Array(try Data(contentsOf: URL(fileURLWithPath: setting.frames))), to: String(repeating: "f", count: 250))
        let result = try runShell(
            """
            # Lines go through a pipe, which the limit is not for.
            (ulimit -f "$1"; shift; "$@" 2>&1 >/dev/null; echo "status $?") | cat
            """,
            [
                "\(blocks)", programPath("rarebit"), "run", setting.model, "--frames", frames, "--keep", setting.kept,
                "--keep-when", "margin<1", "--keep-spacing", "0,0", "--top", "4",
            ])
        #expect(result.output.hasSuffix("status 0\n"))
        #expect(try setting.names == [])
        #expect(result.output.contains("\(setting.kept): frames cannot be kept: File too large"))
        #expect(result.output.contains("keep_failed 60\n"))
        // With room again it goes on.
        #expect(try setting.run(Self.everyOne + ["--keep-when", "margin<1"]).status == 0)
        #expect(try setting.keptRecords().count == 60)
    }

    @Test func refusesRulesThatCannotBe() throws {
        let setting = try Setting()
        for (arguments, line) in [
            (
                ["--keep-when", "odd"],
                "--keep-when: 'odd' is no rule; give some of unknown, margin<0.1, flipped, rare, "
                    + "seen and every=600s, joined by commas"
            ),
            (
                ["--keep-when", "unknown,margin<0"],
                "--keep-when: 'margin<0' is no rule; give some of unknown, margin<0.1, "
                    + "flipped, rare, seen and every=600s, joined by commas"
            ),
            (
                ["--keep-when", "every=10"],
                "--keep-when: 'every=10' is no rule; give some of unknown, margin<0.1, flipped, "
                    + "rare, seen and every=600s, joined by commas"
            ),
            (
                ["--keep-when", "seen"],
                "--keep-when: seen needs --confirm, which says when a class is seen; see rarebit run "
                    + "--help"
            ),
            (
                ["--keep-limit", "500M"],
                "--keep-limit: '500M' is no limit; give the most bytes, at least 1K, and the most "
                    + "frames, at most 1000000, such as 500M,10000"
            ),
            (
                ["--keep-spacing", "5"],
                "--keep-spacing: '5' is no spacing; give seconds, 0...86400, and a difference of "
                    + "features, 0...2, such as 5,0.2"
            ),
        ] {
            let result = try setting.run(arguments)
            #expect(result.status == 2 && result.errorLine == "rarebit: \(line)")
        }
        let alone = try runProgram(
            "rarebit", ["run", setting.model, "--frames", setting.frames, "--keep-limit", "1M,1"])
        #expect(
            alone.errorLine
                == "rarebit: --keep-when, --keep-limit and --keep-spacing need --keep; see rarebit run --help")
        let file = try runProgram(
            "rarebit", ["run", setting.model, "--frames", setting.frames, "--keep", setting.model])
        #expect(file.status == 1)
        #expect(file.errorLine == "rarebit: \(setting.model): frames cannot be kept there: Not a directory")
    }

    @Test func refusesRareWithoutClassCounts() throws {
        var contents = TinyModel.contents
        contents.classCounts = []
        let result = try Setting(contents).run(["--keep-when", "rare"])
        #expect(result.status == 2)
        #expect(
            result.errorLine
                == "rarebit: --keep-when: rare needs the model to know how many training images each class had; "
                + "convert it again with --class-counts or a training folder")
    }
}
