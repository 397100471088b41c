import Foundation
import ProgramRunner
import SampleNetworks
import Testing

@testable import rarebit_convert

@Test func aCheckpointBecomesAModelThatIsInspectedAndEvaluated() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let before = Set(try place.contents().keys)
    let converted = try place.convert()
    #expect(converted.status == 0)
    // The network's statistics are made up, and so tell of other pictures than these.
    #expect(
        converted.errors.hasPrefix(
            "rarebit-convert: warning: the first layer's output varies otherwise than in training"))
    #expect(converted.errors.split(separator: "\n").count == 1)
    #expect(converted.output.hasPrefix("\(place.model): two-branch-resnet32, 10 classes, 8x8 input\n"))
    #expect(Set(try place.contents().keys) == before.union(["model.rbit"]))

    let inspected = try runProgram("rarebit-convert", ["inspect", place.model])
    #expect(inspected.status == 0)
    #expect(inspected.output.contains("  name 9 (1)\n"))
    #expect(inspected.output.contains("architecture: two-branch-resnet32\n"))

    let json = place.folder.path("figures.json")
    let evaluated = try runProgram(
        "rarebit-convert",
        [
            "evaluate", place.model, "--against", place.checkpoint, "--config", place.configuration, "--data",
            place.data,
            "--json", json,
        ])
    #expect(evaluated.status == 0)
    for start in ["alpha 0     float32", "alpha 0     int8", "alpha 1.5   float32", "alpha 1.5   int8"] {
        #expect(evaluated.output.contains("\n\(start) "))
    }
    #expect(evaluated.output.contains("int8 loses at most 0.3 points against float32 overall, 1.0 in every group: "))
    let figures = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: json))) as? [String: Any])
    #expect(figures["images"] as? Int == 12)
    #expect((figures["rows"] as? [Any])?.count == 4)
    #expect((figures["differences"] as? [Any])?.count == 2)
    #expect(figures["within_limits"] is Bool)
}

@Test func aStateDictOfAWholeNetworkIsConvertedAndInspected() throws {
    let place = try Workplace()
    try place.writeCheckpoint(
        checkpointBytes(stateDict: sampleResNet(blocks: [3, 3, 3], projection: nil, classifier: "linear")))
    let converted = try place.convert(["--input", "3x15x20"])
    #expect(converted.status == 0)
    #expect(converted.output.hasPrefix("\(place.model): cifar-resnet20, 10 classes, 20x15 input\n"))
    let wrong = try place.convert(["--architecture", "cifar-resnet56"])
    #expect(wrong.status == 1)
    #expect(wrong.errorLine?.contains("tensor layer1.3.conv1.weight, expected with shape") == true)
    let inspected = try runProgram("rarebit-convert", ["inspect", place.checkpoint])
    #expect(inspected.output.contains("\narchitecture  cifar-resnet20\n"))
    #expect(inspected.output.contains("\n  fc.bias 10\n"))
}

@Test func convertingTwiceGivesTheSameBytes() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    #expect(try place.convert().status == 0)
    let first = try Data(contentsOf: URL(fileURLWithPath: place.model))
    #expect(try place.convert().status == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.model)) == first)
}

@Test func aCheckpointIsInspectedAndEvaluatedByItself() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let inspected = try runProgram("rarebit-convert", ["inspect", place.checkpoint])
    #expect(inspected.status == 0)
    #expect(inspected.output.hasPrefix("form          PyTorch zip\n"))
    #expect(inspected.output.contains("architecture  two-branch-resnet32\n"))
    #expect(inspected.output.contains("10 classes of 128 features, with a direction for TDE\n"))
    #expect(inspected.output.contains("  feat_model.conv1.weight 16x3x3x3\n"))
    let evaluated = try runProgram(
        "rarebit-convert",
        ["evaluate", place.checkpoint, "--config", place.configuration, "--data", place.data, "--alpha", "0.5"])
    #expect(evaluated.status == 0)
    #expect(evaluated.output.contains("\nalpha 0.5   float32 "))
    #expect(!evaluated.output.contains("int8"))
}

@Test func aCheckpointOfAnotherNetworkIsInspectedWithTheReason() throws {
    let place = try Workplace()
    var state = sampleState()
    state.features["layer9.weight"] = state.features["bn1.weight"]
    try place.writeCheckpoint(checkpointBytes(state))
    let result = try runProgram("rarebit-convert", ["inspect", place.checkpoint])
    #expect(result.status == 0)
    #expect(result.output.contains("\ncannot be converted: tensor feat_model.layer9.weight has no place"))
}

@Test func anONNXFileIsInspectedAndConverted() throws {
    let place = try Workplace()
    let path = repository.appendingPathComponent("Tests/Fixtures/onnx/handmade-shape-arithmetic.onnx").path
    let inspected = try runProgram("rarebit-convert", ["inspect", path])
    #expect(inspected.status == 0)
    #expect(inspected.output.hasPrefix("form          ONNX, operator set 13, written by "))
    #expect(inspected.output.contains("\ninput         x ?x3x13x13\n"))
    #expect(inspected.output.contains("\nhead          5 classes of 4 features, "))
    #expect(inspected.output.contains(" 1 Conv, "))
    #expect(inspected.output.contains("\n  conv 4x3x3x3\n"))

    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    try place.writeCheckpoint(bytes)
    let arguments = [
        "convert", place.checkpoint, "-o", place.model, "--calibrate", place.data, "--mean", "0.5,0.5,0.5", "--std",
        "0.25,0.25,0.25",
    ]
    let converted = try runProgram("rarebit-convert", arguments)
    #expect(converted.status == 0, "\(converted.errors)")
    #expect(converted.output.contains(": onnx, 5 classes, 13x13 input\n"))
    let named = try runProgram("rarebit-convert", arguments + ["--architecture", "resnet50"])
    #expect(named.status == 2)
    #expect(named.errorLine?.contains("an ONNX file says its network itself; leave --architecture out") == true)
}

@Test func whatInspectPassesOverIsNamed() throws {
    let path = repository.appendingPathComponent("Tests/Fixtures/checkpoints/whole-module.pt").path
    let result = try runProgram("rarebit-convert", ["inspect", path])
    #expect(result.status == 0)
    #expect(result.output.contains("\npassed over   torch.nn.parallel.data_parallel.DataParallel, "))
    #expect(result.output.contains("\n  stem.0.weight 2x3x3x3\n"))
}

@Test func aDamagedModelIsRefused() throws {
    let place = try Workplace()
    let path = try place.folder.write(Array("RBIT and nothing more".utf8), to: "model.rbit")
    for arguments in [["inspect", path], ["evaluate", path, "--data", place.data]] {
        let result = try runProgram("rarebit-convert", arguments)
        #expect(result.status == 1)
        #expect(result.errorLine?.hasPrefix("rarebit-convert: \(path): ") == true)
    }
}

/// Examples of FIPS 180-4 and of NIST's example values.
@Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
])
func sha256IsTheStandards(text: String, digest: String) throws {
    let folder = try TemporaryFolder()
    #expect(try sha256(ofFiles: [folder.write(Array(text.utf8), to: "file")]) == digest)
}
