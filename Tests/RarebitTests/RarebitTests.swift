import Foundation
import ProgramRunner
import Testing
import TinyModel

private func modelFile(in folder: TemporaryFolder, _ change: (inout [UInt8]) -> Void = { _ in }) throws -> String {
    var bytes = TinyModel.contents.serialized()
    change(&bytes)
    return try folder.write(bytes, to: "model.rbit")
}

/// A P6 picture of one colour.
private func picture(width: Int, height: Int, colour: [UInt8]) -> [UInt8] {
    Array("P6\n\(width) \(height)\n255\n".utf8) + (0..<width * height).flatMap { _ in colour }
}

@Suite struct TheCommandLine {
    @Test(
        arguments: [
            ([], "rarebit: no command given; see rarebit --help"),
            (["dance"], "rarebit: no command 'dance'; see rarebit --help"),
            (["info", "m", "--frob"], "rarebit: no option '--frob'; see rarebit --help"),
            (["run", "m", "--alpha"], "rarebit: option '--alpha' needs a value; see rarebit --help"),
            (["run", "m", "--alpha", "strong"], "rarebit: --alpha: 'strong' is not a number"),
            (["run", "m", "--alpha", "nan"], "rarebit: --alpha: 'nan' is not a number"),
            (["run", "m", "--alpha", "1.5x"], "rarebit: --alpha: '1.5x' is not a number"),
            (["classify", "m", "i", "--alpha", "-1"], "rarebit: --alpha: '-1' is out of range; give 0...1000"),
            (["run", "m", "--top", "0"], "rarebit: --top: '0' is out of range; give 1...32"),
            (["run", "m", "--count", "1.5"], "rarebit: --count: '1.5' is not a whole number"),
            (["bench", "m", "--threads", "65"], "rarebit: --threads: '65' is out of range; give 1...64"),
            (
                ["bench", "m", "--camera", "/dev/video0"],
                "rarebit: bench takes no option --camera; see rarebit bench --help"
            ),
            (
                ["run", "m", "--camera", "a", "--frames", "b"],
                "rarebit: --camera, --frames and --source exclude each other; give one"
            ),
            (["info"], "rarebit: info needs a model file; see rarebit info --help"),
            (["classify", "m"], "rarebit: classify needs at least one image file; see rarebit classify --help"),
            (["info", "m", "n"], "rarebit: 'n' is one argument too many for info; see rarebit info --help"),
        ] as [([String], String)])
    func saysInOneLineWhatIsWrong(arguments: [String], line: String) throws {
        let result = try runProgram("rarebit", arguments)
        #expect(result.status == 2)
        #expect(result.errorLine == line)
        #expect(result.output == "")
    }

    @Test(arguments: ["run", "classify", "bench", "info", "cameras"])
    func explainsEachCommand(command: String) throws {
        let result = try runProgram("rarebit", [command, "--help"])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("usage: rarebit \(command)"))
        #expect(try runProgram("rarebit", ["--help"]).output.contains("rarebit \(command)"))
    }

    @Test func tellsItsVersion() throws {
        #expect(try runProgram("rarebit", ["--version"]).output == "rarebit 0.1.0\n")
    }
}

@Suite struct ARefusedModel {
    private func expectRefusal(of path: String, _ line: String) throws {
        for command in [["info", path], ["bench", path], ["run", path, "--frames", path], ["classify", path, path]] {
            let result = try runProgram("rarebit", command)
            #expect(result.status == 1)
            #expect(result.errorLine == "rarebit: \(path): \(line)")
            #expect(result.output == "")
        }
    }

    @Test func isMissing() throws {
        let folder = try TemporaryFolder()
        try expectRefusal(of: folder.path("none.rbit"), "cannot be read: No such file or directory")
    }

    @Test func isAFolder() throws {
        let folder = try TemporaryFolder()
        try expectRefusal(of: folder.url.path, "cannot be read: Is a directory")
    }

    @Test func isEmpty() throws {
        let folder = try TemporaryFolder()
        try expectRefusal(
            of: folder.write([], to: "empty.rbit"), "not a rarebit model: only 0 bytes; is the copy complete?")
    }

    @Test func hasOtherFirstBytes() throws {
        let folder = try TemporaryFolder()
        let path = try modelFile(in: folder) { $0[0] = UInt8(ascii: "P") }
        try expectRefusal(
            of: path, "not a rarebit model: wrong first bytes; make one with rarebit-convert convert")
    }

    @Test func isOfAFutureVersion() throws {
        let folder = try TemporaryFolder()
        let path = try modelFile(in: folder) { $0[8] = 99 }
        try expectRefusal(
            of: path,
            "format version 99 is none that this program reads (4 to 5); "
                + "convert the checkpoint again with the converter of this program's release")
    }

    @Test func isTruncated() throws {
        let folder = try TemporaryFolder()
        let whole = TinyModel.contents.serialized().count
        let path = try modelFile(in: folder) { $0.removeLast() }
        try expectRefusal(of: path, "the file has \(whole - 1) bytes but its header says \(whole); copy it again")
    }

