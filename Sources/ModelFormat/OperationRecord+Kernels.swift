import Kernels

extension rb_shape {
    public init(_ view: TensorView) {
        self.init(
            height: Int32(view.height), width: Int32(view.width), channels: Int32(view.channels),
            pixel_stride: Int32(view.pixelStride), zero_point: Int32(view.zeroPoint))
    }
}

extension OperationRecord {
    /// The geometry and numbers of a convolution as the kernels take them; its fields must be in their ranges.
    public var convolutionShape: rb_conv_shape {
        rb_conv_shape(
            input: rb_shape(input), output: rb_shape(output), groups: Int32(groups),
            kernel_height: Int32(kernelHeight), kernel_width: Int32(kernelWidth), stride_y: Int32(strideY),
            stride_x: Int32(strideX), dilation_y: Int32(dilationY), dilation_x: Int32(dilationX),
            padding_top: Int32(paddingTop), padding_left: Int32(paddingLeft), output_min: Int32(outputMin),
            output_max: Int32(outputMax), residual: rb_shape(residual), residual_step: Int32(residualStep),
            residual_channel_offset: Int32(residualChannelOffset),
            residual_multiplier: residual.height > 0 ? residual.scale / output.scale : 0)
    }

    /// Working memory that the operation needs on whichever path needs most, bytes, a multiple of 64: what a file must
    /// state at least, so that it runs on all of them. The kernels' own function of the shape.
    public var requiredScratchBytes: Int {
        switch kind {
        case .convolution:
            var shape = convolutionShape
            return rb_conv_most_scratch_bytes(&shape)
        case .matrixProduct:
            var product = matrixProduct
            return rb_matrix_product_most_scratch_bytes(&product)
        case .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool, .constant, .rearrange, .resample, .softmax,
            .layerNorm, .l2Norm:
            return 0
        }
    }

    /// A matrix product without its memory, as the kernels take it; its fields must be in their ranges.
    public var matrixProduct: rb_matrix_product {
        rb_matrix_product(
            input: rb_shape(input), factor: rb_shape(residual), output: rb_shape(output), groups: Int32(groups),
            multiplier: input.scale * residual.scale / output.scale, input_data: nil, factor_data: nil,
            output_data: nil, scratch: nil, flip: 0)
    }
}
