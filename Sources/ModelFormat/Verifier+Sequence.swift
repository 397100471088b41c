// What networks with attention need beside convolutions, and what moves numbers about.
extension Verifier {
    /// Of places and numbers; sizes are those that the device takes.
    func sequenceFault(of operation: OperationRecord, weightsEnd: inout UInt64) -> ModelError.Field? {
        switch operation.kind {
        case .constant: placeOfWeightsFault(of: operation, weightsEnd: &weightsEnd)
        case .rearrange: rearrangementFault(of: operation)
        case .resample: resamplingFault(of: operation)
        case .softmax: tableFault(of: operation)
        case .layerNorm: layerNormFault(of: operation)
        case .l2Norm: leastLengthFault(of: operation)
        case .matrixProduct: matrixProductFault(of: operation)
        case .convolution, .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool: .kind
        }
    }

    /// Where an operation's `count` numbers of the parameters section begin in the file; nil where they do not lie in it.
    private func parameters(of operation: OperationRecord, count: UInt64) -> Int? {
        guard operation.parametersOffset % 4 == 0,
            UInt64(operation.parametersOffset) + 4 * count <= UInt64(sections[.parameters].count)
        else { return nil }
        return sections[.parameters].lowerBound + Int(operation.parametersOffset)
    }

    private func number(_ index: Int, from start: Int) -> UInt32 { bytes.field(UInt32.self, at: start + 4 * index) }

    private func float(_ index: Int, from start: Int) -> Float { Float(bitPattern: number(index, from: start)) }

    // MARK: Moving

    /// Two numbers of steps, then each step's three numbers.
    private func rearrangementFault(of operation: OperationRecord) -> ModelError.Field? {
        guard operation.output.hasNumbers(of: operation.input) else { return .output }
        guard let header = parameters(of: operation, count: 2) else { return .parameters }
        let (ofPixels, ofChannels) = (number(0, from: header), number(1, from: header))
        guard ofPixels <= Self.mostSteps, ofChannels <= Self.mostSteps else { return .steps }
        guard let start = parameters(of: operation, count: 2 + 3 * UInt64(ofPixels + ofChannels)) else {
            return .parameters
        }
        var (counts, lastPixel, lastChannel): ((pixels: UInt64, channels: UInt64), UInt64, UInt64) = ((1, 1), 0, 0)
        for step in 0..<Int(ofPixels + ofChannels) {
            let (count, pixels, channels) = (
                number(2 + 3 * step, from: start), number(3 + 3 * step, from: start), number(4 + 3 * step, from: start)
            )
            guard OperationRecord.isExtent(count), pixels < 1 << 31, channels <= OperationRecord.maximumExtent else {
                return .steps
            }
            if step < ofPixels { counts.pixels *= UInt64(count) } else { counts.channels *= UInt64(count) }
            lastPixel += UInt64(count - 1) * UInt64(pixels)
            lastChannel += UInt64(count - 1) * UInt64(channels)
            // Each factor is below 2^16: within these bounds no product overflows.
            guard counts.pixels < 1 << 32, counts.channels <= OperationRecord.maximumExtent else { return .steps }
        }
        let output = UInt64(operation.output.height) * UInt64(operation.output.width)
        let input = UInt64(operation.input.height) * UInt64(operation.input.width)
        return counts.pixels == output && counts.channels == operation.output.channels
            && lastPixel < input && lastChannel < operation.input.channels ? nil : .steps
    }

    /// Of pixels, and of channels: `RB_MOST_REARRANGE_STEPS`.
    private static let mostSteps: UInt32 = 8

    private func resamplingFault(of operation: OperationRecord) -> ModelError.Field? {
        let output = operation.output
        guard output.hasNumbers(of: operation.input) else { return .output }
        let (rows, columns) = (Int(output.height), Int(output.width))
        guard let start = parameters(of: operation, count: 3 * UInt64(rows + columns)) else { return .parameters }
        for tap in 0..<rows + columns {
            let edge = tap < rows ? operation.input.height : operation.input.width
            guard number(3 * tap, from: start) < edge, number(3 * tap + 1, from: start) < edge,
                number(3 * tap + 2, from: start) <= 2048
            else { return .taps }
        }
        return nil
    }

    // MARK: Normalising

    private func tableFault(of operation: OperationRecord) -> ModelError.Field? {
        guard let start = parameters(of: operation, count: 256) else { return .parameters }
        guard number(0, from: start) >= 1 else { return .table }
        for distance in 0..<256 {
            guard number(distance, from: start) <= 65536 else { return .table }
        }
        return nil
    }

    private func layerNormFault(of operation: OperationRecord) -> ModelError.Field? {
        let count = 1 + 2 * Int(operation.output.channels)
        guard let start = parameters(of: operation, count: UInt64(count)) else { return .parameters }
        let epsilon = float(0, from: start)
        guard epsilon >= Self.smallestMultiplier, epsilon <= 0x1p100 else { return .multiplier }
        for index in 1..<count {
            guard float(index, from: start).magnitude <= TensorView.largestScale else { return .multiplier }
        }
        return nil
    }

    private func leastLengthFault(of operation: OperationRecord) -> ModelError.Field? {
        guard let start = parameters(of: operation, count: 1) else { return .parameters }
        return Self.isScale(float(0, from: start)) ? nil : .multiplier
    }

    // MARK: Matrix products

    private func matrixProductFault(of operation: OperationRecord) -> ModelError.Field? {
        let factor = operation.residual
        guard isInArena(factor), factor.zeroPoint == 128 else { return .residual }
        guard operation.scratchOffset % UInt32(Layout.alignment) == 0, isScratchSafe(of: operation),
            Self.isScratch(of: operation, apartFrom: factor)
        else { return .scratch }
        return scratchSizeFault(of: operation)
    }
}

extension TensorView {
    /// Whether bytes of this stand for the same numbers as bytes of another.
    fileprivate func hasNumbers(of other: TensorView) -> Bool {
        zeroPoint == other.zeroPoint && scale == other.scale
    }
}
