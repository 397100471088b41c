import Foundation
import ImageEncoders
import ProgramRunner
import Testing
import TinyModel

/// A PNG picture of which every pixel differs from its neighbours.
private func png(width: Int, height: Int, seed: Int) -> [UInt8] {
    let samples = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 * (37 + seed) + seed) }
    var file = [UInt8](repeating: 0, count: 1 << 16)
    let count = rb_encode_png(samples, 3 * width, Int32(width), Int32(height), 8, RB_PNG_RGB, false, &file, file.count)
    return Array(file[..<count])
}

/// A WebP picture of grey.
private func webp(side: Int, brightness: UInt8) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: 1 << 16)
    let rgb = [UInt8](repeating: brightness, count: 3 * side * side)
    let count = rb_encode_webp(rgb, Int32(side), Int32(side), &file, file.count)
    return Array(file[..<count])
}

@Suite struct AFolderOfPictures {
    private let folder: TemporaryFolder
    private let pictures: String
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        pictures = folder.path("pictures")
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: false)
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    private func add(_ name: String, _ bytes: [UInt8]) throws { _ = try folder.write(bytes, to: "pictures/" + name) }

    /// Five, of other kinds, sizes and names than each other, whose order is that of the last one here.
    private func addPictures() throws -> [String] {
        try add("a10.png", png(width: 40, height: 30, seed: 1))
        try add("a2.jpg", greyJPEG(side: 24, brightness: 60))
        try add("named.txt", webp(side: 20, brightness: 170))
        try add("Z.jpg", png(width: 17, height: 60, seed: 3))
        try add("ä.jpeg", greyJPEG(side: 50, brightness: 220))
        return ["Z.jpg", "a10.png", "a2.jpg", "named.txt", "ä.jpeg"]
    }

    private func run(_ arguments: String...) throws -> ProgramResult {
        try runProgram("rarebit", ["run", model, "--json", "--source", pictures] + arguments)
    }

    private func answers(_ result: ProgramResult) throws -> [[String: Any]] {
        try records(in: result.output).filter { $0["top"] != nil }
    }

    private func names(_ result: ProgramResult) throws -> [String] {
        try answers(result).compactMap { $0["image"] as? String }
    }

    private func undecodable(_ result: ProgramResult) throws -> Int {
        let summary = try #require(records(in: result.output).last { $0["event"] as? String == "summary" })
        return try #require((summary["errors"] as? [String: Int])?["undecodable_frame"])
    }

    @Test func isAnsweredInOrderOfNameAsClassifyAnswersItsFiles() throws {
        let names = try addPictures()
        let result = try run()
        #expect(result.status == 0 && result.errors == "")
        #expect(try self.names(result) == names)
        let classified = try runProgram("rarebit", ["classify", model, "--json"] + names.map { pictures + "/" + $0 })
        #expect(classified.status == 0)
        // All that is told of an answer, and nothing of when it was told.
        func told(_ result: ProgramResult) throws -> [Data] {
            try answers(result).map {
                try JSONSerialization.data(
                    withJSONObject: ["input_crc", "logits_crc", "top"].map { [record = $0] in record[$0] ?? "missing" },
                    options: .sortedKeys)
            }
        }
        #expect(try told(result) == told(classified) && Set(told(result)).count == names.count)
    }

    @Test func isTakenFromTheConfigurationToo() throws {
        let names = try addPictures()
        let text = "model = \(model)\nframes = \(pictures)\njson = yes\n"
        let configuration = try folder.write(Array(text.utf8), to: "rarebit.conf")
        let result = try runProgram("rarebit", ["run", "--config", configuration])
        #expect(try result.status == 0 && self.names(result) == names)
    }

    @Test func comesOverAndOver() throws {
        let names = try addPictures()
        try add("broken.png", Array(png(width: 9, height: 9, seed: 0).prefix(60)))
        let result = try run("--loop", "--count", "12")
        #expect(
            try self.names(result)
                == (0..<12).map { names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }[$0 % 5] })
        #expect(try undecodable(result) == 2)
        // Named once.
        #expect(result.errors.components(separatedBy: "broken.png").count == 2)
    }

    @Test func keepsToTheRateThatIsAskedFor() throws {
        _ = try addPictures()
        let result = try run("--fps", "20")
        let times = try answers(result).map { try #require($0["timestamp_ns"] as? Double) }
        for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier >= 40e6) }
    }

    @Test func goesOnAfterWhatIsNoPicture() throws {
        let names = try addPictures()
        try add("b-cut.png", Array(png(width: 40, height: 30, seed: 1).dropLast(100)))
        try add("c-empty.jpg", [])
        try add("d-text.jpg", Array("no picture\n".utf8))
        // Its frame header says 16,000 by 16,000.
        var large = greyJPEG(side: 24, brightness: 60)
        let header = try #require(large.indices.first { large[$0...].starts(with: [0xFF, 0xC0]) })
        large.replaceSubrange(header + 5..<header + 9, with: [0x3E, 0x80, 0x3E, 0x80])
        try add("e-pixels.jpg", large)
        let big = pictures + "/f-bytes.png"
        try add("f-bytes.png", [])
        try FileHandle(forWritingTo: URL(fileURLWithPath: big)).truncate(atOffset: 33 << 20)
        try FileManager.default.createSymbolicLink(atPath: pictures + "/g-gone.jpg", withDestinationPath: "nowhere")
        #expect(mkfifo(pictures + "/h-pipe.jpg", 0o600) == 0)
        let result = try run()
        #expect(result.status == 0)
        #expect(try self.names(result) == names && undecodable(result) == 7)
        let lines = result.errors.split(separator: "\n").map { $0.replacing("rarebit: \(pictures): ", with: "") }
        #expect(
            lines == [
                "b-cut.png: passed over: the PNG file ends too early",
                "c-empty.jpg: passed over: an empty file",
                "d-text.jpg: passed over: no picture of a kind read here: JPEG, PNG, WebP, BMP, GIF, binary PPM or PGM",
                "e-pixels.jpg: passed over: has 16000 x 16000 pixels; the most of a picture in a folder are 33554432",
                "f-bytes.png: passed over: has 34603008 bytes; the most of a file in a folder are 33554432",
                "g-gone.jpg: passed over: cannot be read: No such file or directory",
                "h-pipe.jpg: passed over: is no file, but a device or a pipe",
            ])
    }

    @Test func leavesOutSubfoldersAndHiddenFiles() throws {
        let names = try addPictures()
        try add(".hidden.jpg", greyJPEG(side: 24, brightness: 60))
        try FileManager.default.createDirectory(atPath: pictures + "/more", withIntermediateDirectories: false)
        try add("more/picture.jpg", greyJPEG(side: 24, brightness: 60))
        let result = try run()
        #expect(try self.names(result) == names)
        #expect(result.errorLine == "rarebit: \(pictures): sub-folders (1) and hidden files (1) are passed over")
    }

    @Test func failsInOneLineWhereNothingIsInIt() throws {
        let empty = try run()
        #expect(empty.status == 1 && empty.output == "")
        #expect(empty.errorLine == "rarebit: \(pictures): the folder is empty; give one with pictures in it")
        try add(".hidden.jpg", greyJPEG(side: 24, brightness: 60))
        let hidden = try run()
        #expect(hidden.status == 1)
        #expect(
            hidden.errorLine
                == "rarebit: \(pictures): the folder holds no files but hidden ones and sub-folders (1); give one with pictures in it"
        )
    }

    /// Over and over would be for ever.
    @Test(arguments: [[], ["--loop"]]) func failsWhereNoFileIsAPicture(arguments: [String]) throws {
        try add("text.jpg", Array("no picture\n".utf8))
        let result = try runProgram("rarebit", ["run", model, "--json", "--source", pictures] + arguments)
        #expect(try result.status == 1 && answers(result).isEmpty)
        #expect(
            result.errors.hasSuffix(
                "rarebit: \(pictures): the folder holds no picture that can be read among its files (1); give JPEG or PNG files\n"
            ))
    }

    @Test func passesOverPicturesThatDoNotHoldTheCrop() throws {
        _ = try addPictures()
        let result = try run("--crop", "0,0,30,20")
        #expect(try names(result) == ["a10.png", "ä.jpeg"] && undecodable(result) == 3)
        #expect(
            result.errors.contains(
                ": a2.jpg: passed over: --crop is not inside a picture of 24 x 24; give a part of it\n"))
        // None is left: that is a failure, and with --loop no endless run.
        let none = try run("--crop", "0,0,300,200", "--loop")
        #expect(try none.status == 1 && names(none).isEmpty)
    }

    @Test func isNoOutput() throws {
        let names = try addPictures()
        for name in names {
            let path = pictures + "/" + name
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            for arguments in [["--output", "file:" + path], ["--record", path]] {
                let result = try runProgram("rarebit", ["run", model, "--source", pictures] + arguments)
                #expect(
                    result.status == 1 && result.errors.contains("it is an input too; give the output another name"))
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
            }
        }
    }

    @Test func canBeRecorded() throws {
        _ = try addPictures()
        let recording = folder.path("recording")
        let live = try run("--record", recording)
        let replayed = try runProgram("rarebit", ["run", model, "--json", "--frames", recording])
        func inputs(_ result: ProgramResult) throws -> [String] {
            try answers(result).compactMap { $0["input_crc"] as? String }
        }
        #expect(try inputs(replayed) == inputs(live) && inputs(live).count == 5)
    }
}
