import Kernels
import ModelFormat

extension rb_shape {
    init(_ view: TensorView) {
        self.init(
            height: Int32(view.height), width: Int32(view.width), channels: Int32(view.channels),
            pixel_stride: Int32(view.pixelStride), zero_point: Int32(view.zeroPoint))
    }
}

extension OperationRecord {
    /// The geometry and numbers of a convolution as the kernels take them.
    var convolutionShape: rb_conv_shape {
        rb_conv_shape(
            input: rb_shape(input), output: rb_shape(output), groups: Int32(groups),
            kernel_height: Int32(kernelHeight), kernel_width: Int32(kernelWidth), stride_y: Int32(strideY),
            stride_x: Int32(strideX), dilation_y: Int32(dilationY), dilation_x: Int32(dilationX),
            padding_top: Int32(paddingTop), padding_left: Int32(paddingLeft), output_min: Int32(outputMin),
            output_max: Int32(outputMax), residual: rb_shape(residual), residual_step: Int32(residualStep),
            residual_channel_offset: Int32(residualChannelOffset),
            residual_multiplier: residual.height > 0 ? residual.scale / output.scale : 0)
    }

    /// Bytes of the packed weights on a path, a multiple of 64; 0 for anything but a convolution.
    public func packedBytes(path: ExecutionPath) -> Int {
        guard kind == OperationKind.convolution.rawValue else { return 0 }
        var shape = convolutionShape
        return rb_conv_packed_bytes(path.kernelPath, &shape)
    }

    /// NUL-terminated ASCII, the kernel that computes a convolution on a path; nil for other operations.
    public func kernelName(path: ExecutionPath) -> UnsafePointer<CChar>? {
        guard kind == OperationKind.convolution.rawValue else { return nil }
        var shape = convolutionShape
        return rb_conv_kernel_name(path.kernelPath, &shape)
    }

    /// Working memory that the operation needs on any path, bytes, a multiple of 64.
    public var requiredScratchBytes: Int {
        guard kind == OperationKind.convolution.rawValue else { return 0 }
        var shape = convolutionShape
        return rb_conv_scratch_bytes(&shape)
    }
}
