import Checkpoint
import CheckpointWriter
import Foundation
import ProgramRunner
import SampleNetworks
import Testing

/// A file that is no good checkpoint, and what is said about it after its path.
private struct BadCheckpoint: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let complaint: String
    /// nil: no file at all.
    let bytes: @Sendable () -> [UInt8]?

    init(_ description: String, _ complaint: String, _ bytes: @escaping @Sendable () -> [UInt8]?) {
        testDescription = description
        self.complaint = complaint
        self.bytes = bytes
    }

    /// The sample network, spoilt.
    static func spoilt(
        _ description: String, _ complaint: String, _ spoil: @escaping @Sendable (inout ReferenceState) -> Void
    ) -> BadCheckpoint {
        BadCheckpoint(description, complaint) {
            var state = sampleState()
            spoil(&state)
            return checkpointBytes(state)
        }
    }
}

private let badCheckpoints = [
    BadCheckpoint("a missing file", "no such file") { nil },
    BadCheckpoint("a text file", "is no PyTorch checkpoint") { Array("no checkpoint".utf8) },
    BadCheckpoint("an empty file", "is empty; download or copy it again") { [] },
    BadCheckpoint("a truncated zip", "the zip file ends too early") {
        sampleCheckpoint.dropLast(100_000)
    },
    BadCheckpoint("an unknown pickle operation", "unknown pickle operation 0xff") {
        checkpointZip(.raw([0xFF])).build()
    },
    BadCheckpoint("an ONNX file that ends too early", "ends early, as a download that was cut off does") {
        [0x08, 0x08, 0x3A, 0x7F]
    },
    BadCheckpoint("an ONNX file of an old operator set", "is of ONNX operator set 7, not one of 9 to 26") {
        [0x08, 0x08, 0x3A, 0x00, 0x42, 0x02, 0x10, 0x07]
    },
    BadCheckpoint("a call and no weights", "holds no state dict") {
        checkpointZip(.call(.global("os", "system"), [.text("true")])).build()
    },
    .spoilt(
        "a missing tensor", "tensor feat_model.layer1.0.conv1.weight, expected with shape [16, 16, 3, 3], is missing"
    ) {
        $0.features["layer1.0.conv1.weight"] = nil
    },
    .spoilt("a tensor of a wrong shape", "tensor feat_model.bn1.bias has shape [8], expected [16]") {
        $0.features["bn1.bias"] = Tensor(shape: [8], values: [Float](repeating: 0, count: 8))
    },
    .spoilt("a weight that is not a number", "tensor feat_model.conv1.weight holds nan at index 7") {
        $0.features["conv1.weight"]!.values[7] = .nan
    },
    .spoilt("an infinite weight", "tensor classifier.weight holds inf at index 130") {
        $0.classifier["weight"]!.values[130] = .infinity
    },
    .spoilt("another network", "the tensors are of no architecture known here") {
        $0.features = ["fc.weight": Tensor(shape: [1], values: [0])]
    },
]

@Suite struct ARefusedCheckpoint {
    @Test("is named in one line and nothing is written", arguments: badCheckpoints)
    private func isNamedInOneLine(bad: BadCheckpoint) throws {
        let place = try Workplace()
        if let bytes = bad.bytes() {
            try place.writeCheckpoint(bytes)
        }
        _ = try place.folder.write(Array("the model of yesterday".utf8), to: "model.rbit")
        let before = try place.contents()
        let result = try place.convert()
        #expect(result.status == 1)
        let line = try #require(result.errorLine)
        #expect(line.hasPrefix("rarebit-convert: \(place.checkpoint): \(bad.complaint)"))
        #expect(line.contains("; "), "says what to do")
        #expect(result.output == "")
        #expect(try place.contents() == before)
    }
}

@Test func aClassNameThatSteersTerminalsIsNamedWithItsLine() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let names = (0..<10).map { $0 == 3 ? "wasp\u{9B}2J" : "name \($0)" }
    let labels = try place.folder.write(Array(names.joined(separator: "\n").utf8), to: "names.txt")
    let result = try place.convert(["--labels", labels])
    #expect(result.status == 1)
    #expect(result.errorLine == "rarebit-convert: \(labels): line 4 has U+009B, which steers terminals; take it out")
}

