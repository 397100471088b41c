import Kernels
import ModelFormat

/// The operations that have one implementation and read no packed weights.
extension Engine {
    func lookup(_ operation: OperationRecord) {
        let lookup = rb_lookup(
            input: rb_shape(operation.input), output: rb_shape(operation.output),
            table: model.weights(of: operation).assumingMemoryBound(to: UInt8.self),
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(lookup, of: operation, by: rb_lookup_run)
    }

    func multiply(_ operation: OperationRecord) {
        let product = rb_multiply(
            input: rb_shape(operation.input), factor: rb_shape(operation.residual),
            output: rb_shape(operation.output), output_min: Int32(operation.outputMin),
            output_max: Int32(operation.outputMax),
            multiplier: operation.input.scale * operation.residual.scale / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            factor_data: bytes(at: operation.residual.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
        share(product, of: operation, by: rb_multiply_run)
    }

    func maxPool(_ operation: OperationRecord) {
        share(pool(operation), of: operation, by: rb_max_pool_run)
    }

    func averagePool(_ operation: OperationRecord) {
        share(pool(operation), of: operation, by: rb_average_pool_run)
    }

    private func pool(_ operation: OperationRecord) -> rb_pool {
        rb_pool(
            input: rb_shape(operation.input), output: rb_shape(operation.output),
            kernel_height: Int32(operation.kernelHeight), kernel_width: Int32(operation.kernelWidth),
            stride_y: Int32(operation.strideY), stride_x: Int32(operation.strideX),
            padding_top: Int32(operation.paddingTop), padding_left: Int32(operation.paddingLeft),
            counts_padding: operation.countsPadding == 1,
            multiplier: operation.input.scale / operation.output.scale,
            input_data: bytes(at: operation.input.arenaOffset),
            output_data: bytes(at: operation.output.arenaOffset), path: path.kernelPath)
    }

    func globalAveragePool(_ operation: OperationRecord) {
        let pixels = operation.input.height * operation.input.width
        let pool = rb_global_average_pool(
            input: rb_shape(operation.input), multiplier: operation.input.scale / Float(pixels),
            input_data: bytes(at: operation.input.arenaOffset),
            features: floats(at: operation.output.arenaOffset), path: path.kernelPath)
        share(pool, of: operation, by: rb_global_average_pool_run)
    }

    /// Runs an operation, which `part` computes a share of, on as many threads as it is worth.
    func share<Work: BitwiseCopyable>(_ work: Work, of operation: OperationRecord, by part: Threads.Part) {
        var work = work
        let shares = operation.shares(threads: threads.count, path: path)
        withUnsafeMutablePointer(to: &work) { work in
            guard shares > 1, let lent = threads.lent else { return part(work, 0, 1, 0) }
            lent.run(lent.team, Int32(shares), part, work)
        }
    }
}
