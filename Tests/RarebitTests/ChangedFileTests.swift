import Foundation
import ProgramRunner
import Testing
import TinyModel

/// Files that somebody changes while the program runs. Each script runs it into a pipe that is much smaller than its answers,
/// and makes its change behind the first of them: the program is in the middle of its work then.
@Suite struct AFileThatChangesMeanwhile {
    private let folder: TemporaryFolder
    private let model: String
    private let frames: String
    private let count = 2000

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        frames = try folder.write(greyRecording(brightness: [3, 90, 250]), to: "frames")
    }

    /// The checksums that the frames are answered with, apart from what is done in the middle: `change` is a shell script,
    /// $1 the file.
    private func run(_ change: String, to file: String) throws -> (ProgramResult, answers: [String]) {
        let result = try runShell(
            #"""
            file=$1
            mkfifo "$2/pipe"
            "$3" run "$4" --frames "$5" --loop --count "$6" --json >"$2/pipe" &
            exec 3<"$2/pipe"
            head -c 100 <&3
            \#(change)
            cat <&3
            wait $!
            """#, [file, folder.url.path, programPath("rarebit"), model, frames, String(count)])
        let answers = result.output.split(separator: "\n").compactMap { line -> String? in
            guard let begin = line.range(of: "\"input_crc\":") else { return nil }
            return String(line[begin.lowerBound...])
        }
        return (result, answers)
    }

    @Test(
        arguments: [
            #": >"$file""#, #"head -c 5000 /dev/zero | dd of="$file" conv=notrunc status=none"#,
            #"echo other >"$file.new"; mv "$file.new" "$file""#, #"rm "$file""#,
        ])
    func changesNoAnswerWhereItIsTheModel(change: String) throws {
        let (_, expected) = try run(":", to: model)
        try FileManager.default.removeItem(atPath: folder.path("pipe"))
        #expect(expected.count == count && Set(expected).count == 3)
        let (result, answers) = try run(change, to: model)
        #expect(result.status == 0 && result.errors == "")
        #expect(answers == expected)
    }

    @Test(arguments: [#"echo other >"$file.new"; mv "$file.new" "$file""#, #"rm "$file""#])
    func changesNoAnswerWhereTheRecordingIsReplaced(change: String) throws {
        let (result, answers) = try run(change, to: frames)
        #expect(result.status == 0 && result.errors == "")
        #expect(answers.count == count && Set(answers).count == 3)
    }

    @Test(
        arguments: [
            #": >"$file""#, #"echo more >>"$file""#,
            #"head -c 300 /dev/zero | dd of="$file" bs=1 seek=128 conv=notrunc status=none"#,
        ])
    func endsTheReplayWhereTheRecordingIsWrittenTo(change: String) throws {
        let (_, expected) = try run(":", to: frames)
        try FileManager.default.removeItem(atPath: folder.path("pipe"))
        let (result, answers) = try run(change, to: frames)
        #expect(result.status == 1)
        #expect(
            result.errorLine
                == "rarebit: \(frames): the recording was written to while it was replayed; what came before is right, "
                + "replay it again")
        #expect(!answers.isEmpty && answers.count < count)
        #expect(answers == Array(expected.prefix(answers.count)))
    }
}