@Suite struct AnOutputThatCannotBeWritten {
    @Test func isRefusedBeforeTheWorkWhereItsFolderIsMissing() throws {
        let place = try Workplace()
        let output = place.folder.path("absent/model.rbit")
        let result = try runProgram(
            "rarebit-convert", ["convert", place.checkpoint, "-o", output, "--calibrate", place.data])
        #expect(result.status == 1)
        #expect(result.errorLine?.hasPrefix("rarebit-convert: \(output): cannot be written") == true)
    }

    @Test func isRefusedWhereItIsAFolder() throws {
        let place = try Workplace()
        let result = try runProgram(
            "rarebit-convert", ["convert", place.checkpoint, "-o", place.folder.url.path, "--calibrate", place.data])
        #expect(result.status == 1)
        #expect(result.errorLine?.contains("it is a folder; name a file in it") == true)
    }

    @Test func leavesThePreviousModelWholeWhenTheWritingFails() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        _ = try place.folder.write(Array("the model of yesterday".utf8), to: "model.rbit")
        let before = try place.contents()
        // 100 blocks of 512 bytes: the disk is full in the middle of the model.
        let result = try runShell(
            "ulimit -f 100; exec \"$@\"",
            [
                programPath("rarebit-convert"), "convert", place.checkpoint, "-o", place.model, "--calibrate",
                place.data,
                "--config", place.configuration,
            ])
        #expect(result.status == 1)
        // Before it, a warning: the pictures are not prepared as this network's made-up statistics say.
        let last = result.errors.split(separator: "\n").last
        #expect(last?.hasPrefix("rarebit-convert: \(place.model): cannot be written") == true)
        #expect(try place.contents() == before)
    }
}

@Suite struct WrongUsage {
    @Test(
        arguments: [
            (["--alpha", "strong"], "The value 'strong' is invalid for '--alpha <a>': give a number from 0 to 1000"),
            (["--alpha", "nan"], "The value 'nan' is invalid for '--alpha <a>': give a number from 0 to 1000"),
            (["--alpha", "inf"], "The value 'inf' is invalid for '--alpha <a>': give a number from 0 to 1000"),
            (
                ["--mean", "1,2"],
                "The value '1,2' is invalid for '--mean <r,g,b>': give three numbers with commas between"
            ),
            (
                ["--input", "1x32x32"],
                "The value '1x32x32' is invalid for '--input <cxhxw>': "
                    + "give 3, the height and the width with x between, like 3x32x32"
            ),
            (["--frob"], "Unknown option '--frob'"),
        ] as [([String], String)])
    func isOneLineThatNamesTheOption(arguments: [String], complaint: String) throws {
        let place = try Workplace()
        let result = try place.convert(arguments)
        #expect(result.status == 2)
        #expect(result.errorLine == "rarebit-convert: \(complaint); see rarebit-convert --help")
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }

    @Test(
        arguments: [
            (["convert", "c", "-o", "m", "--calibrate", "mnist"], "mnist: is no data set"),
            (["evaluate", "c", "--data", "cifar10"], "cifar10: is no data set"),
            (["dance"], "Unexpected argument 'dance'"),
        ] as [([String], String)])
    func isOneLineWithoutTouchingAFile(arguments: [String], complaint: String) throws {
        let result = try runProgram("rarebit-convert", arguments)
        #expect(result.status == 2)
        #expect(result.errorLine?.hasPrefix("rarebit-convert: \(complaint)") == true)
    }

