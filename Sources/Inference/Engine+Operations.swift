import Kernels
import ModelFormat

/// The operations that have one implementation and read no packed weights.
extension Engine {
    func lookup(_ operation: OperationRecord) {
        var lookup = rb_lookup(
            input: rb_shape(operation.input), output: rb_shape(operation.output),
            table: model.weights(of: operation).assumingMemoryBound(to: UInt8.self),
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), flip: path.activationFlip)
        rb_lookup_run(&lookup)
    }

    func multiply(_ operation: OperationRecord) {
        var product = rb_multiply(
            input: rb_shape(operation.input), factor: rb_shape(operation.residual),
            output: rb_shape(operation.output), output_min: Int32(operation.outputMin),
            output_max: Int32(operation.outputMax),
            multiplier: operation.input.scale * operation.residual.scale / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            factor_data: bytes(at: operation.residual.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), flip: path.activationFlip)
        rb_multiply_run(&product)
    }

    func maxPool(_ operation: OperationRecord) {
        var pool = rb_max_pool(
            input: rb_shape(operation.input), output: rb_shape(operation.output),
            kernel_height: Int32(operation.kernelHeight), kernel_width: Int32(operation.kernelWidth),
            stride_y: Int32(operation.strideY), stride_x: Int32(operation.strideX),
            padding_top: Int32(operation.paddingTop), padding_left: Int32(operation.paddingLeft),
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), flip: path.activationFlip)
        rb_max_pool_run(&pool)
    }

    func averagePool(_ operation: OperationRecord) {
        var pool = rb_average_pool(
            input: rb_shape(operation.input), output: rb_shape(operation.output),
            kernel_height: Int32(operation.kernelHeight), kernel_width: Int32(operation.kernelWidth),
            stride_y: Int32(operation.strideY), stride_x: Int32(operation.strideX),
            padding_top: Int32(operation.paddingTop), padding_left: Int32(operation.paddingLeft),
            counts_padding: operation.countsPadding == 1,
            multiplier: operation.input.scale / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), flip: path.activationFlip)
        rb_average_pool_run(&pool)
    }

    func globalAveragePool(_ operation: OperationRecord) {
        let pixels = operation.input.height * operation.input.width
        var pool = rb_global_average_pool(
            input: rb_shape(operation.input), multiplier: operation.input.scale / Float(pixels),
            input_data: bytes(at: operation.input.arenaOffset),
            features: floats(at: operation.output.arenaOffset), flip: path.activationFlip)
        rb_global_average_pool_run(&pool)
    }
}
