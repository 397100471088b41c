import FloatGraph
import ModelFormat

/// A finished model and what there is to say about making it.
public struct QuantizedModel: Sendable {
    /// The bytes of the file; they pass the verifier.
    public let file: [UInt8]
    public let report: QuantizationReport
}

/// Turns a float network with folded batch normalisations into an int8 model file.
///
/// The same arguments give the same bytes on one machine, with any number of cores; on another processor OpenBLAS may sum in
/// another order, and the calibrated ranges can then differ in their last bits. `progress` hears the fraction done, from any
/// thread. Throws `QuantizationError` and what the images' loader throws.
public func quantize(
    _ graph: FloatGraph, head: ClassifierHead, description: ModelDescription, calibration images: CalibrationImages,
    method: CalibrationMethod = .auto, progress: @escaping @Sendable (Double) -> Void = { _ in }
) throws -> QuantizedModel {
    let network = try FusedNetwork(graph)
    let inputs = network.steps.map(\.input)
    let outputs = network.steps.dropLast().map { network.quantizationSource(of: $0.output) }
    let calibration = try calibrate(
        graph, values: Set(inputs + outputs), images: images, method: method, progress: progress)
    var quantizations = calibration.ranges.mapValues { AffineQuantization(covering: $0.chosen) }
    quantizations[graph.input] = AffineQuantization(covering: description.input.range)

    var writer = PlanWriter(graph: graph, network: network, quantizations: quantizations, means: calibration.means)
    var layers: [QuantizationReport.Layer] = []
    for step in network.steps {
        var layer = try writer.append(step)
        layer.range = calibration.ranges[network.quantizationSource(of: step.output)]
        layers.append(layer)
    }
    let (contents, arena) = writer.finished(head: head, description: description)
    let file = contents.serialized()
    if let error = file.withUnsafeBytes(refusal) {
        throw QuantizationError.refused(error)
    }
    let report = QuantizationReport(
        layers: layers, fileBytes: file.count, activationBytes: arena.size, leastActivationBytes: arena.leastPossible)
    return QuantizedModel(file: file, report: report)
}

/// Why the device would refuse a file, or nil where it would run it.
private func refusal(of file: UnsafeRawBufferPointer) -> ModelError? {
    do throws(ModelError) {
        _ = try Model(verifying: file)
        return nil
    } catch {
        return error
    }
}
