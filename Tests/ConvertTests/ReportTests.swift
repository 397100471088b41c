import Evaluation
import FloatGraph
import Foundation
import ModelFormat
import ProgramRunner
import Quantization
import SampleNetworks
import Testing

@testable import rarebit_convert

private func json(_ path: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
}

@Suite struct TheReportOfAConversion {
    @Test func saysInJSONWhatTheFileAndTheCheckpointSay() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let path = place.folder.path("report.json")
        let converted = try place.convert(["--report", path, "--evaluate", place.data] + place.oneOfEachClass())
        #expect(converted.status == 0, "\(converted.errors)")
        #expect(
            converted.output.contains("\n  alpha        2 images of \(place.data), held out from training, speak for "))
        #expect(converted.output.contains("\n  peak         "))
        let report = try json(path)
        let conversion = try #require(report["conversion"] as? [String: Any])
        let quantization = try #require(conversion["quantization"] as? [String: Any])
        let layers = try #require(quantization["layers"] as? [[String: Any]])

        let model = try loadModel(place.model)
        try model.withModel { model in
            #expect(quantization["file_bytes"] as? Int == model.bytes.count)
            #expect(quantization["activation_bytes"] as? Int == model.activationBytes)
            #expect(layers.count == model.operationCount)
            for (number, layer) in layers.enumerated() {
                let operation = model.operation(number)
                #expect(layer["name"] as? String == String(decoding: model.operationName(number), as: UTF8.self))
                #expect(layer["multiply_adds"] as? UInt64 == operation.multiplyAccumulates)
                #expect(layer["weight_bytes"] as? UInt64 == operation.weightBytes)
                #expect((layer["scale"] as? Double).map(Float.init) == operation.output.scale)
            }
            let sections = try #require(quantization["file_sections"] as? [[String: Any]])
            for section in sections {
                let kind = try #require(SectionKind.allCases.first { "\($0.name)" == section["name"] as? String })
                #expect(section["bytes"] as? Int == model.byteCount(of: kind))
            }
            // Two pictures held out are too few for temperatures.
            #expect(sections.count == SectionKind.allCases.count - 1 && model.byteCount(of: .judging) == 0)
        }
        let network = try Network(
            checkpoint: place.checkpoint, options: .parse(["--config", place.configuration]))
        #expect(layers.reduce(0) { $0 + ($1["multiply_adds"] as! Int) } == network.model.graph.multiplyAdds)
        #expect(layers.allSatisfy { ($0["signal_to_noise"] as? Double ?? 0) > 10 })
        #expect(layers.map { $0["arena_bytes"] as! Int }.max() == quantization["least_activation_bytes"] as? Int)
        #expect((conversion["calibration"] as? [String: Any])?["images"] as? Int == 10)
        #expect((conversion["classes"] as? [[String: Any]])?.first?["training_images"] as? Int == 1)
        #expect(((conversion["alpha_choice"] as? [String: Any])?["curve"] as? [Any])?.count == 31)
    }

    @Test func evaluatesLikeTheCommandOfThatName() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let (whole, alone) = (place.folder.path("whole.json"), place.folder.path("alone.json"))
        #expect(try place.convert(["--report", whole, "--evaluate", place.data]).status == 0)
        let evaluated = try runProgram(
            "rarebit-convert",
            [
                "evaluate", place.model, "--against", place.checkpoint, "--config", place.configuration, "--data",
                place.data,
                "--json", alone,
            ])
        #expect(evaluated.status == 0)
        let evaluation = try #require(json(whole)["evaluation"] as? [String: Any])
        #expect(NSDictionary(dictionary: evaluation) == NSDictionary(dictionary: try json(alone)))
    }

    @Test func isAPageWhereTheEndingSaysSo() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let path = place.folder.path("report.html")
        #expect(try place.convert(["--report", path] + place.oneOfEachClass()).status == 0)
        let page = try String(contentsOfFile: path, encoding: .utf8)
        #expect(page.hasPrefix("<!DOCTYPE html>"))
        // The choice of alpha, class frequencies, errors, arena and file.
        #expect(page.components(separatedBy: "<svg").count - 1 == 5)
        #expect(!page.contains("http"))
        #expect(page.contains("layer1.0.conv1"))
    }

    @Test func isTheSameBytesEachTime() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let paths = ["a.json", "b.json"].map(place.folder.path)
        var models: [Data] = []
        for path in paths {
            #expect(try place.convert(["--report", path, "--evaluate", place.data]).status == 0)
            models.append(try Data(contentsOf: URL(fileURLWithPath: place.model)))
        }
        let reports = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        #expect(reports[0] == reports[1])
        #expect(Set(models).count == 1)
    }

    @Test("Every calibration method makes a model that knows its method", arguments: CalibrationMethod.allCases)
    func everyMethodMakesAModel(method: CalibrationMethod) throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let path = place.folder.path("report.json")
        let result = try place.convert(["--calibration-method", method.rawValue, "--report", path])
        #expect(result.status == 0)
        let quantization = try #require((json(path)["conversion"] as? [String: Any])?["quantization"] as? [String: Any])
        let layers = try #require(quantization["layers"] as? [[String: Any]])
        let methods = Set(layers.compactMap { ($0["range"] as? [String: Any])?["method"] as? String })
        if method == .auto {
            #expect(!methods.isEmpty && !methods.contains("auto"))
        } else {
            #expect(methods == [method.rawValue])
        }
        let inspected = try runProgram("rarebit-convert", ["inspect", place.model])
        #expect(inspected.output.contains("calibration: cifar10, 12 training images, \(method.rawValue)\n"))
    }
}

