import Evaluation
import Foundation
import ProgramRunner
import Quantization
import SampleNetworks
import Testing

@testable import rarebit_convert

@Suite struct ThePreparationOfPictures {
    private func network(_ options: [String], configuration: String? = nil) throws -> Network {
        let place = try Workplace()
        try place.writeCheckpoint()
        if let configuration {
            _ = try place.write(configuration, to: "config.yaml")
        }
        return try place.network(options)
    }

    @Test func takesNumbersForPicturesOf0To255AsSuchAndSaysSo() throws {
        let network = try network(["--mean", "127.5,127.5,127.5", "--std", "63.75,63.75,63.75"])
        #expect(network.model.input.mean == SIMD3(repeating: 0.5))
        #expect(network.model.input.standardDeviation == SIMD3(repeating: 0.25))
        #expect(network.notes.count == 1)
        #expect(network.notes[0].contains("are taken for the scale of 0 to 255: 0.5,0.5,0.5 and 0.25,0.25,0.25"))
        // Only the mean is taken off, or only the scale changed.
        #expect(try self.network(["--mean", "124,116,104", "--std", "1,1,1"]).model.input.mean.x == Float(124) / 255)
        #expect(try self.network(["--mean", "0,0,0", "--std", "255,255,255"]).model.input.standardDeviation == .one)
        #expect(try self.network(["--mean", "0,0,0", "--std", "1,1,1"]).notes == [])
    }

    @Test(arguments: [("127,127,127", ".2,.2,.2"), ("0.5,0.5,0.5", "63,63,63")])
    func refusesNumbersOfTwoScales(mean: String, std: String) {
        let error = #expect(throws: UsageFailure.self) { try network(["--mean", mean, "--std", std]) }
        #expect(error?.message.contains("are not on one scale") == true)
    }

    @Test func comesFromOptionsOrFromTheConfiguration() throws {
        let asked = try network([
            "--resize-mode", "squash", "--resize", "12", "--channel-order", "bgr", "--ignore-exif",
        ])
        let written = try network(
            [],
            configuration: """
                input: {size: 8, resize: 12, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], resize_mode: squash,
                  channel_order: bgr, ignore_exif: true}
                networks: {classifier: {def_file: CausalNormClassifier, params: {num_head: 2, tau: 16, gamma: 0.03125}}}
                """)
        for network in [asked, written] {
            #expect(network.model.input.fit == .squash)
            #expect(network.model.input.resizeSide == 12)
            #expect(network.model.input.isBGR)
            #expect(network.ignoresEXIF)
            #expect(network.notes == [])
        }
    }

    @Test func ofPaddedPicturesHasNoOtherSize() {
        let error = #expect(throws: UsageFailure.self) { try network(["--resize-mode", "pad", "--resize", "12"]) }
        #expect(error?.message.contains("leave --resize out") == true)
    }

    @Test func standsInTheModelAndIsShown() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let options = ["--resize-mode", "pad", "--channel-order", "bgr", "--mean", "0.1,0.2,0.3"]
        let converted = try place.convert(options)
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(
            converted.output.contains(
                "\n  pictures     whole, with black around it, BGR, mean 0.1,0.2,0.3, std 0.25,0.25,0.25 of R,G,B\n"))
        let input = try loadModel(place.model).input
        #expect(input.fit == .pad)
        #expect(input.isBGR)
        #expect(input.mean == SIMD3(0.1, 0.2, 0.3))
        let inspected = try runProgram("rarebit-convert", ["inspect", place.model]).output
        #expect(inspected.contains("input       8 x 8 BGR, padded with black to 8\n"))
        #expect(
            inspected.contains(
                "normalised  mean 0.10000, 0.20000, 0.30000, standard deviation 0.25000, 0.25000, 0.25000 of R, G, B\n")
        )
    }

    @Test func ofAModelIsThatOfTheCheckpointItIsComparedWith() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert(["--channel-order", "bgr"]).status == 0)
        let configuration = try place.write(
            "networks: {classifier: {def_file: CausalNormClassifier, params: {num_head: 2, tau: 16, gamma: 0.03125}}}\n",
            to: "head.yaml")
        let compare = [
            "evaluate", place.model, "--against", place.checkpoint, "--config", configuration, "--data", place.data,
        ]
        let same = try runProgram("rarebit-convert", compare)
        #expect(same.status == 0, "\(same.errors)")
        #expect(same.errors == "")
        let other = try runProgram(
            "rarebit-convert", compare + ["--channel-order", "rgb", "--mean", "0,0,0", "--std", "1,1,1"])
        #expect(other.status == 2)
        for name in ["--channel-order", "--mean", "--std"] {
            #expect(other.errorLine?.contains(name) == true)
        }
        let alone = try runProgram(
            "rarebit-convert", ["evaluate", place.model, "--data", place.data, "--resize-mode", "pad"])
        #expect(alone.status == 2)
        #expect(alone.errorLine?.contains("leave --resize-mode out") == true)
    }

    @Test func tellsACheckpointThatTheModelWasNotMadeFrom() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        #expect(try place.convert().status == 0)
        var state = sampleState()
        state.features["conv1.weight"]!.values[0] += 1
        try place.writeCheckpoint(checkpointBytes(state))
        let result = try runProgram(
            "rarebit-convert",
            [
                "evaluate", place.model, "--against", place.checkpoint, "--config", place.configuration, "--data",
                place.data,
            ])
        #expect(result.status == 0)
        #expect(
            result.errorLine?.contains(
                "is not the file that \(place.model) was made from (checkpoint.pth, by its SHA-256)") == true)
    }
}