    @Test func isDamaged() throws {
        let folder = try TemporaryFolder()
        let path = try modelFile(in: folder) { $0[$0.count - 1] ^= 1 }
        let result = try runProgram("rarebit", ["info", path])
        #expect(result.status == 1)
        #expect(try #require(result.errorLine).hasPrefix("rarebit: \(path): the file is damaged: checksum "))
    }
}

@Suite struct Classifying {
    @Test func namesTheBestClassesOfEachPicture() throws {
        let folder = try TemporaryFolder()
        let model = try modelFile(in: folder)
        let red = try folder.write(picture(width: 12, height: 9, colour: [200, 10, 10]), to: "red.ppm")
        let blue = try folder.write(picture(width: 6, height: 6, colour: [10, 10, 200]), to: "blue.ppm")
        let result = try runProgram("rarebit", ["classify", model, red, blue, "--top", "4"])
        #expect(result.status == 0)
        #expect(result.errors == "")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2)
        for (line, path) in zip(lines, [red, blue]) {
            #expect(line.hasPrefix(path + ": "))
            for name in TinyModel.contents.classNames {
                #expect(line.contains(name))
            }
        }
    }

    @Test func givesJSONWithEveryNameEscaped() throws {
        let folder = try TemporaryFolder()
        let model = try modelFile(in: folder)
        let image = try folder.write(picture(width: 6, height: 6, colour: [90, 160, 30]), to: "a \"b\".ppm")
        let result = try runProgram("rarebit", ["classify", model, image, "--json", "--alpha", "0", "--top", "4"])
        let record = try #require(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(record["image"] as? String == image)
        #expect(record["alpha"] as? Double == 0)
        let top = try #require(record["top"] as? [[String: Any]])
        #expect(Set(top.compactMap { $0["name"] as? String }) == Set(TinyModel.contents.classNames))
        let probabilities = top.compactMap { $0["probability"] as? Double }
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-4)
        #expect(probabilities == probabilities.sorted(by: >))
    }

    @Test func goesOnAfterAPictureItCannotRead() throws {
        let folder = try TemporaryFolder()
        let model = try modelFile(in: folder)
        let good = try folder.write(picture(width: 6, height: 6, colour: [1, 2, 3]), to: "good.ppm")
        let bad = try folder.write(Array("no picture".utf8), to: "bad.png")
        let result = try runProgram("rarebit", ["classify", model, bad, good])
        #expect(result.status == 1)
        #expect(result.output.hasPrefix("\(good): "))
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("rarebit: \(bad): ") == true)
        #expect(lines.last == "rarebit: 1 image could not be classified")
    }
}

@Test func infoTellsWhatTheModelHolds() throws {
    let folder = try TemporaryFolder()
    let result = try runProgram("rarebit", ["info", modelFile(in: folder)])
    #expect(result.status == 0)
    for expected in [
        "6 x 6 RGB", "2 x 4 features", "TDE with alpha 1.500", "wasp (50)", "second: 6 x 6 x 8 -> 6 x 6 x 8",
    ] {
        #expect(result.output.contains(expected), "\(expected)")
    }
}

@Test func infoListsTheArenaOperationByOperation() throws {
    let folder = try TemporaryFolder()
    let model = try modelFile(in: folder)
    let result = try runProgram("rarebit", ["info", model, "--memory"])
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    let rows = Dictionary(
        uniqueKeysWithValues: lines.dropFirst(2).dropLast().map { line in
            let words = line.split(separator: " ")
            return (String(words[0]), words.dropFirst().compactMap { Int($0) })
        })
    #expect(Set(rows.keys) == ["stem", "second", "pool"])
    // packed, input, output, residual, scratch, end
    #expect(try #require(rows["second"])[1...3] == [6 * 6 * 8, 6 * 6 * 8, 6 * 6 * 8])
    #expect(try #require(rows["pool"])[0] == 0 && #require(rows["pool"])[2] == 4 * 8)
    let numbers = try #require(lines.last).split { !$0.isNumber }.compactMap { Int($0) }
    let (activations, used, packed, arena) = (numbers[0], numbers[1], numbers[2], numbers[3])
    #expect(packed == rows.values.reduce(0) { $0 + $1[0] })
    #expect(used == rows.values.map { $0[1...4].reduce(0, +) }.max())
    #expect(rows.values.allSatisfy { $0[5] <= activations })
    #expect(arena == (activations + 63) / 64 * 64 + packed)
}

@Test func aReaderThatWentAwayIsAnErrorAndNoCrash() throws {
    let folder = try TemporaryFolder()
    let model = try modelFile(in: folder)
    let full = try runShell("\"$1\" info \"$2\" > /dev/full", [programPath("rarebit"), model])
    #expect(full.status == 1)
    #expect(full.errorLine == "rarebit: standard output cannot be written: No space left on device")
}
