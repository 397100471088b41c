import Foundation
import ProgramRunner
import Testing
import TinyModel

private let isInput = "it is an input too; give the output another name"
private let isOutput = "it is an output too; give the output another name"

/// An output never is an input, nor another output.
@Suite struct FilesThatARunWrites {
    private let folder: TemporaryFolder
    private let model: String
    private let frames: String
    private let recording = greyRecording(brightness: [3, 90, 250])

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        frames = try folder.write(recording, to: "frames")
    }

    private func run(_ arguments: [String]) throws -> ProgramResult {
        try runProgram("rarebit", ["run", model, "--frames", frames] + arguments)
    }

    private func contents(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func link(_ name: String, to target: String) throws -> String {
        try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
        return folder.path(name)
    }

    /// Every spelling of a path: itself, a detour, a symbolic link, another name of the same file.
    private func spellings(of path: String) throws -> [String] {
        let detour =
            folder.url.path + "/../" + folder.url.lastPathComponent + "/./" + (path as NSString).lastPathComponent
        let name = (path as NSString).lastPathComponent
        try FileManager.default.linkItem(atPath: path, toPath: folder.path(name + ".hard"))
        return [path, detour, try link(name + ".soft", to: path), folder.path(name + ".hard")]
    }

    @Test(arguments: [true, false], [true, false])
    func areNoInputs(isModel: Bool, isRecorded: Bool) throws {
        let input = isModel ? model : frames
        let before = try contents(input)
        for path in try spellings(of: input) {
            let result = try run(isRecorded ? ["--record", path] : ["--output", "file:" + path])
            #expect(result.status == 1 && result.output == "")
            #expect(result.errorLine == "rarebit: \(path): cannot be written: \(isInput)")
            #expect(try contents(input) == before)
        }
    }

    @Test func areNotTheConfigurationFile() throws {
        let text = "top = 1\n"
        let configuration = try folder.write(Array(text.utf8), to: "rarebit.conf")
        let result = try run(["--config", configuration, "--output", "file:" + configuration])
        #expect(result.errorLine == "rarebit: \(configuration): cannot be written: \(isInput)")
        #expect(try contents(configuration) == Array(text.utf8))
    }

    @Test func areNotOneFile() throws {
        let path = folder.path("both")
        let result = try run(["--output", "file:" + path, "--record", path])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: \(path): cannot be written: \(isOutput)")
    }

    @Test func areNotWhereStandardOutputGoes() throws {
        let result = try runShell(
            #""$1" run "$2" --frames "$3" --record "$4" >"$4""#,
            [programPath("rarebit"), model, frames, folder.path("both")])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: \(folder.path("both")): cannot be written: \(isOutput)")
    }

    @Test(
        arguments: [
            (#"run "$2" --frames "$3" >>"$3""#, "frames"), (#"info "$2" >>"$2""#, "model.rbit"),
            (#"info "$2" 2>>"$2""#, "model.rbit"),
        ])
    func areNotAppendedToAnInput(command: String, input: String) throws {
        let before = try contents(folder.path(input))
        let result = try runShell("\"$1\" \(command)", [programPath("rarebit"), model, frames])
        #expect(result.status == 1 && result.output == "")
        #expect(Array(try contents(folder.path(input)).prefix(before.count)) == before)
    }

    @Test func doNotLandInAFileWhereStandardOutputIsClosed() throws {
        let copy = folder.path("copy")
        let closed = try runShell(
            #""$1" run "$2" --frames "$3" --record "$4" >&-"#, [programPath("rarebit"), model, frames, copy])
        #expect(closed.status == 1)
        #expect(closed.errorLine == "rarebit: standard output cannot be written: Bad file descriptor")
        #expect(try contents(copy).starts(with: Array("RBFRAMES".utf8)))
        #expect(try !String(decoding: contents(copy), as: UTF8.self).contains("frame "))
        let unused = try runShell(
            #""$1" run "$2" --frames "$3" --output "file:$4" <&- >&- 2>&-"#,
            [programPath("rarebit"), model, frames, folder.path("answers")])
        #expect(unused.status == 0)
        #expect(try String(decoding: contents(folder.path("answers")), as: UTF8.self).split(separator: "\n").count == 3)
    }

    @Test func goThroughALinkToItsTarget() throws {
        let target = folder.path("target")
        let through = try link("through", to: target)
        #expect(try run(["--record", through]).status == 0)
        #expect(try contents(target).count == recording.count)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: through) == target)
    }

    /// A pipe is a reader's, and gets what a file would hold.
    @Test(arguments: ["--record \"$4\"", "--output \"file:$4\""])
    func areWrittenToAPipe(option: String) throws {
        let result = try runShell(
            #"mkfifo "$4"; "$1" run "$2" --frames "$3" \#(option) >/dev/null & cat "$4"; wait $!; test -p "$4""#,
            [programPath("rarebit"), model, frames, folder.path("pipe")])
        #expect(result.status == 0 && result.errors == "")
        if option.hasPrefix("--record") {
            #expect(result.output.utf8.starts(with: "RBFRAMES".utf8))
        } else {
            #expect(result.output.split(separator: "\n").count == 3)
        }
    }

    @Test func endWithTheProgramWhereNobodyReadsThePipe() throws {
        let result = try runShell(
            #"mkfifo "$4"; timeout -k 5 -s TERM 0.5 "$1" run "$2" --frames "$3" --record "$4""#,
            [programPath("rarebit"), model, frames, folder.path("pipe")])
        #expect(result.status != 137)
        #expect(result.errorLine == "rarebit: \(folder.path("pipe")): cannot be written: Interrupted system call")
    }

    /// A private node, so that a mistake costs nothing: root alone can make one.
    @Test(.enabled(if: getuid() == 0))
    func areWrittenToADevice() throws {
        let node = folder.path("null")
        try #require(mknod(node, S_IFCHR | 0o666, 1 << 8 | 3) == 0)
        for option in [["--record", node], ["--output", "file:" + node, "--rotate-size", "1K"]] {
            let result = try run(option)
            #expect(result.status == 0 && result.errors == "")
            var status = stat()
            #expect(lstat(node, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        }
    }

    @Test func doNotRotateOverWhatIsNoOlderOutput() throws {
        let answers = folder.path("answers")
        try FileManager.default.moveItem(atPath: model, toPath: answers + ".1")
        let before = try contents(answers + ".1")
        let result = try runProgram(
            "rarebit",
            [
                "run", answers + ".1", "--frames", frames, "--loop", "--count", "100", "--json", "--output",
                "file:" + answers, "--rotate-size", "1K",
            ])
        #expect(result.status == 0)
        #expect(try contents(answers + ".1") == before)
        #expect(try String(decoding: contents(answers), as: UTF8.self).split(separator: "\n").count == 101)
    }

    @Test func rotateBesideTheTargetOfALink() throws {
        try FileManager.default.createDirectory(atPath: folder.path("disk"), withIntermediateDirectories: false)
        let through = try link("answers", to: folder.path("disk/answers"))
        let result = try run([
            "--loop", "--count", "10", "--json", "--output", "file:" + through, "--rotate-size", "1K",
        ])
        #expect(result.status == 0)
        #expect(FileManager.default.fileExists(atPath: folder.path("disk/answers.1")))
        #expect(!FileManager.default.fileExists(atPath: folder.path("answers.1")))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: through) == folder.path("disk/answers"))
    }
}
