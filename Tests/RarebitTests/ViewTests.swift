import Foundation
import ProgramRunner
import Testing
import TinyModel

/// A grey picture of rows, as a PGM file.
private func file(_ rows: [[UInt8]]) -> [UInt8] {
    Array("P5\n\(rows[0].count) \(rows.count)\n255\n".utf8) + rows.flatMap { $0 }
}

@Suite struct TheViewOfAPicture {
    private let folder: TemporaryFolder
    private let model: String
    private let rows = (0..<24).map { (y: Int) -> [UInt8] in
        (0..<32).map { (x: Int) -> UInt8 in UInt8(truncatingIfNeeded: x * (7 * x + 5 * y) + 31 * y) }
    }

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    /// What `classify` says of a picture, without its name.
    private func answer(_ rows: [[UInt8]], _ options: [String] = []) throws -> String {
        let path = try folder.write(file(rows), to: "picture.pgm")
        let result = try runProgram("rarebit", ["classify", model, path, "--json"] + options)
        #expect(result.status == 0)
        return result.output
    }

    @Test func isACropThenTurnedThenFlippedThenARegion() throws {
        let cropped = rows[3..<23].map { Array($0[8..<28]) }
        #expect(try answer(rows, ["--crop", "8,3,20,20"]) == answer(cropped))
        // 6 x 6 pixels are the tiny model's input: nothing is resized, so that every way round gives the same bits.
        let six = rows[2..<8].map { Array($0[4..<10]) }
        let crop = ["--crop", "4,2,6,6"]
        let quarter = six[0].indices.map { x in six.reversed().map { $0[x] } }
        #expect(try answer(rows, crop + ["--rotate", "90"]) == answer(quarter))
        #expect(
            try answer(rows, crop + ["--rotate", "90", "--flip", "horizontal"]) == answer(quarter.map { $0.reversed() })
        )
        #expect(try answer(rows, crop + ["--flip", "vertical"]) == answer(six.reversed()))
        #expect(try answer(rows, crop + ["--flip", "both"]) == answer(rows, crop + ["--rotate", "180"]))
        #expect(try answer(rows, crop) != answer(rows, crop + ["--rotate", "270"]))
        // The left half of the picture on its side is its lower half, turned.
        let lower = rows.suffix(12)
        let turned = lower[lower.startIndex].indices.map { x in lower.reversed().map { $0[x] } }
        let halves = try (
            answer(rows, ["--rotate", "90", "--region", "0,0.25,0.5,0.1875"]),
            answer(Array(turned[8..<14].map { Array($0) }))
        )
        #expect(halves.0 == halves.1)
    }

    @Test func ofAFrameIsThatOfThePicture() throws {
        let recording = try folder.write(
            greyRecording(frames: [rows.flatMap { $0 }], width: 32, height: 24), to: "frames")
        let view = ["--crop", "1,2,30,20", "--rotate", "270", "--flip", "horizontal", "--region", "0.1,0.1,0.8,0.8"]
        let path = try folder.write(file(rows), to: "picture.pgm")
        func probabilities(_ arguments: [String]) throws -> Substring {
            let result = try runProgram("rarebit", arguments + ["--json"] + view)
            #expect(result.status == 0)
            let start = try #require(result.output.range(of: "\"top\":"))
            let end = try #require(result.output.range(of: "]", range: start.upperBound..<result.output.endIndex))
            return result.output[start.lowerBound..<end.upperBound]
        }
        #expect(
            try probabilities(["run", model, "--frames", recording, "--count", "1"])
                == probabilities(["classify", model, path]))
    }

    @Test(arguments: [
        ("--crop", "1,2,3", "no part of a picture"), ("--crop", "0,0,10,0", "no part of a picture"),
        ("--crop", "0,0,10,1.5", "no part of a picture"), ("--crop", "0,0,10,10,", "no part of a picture"),
        ("--crop", "-1,0,10,10", "no part of a picture"), ("--region", "0,0,1", "no region"),
        ("--region", "0.5,0,0.6,1", "no region"), ("--region", "0,0,0,1", "no region"),
        ("--region", "0,0,nan,1", "no region"), ("--rotate", "45", "none of 0, 90, 180 and 270"),
        ("--flip", "sideways", "none of horizontal, vertical and both"),
    ])
    func isRefusedWhereItIsNone(option: String, value: String, reason: String) throws {
        let result = try runProgram("rarebit", ["classify", model, "picture.pgm", option, value])
        #expect(result.status == 2)
        #expect(result.errorLine?.hasPrefix("rarebit: \(option): '\(value)' is \(reason)") == true)
    }

    @Test func isRefusedOutsideThePicture() throws {
        let path = try folder.write(file(rows), to: "picture.pgm")
        let result = try runProgram("rarebit", ["classify", model, path, "--crop", "20,0,13,24"])
        #expect(result.status == 1)
        #expect(result.errors.contains("rarebit: --crop is not inside a picture of 32 x 24; give a part of it\n"))
    }
}
