import Evaluation
import Foundation
import Quantization

/// One checkpoint on its way to a model file, once everything that it takes is known.
struct Conversion {
    private let options: Convert
    /// The model file to write.
    private let output: String
    /// The calibration data, as the user named it and as a data set.
    private let calibrate: String
    private let specification: DataSpecification

    init(options: Convert, output: String, calibrate: String, of specification: DataSpecification) {
        self.options = options
        self.output = output
        self.calibrate = calibrate
        self.specification = specification
    }

    func perform(on network: Network, since started: ContinuousClock.Instant) throws {
        var network = network
        network.notes.forEach(note)
        let (whole, calibration) = try calibrationData(specification, for: network)
        if let doubt = try network.firstNorm?.doubt(about: network.model.input, on: calibration) {
            warn(doubt)
        }
        var model = try quantized(network, calibration: calibration)
        let (choice, noChoice) = try alphaChoice(specification, subject(of: model, network))
        if network.head.asksForAlpha {
            network.head.setAlpha(choice.map { $0.isDecisive ? $0.alpha : 0 } ?? 0)
            try inFile(options.checkpoint) {
                try model.say(alpha: network.head.alpha, provenance: provenance(of: network, calibration.count))
            }
        }
        model.report.warnings.forEach(warn)
        let subject = try subject(of: model, network)
        let evaluation = try options.evaluate.map {
            try subject.evaluation(of: dataSpecification($0), named: $0, alphas: nil, choice: nil)
        }
        let conversion = conversion(of: network, model, calibrationImages: calibration.count, choice)
        let summary = ConversionReport(title: subject.title, conversion: conversion, evaluation: evaluation)
        // The model comes last: once it is there, nothing can fail any more.
        if let report = options.report {
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
            model: (output, try inFile(output) { try ModelFile(model.file) }), float: (options.checkpoint, network),
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
            architecture: network.architecture, source: URL(fileURLWithPath: options.checkpoint).lastPathComponent,
            inputSize: [network.model.input.height, network.model.input.width],
            classes: network.classes.names.enumerated().map { label, name in
                let counts = network.classes.counts
                return .init(name: name, trainingImages: counts.indices.contains(label) ? counts[label] : nil)
            },
            calibration: .init(data: calibrate, images: calibrationImages, method: options.calibrationMethod),
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
            over: options.calibrationImages)
        return (whole, try usable(chosen, for: network.model.input, calibrate))
    }

    private func quantized(_ network: Network, calibration: Dataset) throws -> QuantizedModel {
        let bar = ProgressBar("calibrating")
        defer { bar.finish() }
        return try inFile(options.checkpoint) {
            try quantize(
                network.model.graph, head: network.model.head, description: description(of: network, calibration.count),
                calibration: CalibrationImages(calibration, input: network.model.input),
                method: options.calibrationMethod,
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
            "source": URL(fileURLWithPath: options.checkpoint).lastPathComponent,
            "source-sha256": try sha256(ofFiles: network.sourceFiles),
            "architecture": network.architecture,
            "classifier": network.head.classifier,
            "adjustment": network.head.adjustment,
            "calibration":
                "\(calibrate.prefix { $0 != ":" }), \(images) training images, \(options.calibrationMethod.rawValue)",
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
