import FloatGraph
import ModelFormat

/// A finished model and what there is to say about making it.
public struct QuantizedModel: Sendable {
    /// The bytes of the file; they pass the verifier.
    public private(set) var file: [UInt8]
    public private(set) var report: QuantizationReport
    private var contents: ModelContents

    fileprivate init(contents: ModelContents, file: [UInt8], report: QuantizationReport) {
        self.contents = contents
        self.file = file
        self.report = report
    }

    /// Changes what does not depend on the network: the default strength of TDE, what logits are divided by, and where the model
    /// comes from.
    public mutating func say(
        alpha: Float, temperatures: [TemperaturePoint], provenance: KeyValuePairs<String, String>
    ) throws(QuantizationError) {
        contents.head.defaultAlpha = alpha
        contents.temperatures = temperatures
        contents.provenance = ModelDescription.text(of: provenance)
        file = contents.serialized()
        report.fileBytes = file.count
        report.fileSections = sections(of: try verified(file))
    }
}

/// Turns a float network with folded batch normalisations into an int8 model file.
///
/// The same arguments give the same bytes on every machine, with any number of cores: sums have one order. `progress` hears the
/// fraction done, from any thread. Throws `QuantizationError` and what the images' loader throws.
public func quantize(
    _ graph: FloatGraph, head: ClassifierHead, description: ModelDescription, calibration images: CalibrationImages,
    method: CalibrationMethod = .auto, progress: @escaping @Sendable (Double) -> Void = { _ in }
) throws -> QuantizedModel {
    let (graph, stated) = try graph.lowered()
    let network = try FusedNetwork(graph)
    try rehearse(graph, network, head, description)
    let inputs = network.steps.map(\.input)
    let outputs = network.steps.dropLast().map { network.quantizationSource(of: $0.output) }
    // Of one image: calibration reads every image once, the other parts a few of them several times.
    let measured = images.spread(over: measuredImages)
    let share = Double(images.count) / Double(images.count + measured.count)
    let open = Set(inputs.map(network.quantizationSource) + outputs).subtracting(stated.keys)
    // A file that states all numbers needs no images.
    let calibration =
        open.isEmpty
        ? Calibration(ranges: [:], means: [:])
        : try calibrate(graph, values: Set(inputs + outputs).subtracting(stated.keys), images: images, method: method) {
            progress(share * $0)
        }
    var quantizations = calibration.ranges.mapValues { AffineQuantization(covering: $0.chosen) }
    for value in network.centredValues where stated[value] == nil {
        quantizations[value] = AffineQuantization(centredOver: calibration.ranges[value]!.chosen)
    }
    quantizations[graph.input] = AffineQuantization(covering: description.input.range)
    quantizations.merge(stated.mapValues(AffineQuantization.init)) { $1 }
    for value in graph.values {
        guard let quantization = quantizations[value], quantization.scale > TensorView.largestScale else { continue }
        throw QuantizationError.outOfRange(layer: graph[value].name)
    }

    var writer = PlanWriter(
        graph: graph, network: network,
        numbers: .init(quantizations: quantizations, means: calibration.means, keepsWeights: !stated.isEmpty))
    var layers: [QuantizationReport.Layer] = []
    for step in network.steps {
        var layer = try writer.append(step)
        layer.range = calibration.ranges[network.quantizationSource(of: step.output)]
        layers.append(layer)
    }
    let (contents, arena) = try writer.finished(head: head, description: description)
    let file = contents.serialized()
    let verified = try verified(file, layers: network.steps.map(\.name))
    let errors = try measureErrors(
        of: verified, against: graph, outputs: network.steps.map(\.output), images: measured
    ) { progress(share + (1 - share) * $0) }
    note(errors, of: network, in: &layers, aliveBytes: arena.aliveBytes)
    let report = QuantizationReport(
        layers: layers, fileBytes: file.count, fileSections: sections(of: verified), activationBytes: arena.size,
        leastActivationBytes: arena.leastPossible, headArenaBytes: arena.aliveBytes.last ?? 0,
        measuredImages: measured.count)
    return QuantizedModel(contents: contents, file: file, report: report)
}

/// Writes the file with made-up numbers and has the verifier read it: what a device refuses whatever the pictures is refused
/// before any is read.
private func rehearse(
    _ graph: FloatGraph, _ network: FusedNetwork, _ head: ClassifierHead, _ description: ModelDescription
) throws(QuantizationError) {
    var writer = PlanWriter(graph: graph, network: network, numbers: nil)
    for step in network.steps {
        _ = try writer.append(step)
    }
    _ = try verified(try writer.finished(head: head, description: description).contents.serialized())
}

/// Each gives thousands of values of every layer.
private let measuredImages = 16

private func note(
    _ errors: [OperationError], of network: FusedNetwork, in layers: inout [QuantizationReport.Layer],
    aliveBytes: [Int]
) {
    // Of a concatenation, which no step computes as a whole, its parts together.
    var known: [FloatGraph.Value: OperationError] = [:]
    for (number, step) in network.steps.enumerated() {
        let inputs = step.reads.compactMap { known[$0]?.signalToNoise }
        layers[number].inputSignalToNoise = inputs.min()
        layers[number].signalToNoise = errors[number].signalToNoise
        layers[number].saturation = errors[number].saturation
        layers[number].arenaBytes = aliveBytes[number]
        known[step.output] = errors[number]
        if let slice = network.slices[step.output] {
            known[slice.whole, default: OperationError()] += errors[number]
        }
    }
}

private func sections(of file: ModelFile) -> [QuantizationReport.Section] {
    file.withModel { model in
        SectionKind.allCases.map { QuantizationReport.Section(name: "\($0.name)", bytes: model.byteCount(of: $0)) }
            .filter { $0.bytes > 0 }
    }
}

/// Throws why the device would refuse a file. `layers` are the names of its operations.
private func verified(_ file: [UInt8], layers: [String] = []) throws(QuantizationError) -> ModelFile {
    do throws(ModelError) {
        return try ModelFile(file)
    } catch {
        guard case .badOperation(let index, _) = error, layers.indices.contains(index) else {
            throw .refused(error, layer: nil)
        }
        throw .refused(error, layer: layers[index])
    }
}
