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
    var output: String
    @Option(help: ArgumentHelp("The data set to calibrate with; its training part is used.", valueName: "spec"))
    var calibrate: String
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
        let specification = try dataSpecification(calibrate)
        let evaluationSpecification = try evaluate.map(dataSpecification)
        for file in [output, report].compactMap(\.self) {
            try checkWritable(file)
        }
        var network = try Network(checkpoint: checkpoint, options: network, alpha: alpha)
        network.notes.forEach(note)
        let (whole, calibration) = try calibrationData(specification, for: network)
        if let doubt = try network.firstNorm?.doubt(about: network.model.input, on: calibration) {
            warn(doubt)
        }
        var model = try quantized(network, calibration: calibration)
        let (choice, noChoice) = try alphaChoice(specification, subject(of: model, network))
        if network.head.asksForAlpha {
            network.head.setAlpha(choice.map { $0.isDecisive ? $0.alpha : 0 } ?? 0)
            try inFile(checkpoint) {
                try model.say(alpha: network.head.alpha, provenance: provenance(of: network, calibration.count))
            }
        }
        model.report.warnings.forEach(warn)
        let subject = try subject(of: model, network)
        let evaluation = try evaluationSpecification.map {
            try subject.evaluation(of: $0, named: evaluate!, alphas: nil, choice: nil)
        }
        let conversion = conversion(of: network, model, calibrationImages: calibration.count, choice)
        let summary = ConversionReport(title: subject.title, conversion: conversion, evaluation: evaluation)
        // The model comes last: once it is there, nothing can fail any more.
        if let report {
            try writeReport(summary, figures: summary, to: report)
        }
        try replaceFile(output, with: model.file)
        print(self.summary(of: model, network, calibration, of: whole, took: started.duration(to: .now)))
        print(conversion.text, terminator: "")
        if let noChoice {
            print("  alpha        \(noChoice)")
        }
        if let evaluation {
            print("\n\(evaluation.text)")
        }
    }

    private func subject(of model: QuantizedModel, _ network: Network) throws -> Subject {
        Subject(
            model: (output, try inFile(output) { try ModelFile(model.file) }), float: (checkpoint, network),
            classCounts: nil)
    }

    /// By the part of the calibration data that was held out from training; where there is none, why not, in one line.
    private func alphaChoice(
        _ specification: DataSpecification, _ subject: Subject
    ) throws -> (choice: AlphaChoice?, reason: String?) {
        guard subject.hasAdjustment else { return (nil, nil) }
        let start = "is \(short(subject.defaultAlpha)), which no pictures were asked about"
        do {
            switch try subject.picturesForChoice(specification, calibrate, isMeantForIt: false) {
            case .pictures(let name, let pictures): return (try subject.chooseAlpha(on: (name, pictures)), nil)
            case .none(let reason): return (nil, "\(start): \(reason)")
            }
        } catch let failure as Failure {
            // Calibration needs pictures; the choice of alpha their classes too.
            return (nil, "\(start): \(failure.message)")
        }
    }

    private func conversion(
        of network: Network, _ model: QuantizedModel, calibrationImages: Int, _ choice: AlphaChoice?
    ) -> ConversionReport.Conversion {
        ConversionReport.Conversion(
            architecture: network.architecture, source: URL(fileURLWithPath: checkpoint).lastPathComponent,
            inputSize: [network.model.input.height, network.model.input.width],
            classes: network.classes.names.enumerated().map { label, name in
                let counts = network.classes.counts
                return .init(name: name, trainingImages: counts.indices.contains(label) ? counts[label] : nil)
            },
            calibration: .init(data: calibrate, images: calibrationImages, method: calibrationMethod),
            quantization: model.report, alphaChoice: choice)
    }

    /// Training images, no more of each class than the network was trained with. Classes count alike: what only rare
    /// classes do to the activations must not be cut off.
    private func calibrationData(
        _ specification: DataSpecification, for network: Network
    ) throws -> (whole: Dataset, chosen: Dataset) {
        let classes = network.classes
        let whole = try classes.dataset(
            specification, calibrate, part: .training, ignoresEXIF: network.ignoresEXIF, mattersWhich: false)
        let chosen = try classes.restricting(classes.trainingPart(of: whole), calibrate).balanced(
            over: calibrationImages)
        return (whole, try usable(chosen, for: network.model.input, calibrate))
    }

    private func quantized(_ network: Network, calibration: Dataset) throws -> QuantizedModel {
        let bar = ProgressBar("calibrating")
        defer { bar.finish() }
        return try inFile(checkpoint) {
            try quantize(
                network.model.graph, head: network.model.head, description: description(of: network, calibration.count),
                calibration: CalibrationImages(calibration, input: network.model.input), method: calibrationMethod,
                progress: bar.update)
        }
    }

    private func description(of network: Network, _ images: Int) throws -> ModelDescription {
        ModelDescription(
            input: network.model.input, classNames: network.classes.names, classCounts: network.classes.counts,
            alpha: network.head.alpha, provenance: try provenance(of: network, images))
    }

    private func provenance(of network: Network, _ images: Int) throws -> KeyValuePairs<String, String> {
        [
            "converter": "rarebit-convert \(converterVersion)",
            "source": URL(fileURLWithPath: checkpoint).lastPathComponent,
            "source-sha256": try sha256(ofFile: checkpoint),
            "architecture": network.architecture,
            "classifier": network.head.classifier,
            "adjustment": network.head.adjustment,
            "calibration":
                "\(calibrate.prefix { $0 != ":" }), \(images) training images, \(calibrationMethod.rawValue)",
        ]
    }

    private func summary(
        of model: QuantizedModel, _ network: Network, _ calibration: Dataset, of whole: Dataset, took time: Duration
    ) -> String {
        let megaMultiplyAdds = Double(network.model.graph.multiplyAdds) / 1e6
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return """
            \(output): \(network.architecture), \(network.classes.names.count) classes, \
            \(network.model.input.width)x\(network.model.input.height) input
              pictures     \(network.model.input.text)
              classifier   \(network.head.classifier)
              adjustment   \(network.head.adjustment)
              file         \(model.file.count) bytes
              arena        \(model.report.activationBytes) bytes for activations and scratch
              work         \(String(format: "%.1f", megaMultiplyAdds)) million multiply-adds a picture
              calibration  \(calibration.count) images, \(String(format: "%.1f", seconds)) s
            """ + (whole.classFolders.map { "\n  classes      \($0.text)" } ?? "")
    }
}

extension CalibrationMethod: ExpressibleByArgument {}

private func warn(_ text: String) {
    FileHandle.standardError.write(Data("rarebit-convert: warning: \(text)\n".utf8))
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
