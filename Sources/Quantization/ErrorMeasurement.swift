import FloatGraph
import FloatKernels
import Foundation
import Inference
import ModelFormat

/// How far one operation of the int8 model is from the float network, on some images.
struct OperationError: Sendable {
    /// Sums of squares over images, pixels and channels: of the float values, and of the differences.
    var signal = 0.0
    var noise = 0.0
    var values = 0
    /// Values at an end of the range that bytes can stand for.
    var saturated = 0

    /// Signal to quantisation noise, dB; nil where there is none of either.
    var signalToNoise: Double? { noise > 0 && signal > 0 ? 10 * log10(signal / noise) : nil }

    var saturation: Double { values > 0 ? Double(saturated) / Double(values) : 0 }

    static func += (sum: inout OperationError, other: OperationError) {
        sum.signal += other.signal
        sum.noise += other.noise
        sum.values += other.values
        sum.saturated += other.saturated
    }
}

/// Runs a finished model by the device's own code and the float graph side by side, and compares what every operation of the
/// model has computed with the value of `graph` that stands in its place in `outputs`.
func measureErrors(
    of file: ModelFile, against graph: FloatGraph, outputs: [FloatGraph.Value], images: CalibrationImages,
    progress: @escaping @Sendable (Double) -> Void
) throws -> [OperationError] {
    guard images.count > 0 else { return [OperationError](repeating: OperationError(), count: outputs.count) }
    let operations = Dictionary(uniqueKeysWithValues: zip(outputs, outputs.indices))
    let shape = graph[graph.input].shape
    let batches = try forEachBatch(of: images.count, size: graph.batchSize, progress: progress) {
        (load: try images.makeLoader(), int8: try Int8Run(file))
    } body: { worker, indices in
        let batch = Activations(shape: shape, images: try indices.map { try worker.load($0) })
        let found = (0..<batch.images).map { worker.int8.outputs(of: batch[image: $0]) }
        var errors = [OperationError](repeating: OperationError(), count: outputs.count)
        _ = graph.features(of: batch) { value, _, result in
            guard let operation = operations[value] else { return }
            for (image, outputs) in found.enumerated() {
                errors[operation] += outputs[operation].error(against: result[image: image])
            }
        }
        return errors
    }
    return batches.reduce(into: [OperationError](repeating: OperationError(), count: outputs.count)) { sum, batch in
        for (operation, error) in batch.enumerated() {
            sum[operation] += error
        }
    }
}

/// The device's engine, with everything it computes on the way kept.
private struct Int8Run {
    /// What an operation wrote: bytes `[pixels][stride]`, or for the last floats.
    enum Output {
        case bytes([UInt8], TensorView)
        case floats([Float])
    }

    /// The engine points into both.
    private let file: ModelFile
    private let arena: AlignedMemory
    private let engine: Engine

    init(_ file: ModelFile) throws {
        self.file = file
        let model = file.model
        guard let path = ExecutionPath.best(for: model) else { throw InferenceError.noUsablePath }
        arena = AlignedMemory(byteCount: try Engine.arenaBytes(model: model, path: path))
        engine = try Engine(model: model, path: path, arena: arena.bytes)
    }

    /// Of every operation, for a normalised image `[channels][height][width]`.
    func outputs(of image: [Float]) -> [Output] {
        quantize(image)
        var outputs: [Output] = []
        engine.runBackbone { outputs.append(output(of: engine.model.operation($0))) }
        return outputs
    }

    private func quantize(_ image: [Float]) {
        let tensor = engine.model.input.tensor
        let pixels = Int(tensor.height * tensor.width)
        for (index, value) in image.enumerated() {
            let byte = (value / tensor.scale).rounded(.toNearestOrEven) + Float(tensor.zeroPoint)
            engine.input[index % pixels * Int(tensor.pixelStride) + index / pixels] = UInt8(min(max(byte, 0), 255))
        }
    }

    private func output(of operation: OperationRecord) -> Output {
        let view = operation.output
        let start = arena.bytes.baseAddress! + Int(view.arenaOffset)
        guard operation.kind != .globalAveragePool else {
            let floats = UnsafeRawBufferPointer(start: start, count: 4 * Int(view.channels))
            return .floats(Array(floats.bindMemory(to: Float.self)))
        }
        // The last pixel of a slice ends with its own channels.
        let pixels = Int(view.height * view.width)
        let count = (pixels - 1) * Int(view.pixelStride) + Int(view.channels)
        let flip = engine.path.activationFlip
        return .bytes(UnsafeRawBufferPointer(start: start, count: count).map { $0 ^ flip }, view)
    }
}

extension Int8Run.Output {
    /// `expected`: `[channels][height][width]`.
    func error(against expected: [Float]) -> OperationError {
        var error = OperationError()
        error.values = expected.count
        error.signal = squaredNorm(expected)
        switch self {
        case .floats(let values):
            error.noise = squaredDistance(values, expected)
        case .bytes(let bytes, let view):
            error.noise = rb_f32_distance_to_bytes(
                expected, bytes, Int(view.height * view.width), Int(view.channels), Int(view.pixelStride), view.scale,
                Int32(view.zeroPoint))
            error.saturated = rb_saturated_bytes(
                bytes, Int(view.height * view.width), Int(view.channels), Int(view.pixelStride), Int32(view.zeroPoint))
        }
        return error
    }
}
