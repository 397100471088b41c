import Foundation
import ProgramRunner
import Testing

@testable import Evaluation

/// A folder of kept frames as the device program writes it.
private struct Setting {
    let folder: TemporaryFolder
    var kept: String { folder.path("kept") }
    var sorted: String { folder.path("sorted") }

    /// Day, rules and class of each frame.
    init(_ frames: [(day: Int, rules: [String], class: Int)], names: [String] = ["bee", "wasp", "fly"]) throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
        for (number, frame) in frames.enumerated() {
            let stem = String(format: "kept/%010d-202611%02dT120000Z", number, frame.day)
            _ = try folder.write(picture(number), to: "\(stem).jpg")
            let record: [String: Any] = [
                "time": String(format: "2026-11-%02dT12:00:00Z", frame.day), "reasons": frame.rules,
                "top": [["class": frame.class, "name": names[frame.class], "probability": 0.5]],
            ]
            _ = try folder.write(Array(try JSONSerialization.data(withJSONObject: record)), to: "\(stem).json")
        }
    }

    func picture(_ number: Int) -> [UInt8] { Array("picture \(number)".utf8) }

    func sumUp(_ arguments: [String] = []) throws -> ProgramResult {
        try runProgram("rarebit-convert", ["kept", kept] + arguments)
    }
}

private let frames = [
    (day: 28, rules: ["margin"], class: 1), (day: 29, rules: ["margin", "flipped"], class: 1),
    (day: 29, rules: ["every"], class: 2),
]

@Suite struct KeptFramesOfADevice {
    @Test func areSummedUp() throws {
        let setting = try Setting(frames)
        let result = try setting.sumUp()
        #expect(result.status == 0 && result.errors == "")
        #expect(
            result.output == """
                3 frames, 2026-11-28 to 2026-11-29
                by rule
                  margin   2
                  every    1
                  flipped  1
                by predicted class
                  wasp  2
                  fly   1
                by day
                  2026-11-28  1
                  2026-11-29  2

                """)
    }

    @Test func areSortedForTraining() throws {
        let setting = try Setting(frames)
        let result = try setting.sumUp(["--into", setting.sorted])
        #expect(result.status == 0)
        #expect(result.output.hasSuffix("\(setting.sorted): 3 pictures copied to 2 folders\n"))
        // As training and conversion read it.
        let files = try PictureFiles(inFolder: setting.sorted, classNames: ["bee", "wasp", "fly"], classCount: 3)
        #expect(files.labels == [2, 1, 1] && files.notes.isEmpty)
        let pictures = try files.paths.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
        #expect(pictures == [setting.picture(2), setting.picture(0), setting.picture(1)])
    }

    @Test func leaveWhatPeopleLabelled() throws {
        let setting = try Setting(frames)
        #expect(try setting.sumUp(["--into", setting.sorted]).status == 0)
        let name = "0000000000-20261128T120000Z.jpg"
        // One was moved to another class; another camera's picture has the name of one.
        try FileManager.default.createDirectory(atPath: "\(setting.sorted)/bee", withIntermediateDirectories: true)
        try FileManager.default.moveItem(
            atPath: "\(setting.sorted)/wasp/\(name)", toPath: "\(setting.sorted)/bee/\(name)")
        let other = "0000000001-20261129T120000Z"
        _ = try setting.folder.write(Array("another camera's".utf8), to: "sorted/wasp/\(other).jpg")
        let result = try setting.sumUp(["--into", setting.sorted])
        #expect(result.output.hasSuffix("1 picture copied to 2 folders, 2 were there already\n"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(setting.sorted)/wasp").sorted()
                == ["\(other)-2.jpg", "\(other).jpg"])
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: "\(setting.sorted)/wasp/\(other).jpg"))
                == Data("another camera's".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(setting.sorted)/bee") == [name])
    }

    @Test func getNumberedFoldersWhereANameCannotNameOne() throws {
        for names in [["bee", "../wasp", "fly"], ["bee", "fly", "fly"], ["bee", ".wasp", "fly"]] {
            let setting = try Setting(frames, names: names)
            let result = try setting.sumUp(["--into", setting.sorted])
            #expect(result.status == 0 && result.errorLine?.contains("folders are numbered") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: setting.sorted).sorted() == ["1", "2"])
        }
    }

    @Test func arePassedOverWhereTheyAreNone() throws {
        let setting = try Setting(frames)
        _ = try setting.folder.write([1], to: "kept/alone.jpg")
        _ = try setting.folder.write(Array("{}".utf8), to: "kept/0000000001-20261129T120000Z.json")
        let result = try setting.sumUp()
        #expect(result.status == 0 && result.output.hasPrefix("2 frames"))
        #expect(
            result.errors.contains("0000000001-20261129T120000Z.json: is no record of a kept frame and passed over"))
        #expect(result.errors.contains("1 pictures or records stand alone"))
        let none = try runProgram("rarebit-convert", ["kept", setting.folder.path("nowhere")])
        #expect(none.status == 1 && none.errorLine?.contains("no such folder") == true)
    }
}
