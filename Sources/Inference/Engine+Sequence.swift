import Kernels
import ModelFormat

/// What networks with attention need beside convolutions, and what moves numbers about.
extension Engine {
    func constant(_ operation: OperationRecord) {
        let view = operation.output
        let channels = Int(view.channels)
        var source = model.weights(of: operation).assumingMemoryBound(to: UInt8.self)
        var target = bytes(at: view.arenaOffset)
        for _ in 0..<Int(view.height * view.width) {
            for channel in 0..<channels { target[channel] = source[channel] ^ path.activationFlip }
            source += channels
            target += Int(view.pixelStride)
        }
    }

    func rearrange(_ operation: OperationRecord) {
        let counts = numbers(of: operation, as: UInt32.self)
        let steps = UnsafeRawPointer(counts + 2).assumingMemoryBound(to: rb_rearrange_step.self)
        let rearrangement = rb_rearrange(
            input: rb_shape(operation.input), output: rb_shape(operation.output), pixel_steps: Int32(counts[0]),
            channel_steps: Int32(counts[1]), steps: steps, input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset))
        share(rearrangement, of: operation, by: rb_rearrange_run)
    }

    func resample(_ operation: OperationRecord) {
        let taps = numbers(of: operation, as: rb_resample_tap.self)
        let resampling = rb_resample(
            input: rb_shape(operation.input), output: rb_shape(operation.output), rows: taps,
            columns: taps + Int(operation.output.height), input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(resampling, of: operation, by: rb_resample_run)
    }

    func softmax(_ operation: OperationRecord) {
        let softmax = rb_group_softmax(
            input: rb_shape(operation.input), output: rb_shape(operation.output), groups: Int32(operation.groups),
            table: numbers(of: operation, as: UInt32.self), multiplier: 1 / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(softmax, of: operation, by: rb_group_softmax_run)
    }

    func layerNorm(_ operation: OperationRecord) {
        let floats = numbers(of: operation, as: Float.self)
        let norm = rb_layer_norm(
            input: rb_shape(operation.input), output: rb_shape(operation.output), epsilon: floats[0],
            weights: floats + 1, bias: floats + 1 + Int(operation.output.channels),
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(norm, of: operation, by: rb_layer_norm_run)
    }

    func l2Norm(_ operation: OperationRecord) {
        let norm = rb_l2_norm(
            input: rb_shape(operation.input), output: rb_shape(operation.output), groups: Int32(operation.groups),
            least: numbers(of: operation, as: Float.self)[0], multiplier: 1 / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(norm, of: operation, by: rb_l2_norm_run)
    }

    /// What an operation keeps in the parameters section.
    private func numbers<Number>(of operation: OperationRecord, as type: Number.Type) -> UnsafePointer<Number> {
        model.parameters(of: operation).assumingMemoryBound(to: type)
    }
}
