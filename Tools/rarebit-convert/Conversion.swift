import Evaluation
import Foundation
import Quantization
import Rarebit

/// One checkpoint on its way to a model file, once everything that it takes is known.
struct Conversion {
    private let options: Convert
    /// The model file to write.
    private let output: String
    /// The calibration data, as the user named it and as a data set; a file that is quantised already needs none.
    private let calibration: (name: String, data: DataSpecification)?

    init(options: Convert, output: String, calibration: (String, DataSpecification)?) {
        self.options = options
        self.output = output
        self.calibration = calibration
    }

    func perform(on network: Network, since started: ContinuousClock.Instant) throws {
        var network = network
        network.notes.forEach(note)
        let images = try calibration.map { try calibrationData($0, for: network) }
        if let images, let doubt = try network.firstNorm?.doubt(about: network.model.input, on: images.chosen) {
            warn(doubt)
        }
        let count = images?.chosen.count ?? 0
        var model = try quantized(network, calibration: images?.chosen)
        let heldOut = try heldOutPictures(try subject(of: model, network))
        let (choice, noChoice) = try alphaChoice(subject(of: model, network), heldOut)
        if network.head.asksForAlpha {
            network.head.setAlpha(choice.map { $0.isDecisive ? $0.alpha : 0 } ?? 0)
        }
        let (temperature, noTemperature) = try temperatureChoice(
            subject(of: model, network), alpha: network.head.alpha, heldOut)
        try inFile(options.checkpoint) {
            try model.say(
                alpha: network.head.alpha,
                temperatures: temperature?.points.map { .init(alpha: $0.alpha, temperature: $0.temperature) } ?? [],
                provenance: provenance(of: network, count, temperature))
        }
        model.report.warnings.forEach(warn)
        let subject = try subject(of: model, network)
        let evaluation = try options.evaluate.map {
            try subject.evaluation(of: dataSpecification($0), named: $0, alphas: nil, choice: nil)
        }
        let conversion = conversion(of: network, model, calibrationImages: count, choice, temperature)
        let summary = ConversionReport(title: subject.title, conversion: conversion, evaluation: evaluation)
        // The model comes last: once it is there, nothing can fail any more.
        if let report = options.report {
            try writeReport(summary, figures: summary, to: report)
        }
        try replaceFile(output, with: model.file)
        print(self.summary(of: model, network, images, took: started.duration(to: .now)))
        print(conversion.text, terminator: "")
        if let noChoice {
            print("  alpha        \(noChoice)")
        }
        if let noTemperature {
            print("  temperature  1: \(noTemperature)")
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

    /// Those of the calibration data; nil where there is none.
    private func heldOutPictures(_ subject: Subject) throws -> PicturesForChoice? {
        guard let (name, specification) = calibration else { return nil }
        do {
            return try subject.picturesForChoice(specification, name, isMeantForIt: false)
        } catch let failure as Failure {
            // Calibration needs pictures; what is chosen by them their classes too.
            return PicturesForChoice.none(reason: failure.message)
        }
    }

    /// By the pictures that were held out from training; where there are none, why not, in one line.
    private func alphaChoice(
        _ subject: Subject, _ heldOut: PicturesForChoice?
    ) throws -> (choice: AlphaChoice?, reason: String?) {
        guard subject.hasAdjustment else { return (nil, nil) }
        let start = "is \(short(subject.defaultAlpha)), which no pictures were asked about"
        switch heldOut {
        case .pictures(let name, let pictures): return (try subject.chooseAlpha(on: (name, pictures)), nil)
        case .some(.none(let reason)): return (nil, "\(start): \(reason)")
        case nil: return (nil, "\(start): there is no --calibrate")
        }
    }

    /// The same of what logits are divided by. Never by pictures that the network was trained with: it is surer of those.
    private func temperatureChoice(
        _ subject: Subject, alpha: Float, _ heldOut: PicturesForChoice?
    ) throws -> (choice: TemperatureChoice?, reason: String?) {
        guard case .pictures(let name, let pictures) = heldOut else {
            return (nil, "no pictures are known to be held out from training, so that nothing says how sure to be")
        }
        guard pictures.count >= TemperatureChoice.leastImages else {
            return (
                nil,
                "\(pictures.count) pictures are held out from training; from \(TemperatureChoice.leastImages) on they would say how sure to be"
            )
        }
        return (try subject.chooseTemperatures(on: (name, pictures), alpha: alpha), nil)
    }

    private func conversion(
        of network: Network, _ model: QuantizedModel, calibrationImages: Int, _ choice: AlphaChoice?,
        _ temperature: TemperatureChoice?
    ) -> ConversionReport.Conversion {
        ConversionReport.Conversion(
            architecture: network.architecture, source: URL(fileURLWithPath: options.checkpoint).lastPathComponent,
            inputSize: [network.model.input.height, network.model.input.width],
            classes: network.classes.names.enumerated().map { label, name in
                let counts = network.classes.counts
                return .init(name: name, trainingImages: counts.indices.contains(label) ? counts[label] : nil)
            },
            calibration: .init(
                data: calibration?.name ?? "no pictures", images: calibrationImages, method: options.calibrationMethod),
            quantization: model.report, alphaChoice: choice, temperatureChoice: temperature)
    }

    /// Training images, no more of each class than the network was trained with. Classes count alike: what only rare
    /// classes do to the activations must not be cut off.
    private func calibrationData(
        _ calibration: (name: String, data: DataSpecification), for network: Network
    ) throws -> (whole: Dataset, chosen: Dataset) {
        let (name, specification) = calibration
        let classes = network.classes
        let whole = try classes.dataset(
            specification, name, part: .training, ignoresEXIF: network.ignoresEXIF, mattersWhich: false)
        let chosen = try classes.restricting(classes.trainingPart(of: whole), name).balanced(
            over: options.calibrationImages)
        return (whole, try usable(chosen, for: network.model.input, name))
    }

    private func quantized(_ network: Network, calibration: Dataset?) throws -> QuantizedModel {
        let bar = ProgressBar("calibrating")
        defer { bar.finish() }
        return try inFile(options.checkpoint) {
            try quantize(
                network.model.graph, head: network.model.head,
                description: description(of: network, calibration?.count ?? 0),
                calibration: calibration.map { CalibrationImages($0, input: network.model.input) }
                    ?? CalibrationImages([]),
                method: options.calibrationMethod,
                progress: bar.update)
        }
    }

    private func description(of network: Network, _ images: Int) throws -> ModelDescription {
        ModelDescription(
            input: network.model.input, classNames: network.classes.names, classCounts: network.classes.counts,
            alpha: network.head.alpha, provenance: try provenance(of: network, images, nil))
    }

    private func provenance(
        of network: Network, _ images: Int, _ temperature: TemperatureChoice?
    ) throws -> KeyValuePairs<String, String> {
        [
            "converter": "rarebit-convert \(rarebitVersion)",
            "source": URL(fileURLWithPath: options.checkpoint).lastPathComponent,
            "source-sha256": try sha256(ofFiles: network.sourceFiles),
            "architecture": network.architecture,
            "classifier": network.head.classifier,
            "adjustment": network.head.adjustment,
            "calibration":
                calibration.map {
                    "\($0.name.prefix { $0 != ":" }), \(images) training images, \(options.calibrationMethod.rawValue)"
                } ?? "none, the file's own numbers",
            "temperature": temperature.map {
                String(
                    format: "by %d images held out, at alpha %g calibration error %.2f %% -> %.2f %%", $0.images,
                    $0.alpha,
                    100 * $0.before.error, 100 * $0.after.error)
            } ?? "1, no images held out",
        ]
    }

    private func summary(
        of model: QuantizedModel, _ network: Network, _ images: (whole: Dataset, chosen: Dataset)?,
        took time: Duration
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
              calibration  \(images?.chosen.count ?? 0) images, \(String(format: "%.1f", seconds)) s
            """ + (images?.whole.classFolders.map { "\n  classes      \($0.text)" } ?? "")
    }
}