@Suite struct TextFilesOfWindows {
    @Test func areReadAsOthers() throws {
        let place = try Workplace()
        let lines = try place.write("\u{FEFF}sort 0\r\nsort 1\r\n\r\n", to: "labels.txt")
        #expect(try readLines(lines) == ["sort 0", "sort 1"])
        let counts = try place.write("20\r\n19\r\n\r\n", to: "crlf.txt")
        #expect(try readCounts(counts) == [20, 19])
        #expect(try readPrior(counts) == [20, 19])
        try place.writeCheckpoint()
        let configuration = try String(contentsOfFile: place.configuration, encoding: .utf8)
        _ = try place.write("\u{FEFF}" + configuration.replacingOccurrences(of: "\n", with: "\r\n"), to: "config.yaml")
        #expect(try place.network().head.alpha == 1.5)
    }
}

@Suite struct FoldersOfPictures {
    /// Ten classes whose names are not in the order of the classes: 5 pictures of each.
    private func place() throws -> (Workplace, data: String) {
        let place = try Workplace()
        try place.writeCheckpoint()
        let names = "zebra apple mango kiwi lemon fig date cherry banana plum".split(separator: " ").map(String.init)
        _ = try place.write(names.joined(separator: "\r\n"), to: "names.txt")
        _ = try place.write(
            ([5] + [Int](repeating: 1, count: 9)).map(String.init).joined(separator: "\n"), to: "counts.txt")
        for (number, name) in names.enumerated() {
            try FileManager.default.createDirectory(
                atPath: place.folder.path("pictures/\(name)"), withIntermediateDirectories: true)
            for picture in 0..<5 {
                let bytes = (0..<192).map { UInt8(truncatingIfNeeded: $0 * (7 + picture) + 31 * number) }
                _ = try place.folder.write(Array("P6 8 8 255\n".utf8) + bytes, to: "pictures/\(name)/\(picture).ppm")
            }
        }
        return (place, "images:\(place.folder.path("pictures"))")
    }

    private func convert(_ place: Workplace, _ data: String, _ more: [String] = []) throws -> ProgramResult {
        try runProgram(
            "rarebit-convert",
            ["convert", place.checkpoint, "-o", place.model, "--calibrate", data, "--config", place.configuration]
                + more)
    }

    @Test func areClassesByTheLabelsForCountsToo() throws {
        let (place, data) = try place()
        let result = try convert(place, data)
        #expect(result.status == 0, "\(result.errors)")
        // Class 0 is zebra, of which five pictures were trained with, not the first folder.
        #expect(result.output.contains("  calibration  14 images, "))
        #expect(
            result.output.contains(
                "  classes      10 folders are classes by their names: apple is 1, banana 8, cherry 7, "))
        #expect(result.output.contains("held out from training, speak for alpha"))
    }

    @Test func withOneTooManyAreRefused() throws {
        let (place, data) = try place()
        try FileManager.default.createDirectory(
            atPath: place.folder.path("pictures/elephant"), withIntermediateDirectories: true)
        let result = try convert(place, data)
        #expect(result.status == 1)
        #expect(result.errorLine?.contains("/pictures/elephant: is named like no class; rename") == true)
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }

    @Test func withSomeBadPicturesMakeAModelAllTheSame() throws {
        let (place, data) = try place()
        _ = try place.folder.write(Array("<html>".utf8), to: "pictures/kiwi/9.jpg")
        _ = try place.folder.write([], to: "pictures/kiwi/a.png")
        let result = try convert(place, data, ["--evaluate", data])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("2 of 52 pictures cannot be used and are passed over: "))
        #expect(result.output.contains("on 50 images of"))
        #expect(FileManager.default.fileExists(atPath: place.model))
    }

    @Test func thatCannotBeEvaluatedLeaveNoModel() throws {
        let (place, data) = try place()
        try FileManager.default.createDirectory(
            atPath: place.folder.path("bad/kiwi"), withIntermediateDirectories: true)
        _ = try place.folder.write([], to: "bad/kiwi/0.png")
        let result = try convert(place, data, ["--evaluate", "images:\(place.folder.path("bad"))"])
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }

    @Test func chooseTheAlphaOfAnEstimatedDirectionByWhatWasHeldOut() throws {
        let (place, data) = try place()
        let options = ["--estimate-direction", data, "--config"]
        let configuration = try place.write(
            """
            input: {size: 8, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]}
            class_names: names.txt
            networks: {classifier: {def_file: CausalNormClassifier, params: {num_head: 2, tau: 16.0, gamma: 0.03125}}}
            """, to: "estimate.yaml")
        let without = try convert(place, data, options + [configuration])
        #expect(without.status == 0, "\(without.errors)")
        #expect(try loadModel(place.model).defaultAlpha == 0)
        #expect(
            without.output.contains(
                "  alpha        is 0, which no pictures were asked about: nothing says which pictures"))
        let counted = try convert(
            place, data, options + [configuration, "--class-counts", place.folder.path("counts.txt")])
        #expect(counted.status == 0, "\(counted.errors)")
        #expect(counted.output.contains("36 images of \(data), held out from training, speak for alpha "))
        let model = try loadModel(place.model)
        #expect(
            model.provenance("adjustment") == "TDE, alpha \(short(model.defaultAlpha)), along an estimated direction")
    }
}
