import Kernels
import ModelFormat
import Text

extension OperationRecord {
    /// Bytes of the packed weights on a path, a multiple of 64; 0 for anything but a convolution.
    public func packedBytes(path: ExecutionPath) -> Int {
        guard kind == .convolution else { return 0 }
        var shape = convolutionShape
        return rb_conv_packed_bytes(path.kernelPath, &shape)
    }

    /// The name of the kernel that computes a convolution on a path; nil for other operations.
    public func kernelName(path: ExecutionPath) -> CText? {
        guard kind == .convolution else { return nil }
        var shape = convolutionShape
        return CText(rb_conv_kernel_name(path.kernelPath, &shape))
    }

    /// Whether a run reads numbers of the parameters section, but for a convolution's that are packed with its weights.
    var readsParameters: Bool {
        switch kind {
        case .convolution, .rearrange, .resample, .softmax, .layerNorm, .l2Norm: true
        case .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool, .constant, .matrixProduct: false
        }
    }

    /// Working memory that each further thread needs on a path, bytes, a multiple of 64.
    func threadScratchBytes(path: ExecutionPath) -> Int {
        switch kind {
        case .convolution:
            var shape = convolutionShape
            return rb_conv_scratch_bytes(path.kernelPath, &shape)
        case .matrixProduct:
            var product = matrixProduct
            return rb_matrix_product_thread_scratch_bytes(path.kernelPath, &product)
        case .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool, .constant, .rearrange, .resample, .softmax,
            .layerNorm, .l2Norm:
            return 0
        }
    }
}
