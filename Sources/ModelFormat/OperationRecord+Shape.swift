// What sizes a device takes, whatever the numbers and the places in memory: the verifier asks it of a file, the converter
// before it reads a single picture.

extension OperationRecord {
    /// Largest side, channel count or class count.
    public static let maximumExtent: UInt32 = 65535
    /// Largest kernel side, stride and dilation: with `maximumExtent`, all coordinates stay below 2^31.
    public static let maximumStep: UInt32 = 255
    /// Pixels whose bytes a global average pooling sums up in 32 bits.
    public static let maximumPooledPixels: UInt64 = 1 << 23
    /// Products of two bytes whose sum a matrix product takes in 32 bits, with room for 512 for each.
    public static let maximumSummedProducts: UInt64 = 32767

    /// The first field whose size no kernel takes; nil where all can be had. Of a convolution's memory, groups and strides
    /// only one without a fault may be asked.
    public var shapeFault: ModelError.Field? {
        guard input.hasShape else { return .input }
        switch kind {
        case .convolution:
            guard groups >= 1, input.channels % groups == 0, output.channels % groups == 0 else { return .groups }
            return windowShapeFault ?? residualShapeFault
        case .maxPool, .averagePool:
            return windowShapeFault ?? poolShapeFault
        case .lookup:
            return output.isOfSize(input) && output.hasShape ? nil : .output
        case .multiply:
            guard output.isOfSize(input), output.hasShape else { return .output }
            let isGate = residual.height == 1 && residual.width == 1 && residual.channels == input.channels
            return residual.hasShape && (isGate || residual.isOfSize(input)) ? nil : .residual
        case .constant:
            return output.hasShape && output == input ? nil : .output
        case .rearrange:
            return output.hasShape && UInt64(output.height) * UInt64(output.width) < 1 << 31 ? nil : .output
        case .resample:
            return output.hasShape && output.channels == input.channels ? nil : .output
        case .softmax, .l2Norm:
            guard groups >= 1, input.channels % groups == 0 else { return .groups }
            return output.hasShape && output.isOfSize(input) ? nil : .output
        case .layerNorm:
            return output.hasShape && output.isOfSize(input) ? nil : .output
        case .matrixProduct:
            return matrixProductShapeFault
        case .globalAveragePool:
            guard UInt64(input.height) * UInt64(input.width) <= Self.maximumPooledPixels else { return .input }
            return output.channels == input.channels ? nil : .output
        }
    }

    /// Of a convolution or a pooling.
    private var windowShapeFault: ModelError.Field? {
        guard output.hasShape else { return .output }
        guard Self.isStep(kernelHeight), Self.isStep(kernelWidth) else { return .kernel }
        guard Self.isStep(strideY), Self.isStep(strideX) else { return .stride }
        guard Self.isStep(dilationY), Self.isStep(dilationX) else { return .dilation }
        return paddingTop <= Self.maximumExtent && paddingLeft <= Self.maximumExtent ? nil : .padding
    }

    private var poolShapeFault: ModelError.Field? {
        guard dilationY == 1, dilationX == 1 else { return .dilation }
        guard countsPadding <= 1 else { return .flags }
        return output.channels == input.channels ? nil : .output
    }

    private var residualShapeFault: ModelError.Field? {
        guard residual.height > 0 else {
            // Nothing reads an absent residual, but its numbers are handed on.
            let isAbsent = residual == TensorView() && residualStep == 0 && residualChannelOffset == 0
            return isAbsent ? nil : .residual
        }
        let step = UInt64(residualStep)
        guard residual.hasShape, residualChannelOffset <= Self.maximumExtent, Self.isStep(residualStep),
            UInt64(output.height - 1) * step < residual.height, UInt64(output.width - 1) * step < residual.width
        else { return .residual }
        return nil
    }

    /// The bounds keep sums below 2^31, and sizes of scratch memory from overflowing where numbers have 32 bits.
    private var matrixProductShapeFault: ModelError.Field? {
        guard groups >= 1, input.channels % groups == 0 else { return .groups }
        guard residual.hasShape, residual.channels == input.channels else { return .residual }
        let outputs = UInt64(groups) * UInt64(residual.height) * UInt64(residual.width)
        guard output.hasShape, output.height == input.height, output.width == input.width,
            UInt64(output.channels) == outputs
        else { return .output }
        let inner = UInt64(input.channels / groups)
        return inner <= Self.maximumSummedProducts && outputs * inner <= 1 << 24 ? nil : .accumulator
    }

    static func isExtent(_ value: UInt32) -> Bool { value >= 1 && value <= maximumExtent }
    private static func isStep(_ value: UInt32) -> Bool { value >= 1 && value <= maximumStep }
}

extension TensorView {
    /// Above it products of scales leave what float32 holds.
    public static let largestScale: Float = 0x1p40

    /// Whether sides, channels and the distance of pixels are in their ranges.
    var hasShape: Bool {
        OperationRecord.isExtent(height) && OperationRecord.isExtent(width) && OperationRecord.isExtent(channels)
            && pixelStride % 4 == 0 && UInt64(pixelStride) >= readChannels && UInt64(pixelStride) <= Layout.maximumBytes
    }

    /// Kernels read channels in groups of 4.
    var readChannels: UInt64 { (UInt64(channels) + 3) / 4 * 4 }

    func isOfSize(_ other: TensorView) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }
}
