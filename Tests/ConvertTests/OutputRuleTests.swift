import Foundation
import ProgramRunner
import Testing

/// The one rule for outputs: none is an input or another output, whatever leads to it; only regular files are replaced, through a
/// link its target; devices and pipes are written to.
@Suite struct AnOutput {
    private let place: Workplace

    init() throws {
        place = try Workplace()
        try place.writeCheckpoint()
    }

    private func convert(_ output: String, _ more: [String] = []) throws -> ProgramResult {
        try runProgram(
            "rarebit-convert",
            ["convert", place.checkpoint, "-o", output, "--calibrate", place.data, "--config", place.configuration]
                + more)
    }

    /// A refusal that changes nothing.
    private func expectRefusal(of path: String, _ run: () throws -> ProgramResult) throws {
        let before = try place.contents()
        let result = try run()
        #expect(result.status == 1)
        #expect(
            result.errorLine
                == "rarebit-convert: \(path): cannot be read: it is an output too; give the output another name")
        #expect(try place.contents() == before)
    }

    @Test(arguments: ["checkpoint.pth", "config.yaml", "names.txt", "counts.txt", "data_batch_1.bin"])
    func isNoInput(name: String) throws {
        let path = place.folder.path(name)
        let found = name.hasSuffix("txt") ? place.folder.url.path + "/\(name)" : path
        try expectRefusal(of: found) { try convert(path) }
        try expectRefusal(of: found) { try convert(place.model, ["--report", path]) }
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }

    @Test func isNoInputThroughALinkOfEitherKind() throws {
        let (soft, hard) = (place.folder.path("soft.rbit"), place.folder.path("hard.rbit"))
        try FileManager.default.createSymbolicLink(atPath: soft, withDestinationPath: place.checkpoint)
        try FileManager.default.linkItem(atPath: place.checkpoint, toPath: hard)
        for path in [soft, hard] {
            try expectRefusal(of: place.checkpoint) { try convert(path) }
        }
    }

    @Test func isNoPictureThatCalibratesIt() throws {
        let pictures = try TemporaryFolder()
        let picture = try pictures.pictures()[0]
        try expectRefusal(of: picture) {
            try runProgram(
                "rarebit-convert",
                [
                    "convert", place.checkpoint, "-o", picture, "--calibrate",
                    "images:\(pictures.path("pictures"))",
                    "--config", place.configuration,
                ])
        }
    }

    @Test func isNoOtherOutput() throws {
        let result = try convert(place.model, ["--report", place.folder.path("./model.rbit")])
        #expect(result.status == 1)
        #expect(result.errorLine?.hasSuffix("it is an output too; give the output another name") == true)
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }

    @Test func ofAnEvaluationIsNoInputEither() throws {
        #expect(try convert(place.model).status == 0)
        let before = try place.contents()
        for path in [place.model, place.folder.path("test_batch.bin")] {
            let result = try runProgram(
                "rarebit-convert", ["evaluate", place.model, "--data", place.data, "--report", path])
            #expect(result.status == 1)
            #expect(result.errorLine?.contains("\(path): cannot be read: it is an output too") == true)
        }
        #expect(try place.contents() == before)
    }

    @Test func replacesALinksTarget() throws {
        let (target, link) = (try place.folder.write([1], to: "target.rbit"), place.folder.path("link.rbit"))
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target.rbit")
        #expect(try convert(link).status == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.rbit")
        #expect(try Data(contentsOf: URL(fileURLWithPath: target)).starts(with: Array("RBIT".utf8)))
    }

    /// Also as root, who may replace it.
    @Test func leavesADeviceWhatItIs() throws {
        #expect(try convert("/dev/null", ["--report", "/dev/null"]).status == 0)
        var state = stat()
        #expect(stat("/dev/null", &state) == 0 && state.st_mode & S_IFMT == S_IFCHR)
    }

    @Test func goesThroughAPipe() throws {
        let result = try runShell(
            """
            cd "$1" && shift && mkfifo pipe && { cat pipe > received & } && "$@" > /dev/null 2>&1 && wait && \
            test -p pipe && head -c 4 received
            """,
            [
                place.folder.url.path, programPath("rarebit-convert"), "convert", "checkpoint.pth", "-o", "pipe",
                "--calibrate", "cifar10:.", "--config", "config.yaml",
            ])
        #expect(result.status == 0)
        #expect(result.output == "RBIT")
    }

    @Test func getsNothingThatWasMeantForAClosedStandardOutput() throws {
        let result = try runShell(
            "exec \"$@\" >&- 2>&-",
            [
                programPath("rarebit-convert"), "convert", place.checkpoint, "-o", place.model, "--calibrate",
                place.data,
                "--config", place.configuration,
            ])
        #expect(result.status == 0)
        let reference = place.folder.path("reference.rbit")
        #expect(try convert(reference).status == 0)
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: place.model)) == Data(contentsOf: URL(fileURLWithPath: reference))
        )
    }
}

extension TemporaryFolder {
    /// Writes a folder "pictures" of ten classes with a picture each, and returns their paths.
    fileprivate func pictures() throws -> [String] {
        try (0..<10).map { number in
            let folder = url.appendingPathComponent("pictures/\(number)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return try write(
                Array("P5 8 8 255\n".utf8) + [UInt8](repeating: UInt8(20 * number), count: 64),
                to: "pictures/\(number)/a.pgm")
        }
    }
}