    @Test func withoutAConfigurationTheInputMustBeGiven() throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        let arguments = ["convert", place.checkpoint, "-o", place.model, "--calibrate", place.data]
        let withoutSize = try runProgram("rarebit-convert", arguments)
        #expect(withoutSize.status == 2)
        #expect(
            withoutSize.errorLine
                == "rarebit-convert: not known: the input size, the mean, the standard deviation; give "
                + "--input 3xHxW --mean R,G,B --std R,G,B, or --config with the fields of input; networks of this kind are usually "
                + "trained with --input 3x32x32 --mean 0.4914,0.4822,0.4465 --std 0.2023,0.1994,0.201")
        let withoutAll = try runProgram("rarebit-convert", ["convert", place.checkpoint])
        #expect(withoutAll.status == 2)
        #expect(
            withoutAll.errorLine?.hasPrefix(
                "rarebit-convert: not known: the file to write, the calibration images, the input size, the mean, the standard "
                    + "deviation; give -o model.rbit --calibrate SPEC --input 3xHxW --mean R,G,B --std R,G,B, or --config"
            ) == true)
        let withoutOutput = try runProgram(
            "rarebit-convert",
            ["convert", place.checkpoint, "--calibrate", place.data, "--config", place.configuration])
        #expect(withoutOutput.status == 2)
        #expect(
            withoutOutput.errorLine == "rarebit-convert: not known: the file to write; give -o model.rbit")
        let withoutMean = try runProgram("rarebit-convert", arguments + ["--input", "3x32x32"])
        #expect(withoutMean.status == 2)
        #expect(withoutMean.errorLine?.contains("not known: the mean, the standard deviation; give --mean") == true)
        #expect(withoutMean.errorLine?.contains("--input") == false)
    }
}

@Suite struct ABadConfiguration {
    @Test(arguments: [
        ("input: [", "is not a YAML configuration"), ("input: {size: wide}", "input.size has the wrong type"),
        ("class_names: absent.txt", "absent.txt: no such file"),
        ("class_counts: config.yaml", "line 1 is not a number of images"),
        ("checkpoint_weights: both", "checkpoint_weights is both; give ema or raw"),
        // Each line stands for nine times the one before, and a key is compared through all of them.
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
                + "bcdefghi".map { letter in
                    let before = String(UnicodeScalar(letter.asciiValue! - 1))
                    return "\(letter): &\(letter) [" + (0..<9).map { _ in "*\(before)" }.joined(separator: ",") + "]\n"
                }.joined() + "? *i\n: 1", "has an alias or a collection as a key"
        ),
        ("input: {resize_mode: stretch}", "input.resize_mode is stretch; give one of crop, squash, pad"),
        ("input: {channel_order: rbg}", "input.channel_order is rbg; give one of rgb, bgr"),
    ])
    func isNamedInOneLine(extra: String, complaint: String) throws {
        let place = try Workplace()
        try place.writeCheckpoint()
        _ = try place.folder.write(Array("\(extra)\n".utf8), to: "config.yaml")
        let result = try place.convert(["--input", "3x32x32", "--mean", "0,0,0", "--std", "1,1,1"])
        #expect(result.status == 1)
        #expect(result.errorLine?.contains(complaint) == true)
        #expect(!FileManager.default.fileExists(atPath: place.model))
    }
}

@Test func keepingALayerInFloatIsRefusedWithWhatHelpsInstead() throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let before = try place.contents()
    let result = try place.convert(["--keep-float", "layer1.0.conv1"])
    #expect(result.status == 2)
    let line = try #require(result.errorLine)
    #expect(line.hasPrefix("rarebit-convert: --keep-float layer1.0.conv1: the device computes in int8 all through"))
    for advice in ["--report FILE.html", "--calibration-method", "--calibration-images", "fine-tune"] {
        #expect(line.contains(advice))
    }
    #expect(result.output == "")
    #expect(try place.contents() == before)
}

@Test("A number of calibration images that makes no sense is refused", arguments: ["0", "-1", "many"])
func aWrongNumberOfCalibrationImagesIsRefused(number: String) throws {
    let place = try Workplace()
    try place.writeCheckpoint()
    let result = try place.convert(["--calibration-images", number])
    #expect(result.status == 2)
    #expect(result.errorLine?.contains("calibration-images") == true)
    #expect(!FileManager.default.fileExists(atPath: place.model))
}
