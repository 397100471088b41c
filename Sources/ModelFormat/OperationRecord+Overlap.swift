// Where operations may write. What one writes over its own input some kernels have read before and others read after:
// the same file would give other answers on another processor.

extension OperationRecord {
    /// Whether the output lies over something that is still read while it is written. Values that are treated by themselves
    /// may be replaced where they stand.
    var isOutputOverInput: Bool {
        switch kind {
        case .convolution:
            // The residual's value is added to the output's before that is written.
            let isAddedInPlace = residualStep == 1 && residualChannelOffset == 0 && output.isInPlace(of: residual)
            let isResidualKept = residual.height == 0 || isAddedInPlace || output.isApart(from: residual)
            return !(output.isApart(from: input) && isResidualKept)
        case .maxPool, .averagePool: return !output.isApart(from: input)
        case .lookup: return !output.isInPlaceOrApart(from: input)
        case .multiply: return !(output.isInPlaceOrApart(from: input) && output.isInPlaceOrApart(from: residual))
        case .constant: return false
        case .rearrange, .resample: return !output.isApart(from: input)
        // What a pixel is normalised by is known before any of it is written.
        case .softmax, .layerNorm, .l2Norm: return !output.isInPlaceOrApart(from: input)
        case .matrixProduct: return !(output.isApart(from: input) && output.isApart(from: residual))
        case .globalAveragePool:
            let features = UInt64(output.arenaOffset)
            return features + 4 * UInt64(output.channels) > UInt64(input.arenaOffset) && features < input.end
        }
    }
}

extension TensorView {
    /// Where the last byte that a kernel may read ends. height * width < 2^32 and the stride < 2^31, so it fits 63 bits.
    var end: UInt64 {
        UInt64(arenaOffset) + (UInt64(height) * UInt64(width) - 1) * UInt64(pixelStride) + readChannels
    }

    /// Whether it is another's memory, value by value.
    fileprivate func isInPlace(of other: TensorView) -> Bool {
        arenaOffset == other.arenaOffset && pixelStride == other.pixelStride && isOfSize(other)
    }

    /// Whether it has no byte of another view: it lies before or behind it, or both are parts of the channels of one
    /// tensor, as those of a concatenation are.
    fileprivate func isApart(from other: TensorView) -> Bool {
        if end <= UInt64(other.arenaOffset) || other.end <= UInt64(arenaOffset) { return true }
        guard pixelStride == other.pixelStride else { return false }
        let stride = UInt64(pixelStride)
        // The other's place in a pixel, seen from this one's.
        let distance = (UInt64(other.arenaOffset) + stride - UInt64(arenaOffset) % stride) % stride
        return distance >= readChannels && distance + other.readChannels <= stride
    }

    fileprivate func isInPlaceOrApart(from other: TensorView) -> Bool {
        isInPlace(of: other) || isApart(from: other)
    }
}
