import ArgumentParser
import Evaluation
import Foundation
import Quantization

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Convert a checkpoint into an int8 model file.",
        discussion: """
            Calibration runs training images through the float network to choose the range of every tensor. Data sets: \
            fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, images:DIR (one folder a class), list:FILE:ROOT.
            """)

    @Argument(help: "A file of weights: PyTorch, safetensors or ONNX.")
    var checkpoint: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The model file to write.", valueName: "model.rbit"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "The data set to calibrate with; its training part is used. A quantised file needs none.",
            valueName: "spec"))
    var calibrate: String?
    @Option(help: ArgumentHelp("At most so many images to calibrate with.", valueName: "n"), transform: imageCount)
    var calibrationImages = 256
    @Option(
        help: """
            How the range of each tensor is chosen: all that was seen (min-max), without the outermost values (percentile), \
            with the least square error (mse) or loss of information (entropy), or by whichever of them changes the next \
            layers least (auto).
            """)
    var calibrationMethod: CalibrationMethod = .auto
    @Option(
        help: ArgumentHelp(
            "Is refused: the device computes in int8 all through. Says what helps instead.", valueName: "layer"))
    var keepFloat: [String] = []
    @OptionGroup var network: NetworkOptions
    @Option(
        help: ArgumentHelp(
            "Default strength of the TDE adjustment; 0 is the plain classifier. The configuration's where not given, else 1.",
            valueName: "a"),
        transform: rarebit_convert.alpha)
    var alpha: Float?
    @Option(
        help: ArgumentHelp(
            "Evaluate too, on the test part of this data set, in float32 and in int8.", valueName: "spec"))
    var evaluate: String?
    @Option(
        help: ArgumentHelp(
            "Write what became of each layer, and the evaluation: JSON, or by its ending one HTML page.",
            valueName: "file"))
    var report: String?

    func validate() throws {
        guard keepFloat.isEmpty else { throw ValidationError(keepFloatRefusal(keepFloat[0])) }
    }

    func run() throws {
        let started = ContinuousClock.now
        let specification = try calibrate.map(dataSpecification)
        _ = try evaluate.map(dataSpecification)
        for file in [output, report].compactMap(\.self) {
            try claimOutput(file)
        }
        let missing = [
            output == nil ? MissingOption(what: "the file to write", option: "-o model.rbit") : nil,
            calibrate == nil
                ? MissingOption(
                    what: "the calibration images", option: "--calibrate SPEC", isForFloatNetworks: true) : nil,
        ].compactMap(\.self)
        let network = try Network(checkpoint: checkpoint, options: network, alpha: alpha, missing: missing)
        guard let output else { throw UsageFailure(missing: missing) }
        try Conversion(options: self, output: output, calibration: zip(calibrate, specification))
            .perform(on: network, since: started)
    }
}

extension CalibrationMethod: ExpressibleByArgument {}

func warn(_ text: String) {
    say("rarebit-convert: warning: \(text)\n")
}

/// Why no layer stays in float, and what to do about one that loses too much.
private func keepFloatRefusal(_ layer: String) -> String {
    """
    --keep-float \(layer): the device computes in int8 all through, no layer can stay in float; leave the option out and give \
    --report FILE.html to see which layers lose most, try --calibration-method mse, percentile, entropy or min-max, give \
    --calibrate more varied images (--calibration-images N), or fine-tune the network with fake quantisation
    """
}

func dataSpecification(_ text: String) throws -> DataSpecification {
    do {
        return try DataSpecification(text)
    } catch {
        throw UsageFailure("\(error)")
    }
}

/// JSON with sorted keys in snake case: the same report gives the same bytes.
func encoded(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
}