@Test func alphaIsChosenOnAnotherDataSetThanTheEvaluations() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let counts = try place.oneOfEachClass()
    #expect(try place.convert(counts).status == 0)
    let result = try runProgram(
        "rarebit-convert", ["evaluate", place.model, "--data", place.data, "--choose-alpha", place.data])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("\n2 images of \(place.data), held out from training, speak for alpha "))
    let missing = try runProgram(
        "rarebit-convert", ["evaluate", place.model, "--data", place.data, "--choose-alpha", "cifar10:/nowhere"])
    #expect(missing.status == 1)
    #expect(missing.errorLine?.contains("/nowhere/data_batch_1.bin: no such file") == true)
}

@Test func alphaIsNotChosenOnTrainingImages() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let converted = try place.convert()
    #expect(converted.status == 0)
    #expect(
        converted.output.contains(
            "\n  alpha        is 1.5, which no pictures were asked about: the network was trained with all 12"))
    let result = try runProgram(
        "rarebit-convert", ["evaluate", place.model, "--data", place.data, "--choose-alpha", place.data])
    #expect(result.status == 1)
    #expect(result.errorLine?.contains("alpha is not chosen on training images") == true)
}

@Test("A report that cannot be written is refused before the work", arguments: ["report.html", "report.json"])
func anUnwritableReportIsRefused(name: String) throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let result = try place.convert(["--report", place.folder.path("missing/\(name)")])
    #expect(result.status == 1)
    #expect(result.errorLine?.contains("missing/\(name): cannot be written") == true)
    #expect(!FileManager.default.fileExists(atPath: place.model))
}

/// A folder of 30 pictures a class beside counts that say that ten of each were trained with.
@Test func temperaturesAreFoundOnPicturesHeldOut() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    var values = SampleValues(seed: 5)
    let records = (0..<300).flatMap { (number: Int) -> [UInt8] in
        [UInt8(number % 10)] + values.array(3072, in: 0...255).map { UInt8($0) }
    }
    _ = try place.folder.write(records, to: "data_batch_1.bin")
    _ = try place.folder.write(Array(String(repeating: "10\n", count: 10).utf8), to: "tens.txt")
    let path = place.folder.path("report.json")
    let result = try place.convert(["--class-counts", place.folder.path("tens.txt"), "--report", path])
    #expect(result.status == 0)
    #expect(
        result.output.contains("images of \(place.data), held out from training, the calibration error falls from "))
    let conversion = try #require(json(path)["conversion"] as? [String: Any])
    let choice = try #require(conversion["temperature_choice"] as? [String: Any])
    #expect(choice["images"] as? Int == 200)
    #expect((choice["points"] as? [Any])?.count == 13)
    // The device's program reads them, and says which it uses.
    let info = try runProgram("rarebit", ["info", place.model])
    #expect(
        info.output.contains("\ntemperature ")
            && info.output.contains("\n  temperature: by 200 images held out, at alpha 1.5"))
    // Of pictures that were trained with nothing is said.
    _ = try place.folder.write(Array(String(repeating: "30\n", count: 10).utf8), to: "thirties.txt")
    let known = try place.convert(["--class-counts", place.folder.path("thirties.txt")])
    #expect(known.output.contains("\n  temperature  1: no pictures are known to be held out from training"))
    #expect(try runProgram("rarebit", ["info", place.model]).output.contains("\ntemperature none"))
}
