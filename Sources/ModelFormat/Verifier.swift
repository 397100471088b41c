/// Checks everything a reader relies on, in one pass over the file.
///
/// All arithmetic on stated values is in UInt64 or Int64, where none of it can overflow: every factor is first checked
/// against a bound of 2^16 or 2^31.
struct Verifier {
    let bytes: UnsafeRawBufferPointer
    let sections: SectionTable
    let activationBytes: UInt64

    static let smallestScale: Float = 0x1p-40
    /// Smaller multipliers could make denormal products, which some processors flush to zero.
    static let smallestMultiplier: Float = 0x1p-100

    init(bytes: UnsafeRawBufferPointer, sections: SectionTable) throws(ModelError) {
        self.bytes = bytes
        self.sections = sections
        activationBytes = bytes.field(UInt64.self, at: Layout.activationBytesOffset)
        guard activationBytes <= Layout.maximumBytes else { throw .arenaTooLarge(bytes: activationBytes) }
    }

    func verifiedInput() throws(ModelError) -> InputRecord {
        guard sections[.input].count == InputRecord.byteCount else { throw .wrongSectionSize(.input) }
        let input = InputRecord(at: sections[.input].lowerBound, of: bytes)
        guard isInArena(input.tensor), input.tensor.channels == 3, input.tensor.pixelStride == 4 else {
            throw .badInput(.input)
        }
        guard input.channelOrder <= 1 else { throw .badInput(.channelOrder) }
        let largestSide = max(input.tensor.height, input.tensor.width)
        guard let fit = InputFit(rawValue: input.resizeMode), input.resizeSide >= largestSide,
            input.resizeSide <= (fit == .pad ? largestSide : OperationRecord.maximumExtent)
        else { throw .badInput(.resize) }
        for channel in 0..<3 {
            guard input.mean[channel].isFinite, Self.isScale(input.standardDeviation[channel]) else {
                throw .badInput(.normalisation)
            }
        }
        return input
    }

    func verifiedOperationCount() throws(ModelError) -> Int {
        let section = sections[.plan]
        guard section.count % OperationRecord.byteCount == 0 else { throw .wrongSectionSize(.plan) }
        let count = section.count / OperationRecord.byteCount
        // Weights stand in the order of the plan without overlap, which keeps the pass over them linear.
        var weightsEnd: UInt64 = 0
        for index in 0..<count {
            let offset = section.lowerBound + index * OperationRecord.byteCount
            guard let operation = OperationRecord(verifying: bytes, at: offset) else {
                throw .badOperation(index: index, .kind)
            }
            if let field = fault(of: operation, weightsEnd: &weightsEnd)
                ?? (operation.isOutputOverInput ? .overlap : nil)
            {
                throw .badOperation(index: index, field)
            }
        }
        return count
    }

    /// Sizes first: what is asked later multiplies and divides them.
    private func fault(of operation: OperationRecord, weightsEnd: inout UInt64) -> ModelError.Field? {
        if let field = operation.shapeFault { return field }
        guard isInArena(operation.input) else { return .input }
        switch operation.kind {
        case .convolution:
            return windowFault(of: operation) ?? residualFault(of: operation)
                ?? weightsFault(of: operation, weightsEnd: &weightsEnd) ?? scratchSizeFault(of: operation)
        case .maxPool:
            let sameNumbers = operation.output.zeroPoint == operation.input.zeroPoint
            return windowFault(of: operation) ?? (sameNumbers ? nil : .output)
        case .averagePool:
            return windowFault(of: operation)
        case .lookup:
            return outputFault(of: operation) ?? placeOfWeightsFault(of: operation, weightsEnd: &weightsEnd)
        case .multiply:
            return outputFault(of: operation) ?? (isInArena(operation.residual) ? nil : .residual)
        case .constant, .rearrange, .resample, .softmax, .layerNorm, .l2Norm, .matrixProduct:
            return outputFault(of: operation) ?? sequenceFault(of: operation, weightsEnd: &weightsEnd)
        case .globalAveragePool:
            let isInArena = isInArena(floats: operation.output.channels, at: operation.output.arenaOffset)
            return isInArena ? nil : .output
        }
    }

    /// The output of anything but a global average pooling.
    private func outputFault(of operation: OperationRecord) -> ModelError.Field? {
        guard isInArena(operation.output) else { return .output }
        return operation.outputMin <= operation.outputMax && operation.outputMax <= 255 ? nil : .clamp
    }

    /// Output and scratch of a convolution or a pooling.
    private func windowFault(of operation: OperationRecord) -> ModelError.Field? {
        if let field = outputFault(of: operation) { return field }
        guard operation.scratchOffset % UInt32(Layout.alignment) == 0, isScratchSafe(of: operation) else {
            return .scratch
        }
        return nil
    }

    /// Scratch memory lies inside the arena, apart from the input, which kernels copy rows of into it, and from the
    /// output: kernels keep addresses in scratch memory, and an output written over them would be addresses of the
    /// file's choosing.
    func isScratchSafe(of operation: OperationRecord) -> Bool {
        UInt64(operation.scratchOffset) + UInt64(operation.scratchBytes) <= activationBytes
            && Self.isScratch(of: operation, apartFrom: operation.input)
            && Self.isScratch(of: operation, apartFrom: operation.output)
    }

    /// Every path's kernel has the scratch memory that it needs. Asks the kernels, who divide by what was checked before.
    func scratchSizeFault(of operation: OperationRecord) -> ModelError.Field? {
        operation.requiredScratchBytes <= Int(operation.scratchBytes) ? nil : .scratchSize
    }

    static func isScratch(of operation: OperationRecord, apartFrom view: TensorView) -> Bool {
        let start = UInt64(operation.scratchOffset)
        return start + UInt64(operation.scratchBytes) <= UInt64(view.arenaOffset) || start >= view.end
    }

    private func residualFault(of operation: OperationRecord) -> ModelError.Field? {
        let residual = operation.residual
        guard residual.height > 0 else { return nil }
        guard isInArena(residual) else { return .residual }
        return Self.isScratch(of: operation, apartFrom: residual) ? nil : .scratch
    }

    private func weightsFault(of operation: OperationRecord, weightsEnd: inout UInt64) -> ModelError.Field? {
        if let field = placeOfWeightsFault(of: operation, weightsEnd: &weightsEnd) { return field }
        guard operation.parametersOffset % 4 == 0,
            UInt64(operation.parametersOffset) + 8 * UInt64(operation.output.channels)
                <= UInt64(sections[.parameters].count)
        else { return .parameters }
        return numbersFault(of: operation)
    }

    func placeOfWeightsFault(
        of operation: OperationRecord, weightsEnd: inout UInt64
    ) -> ModelError.Field? {
        let start = UInt64(operation.weightsOffset)
        guard start >= weightsEnd, start <= UInt64(sections[.weights].count),
            operation.weightBytes <= UInt64(sections[.weights].count) - start
        else { return .weights }
        weightsEnd = start + operation.weightBytes
        return nil
    }

    /// The bounds of kernels.h: |bias| + 512 * sum |w| <= 2^31 - 1 in each channel; multipliers that cannot overflow
    /// or underflow.
    private func numbersFault(of operation: OperationRecord) -> ModelError.Field? {
        let channels = Int(operation.output.channels)
        let perChannel = Int(operation.weightBytes) / channels
        let weights = sections[.weights].lowerBound + Int(operation.weightsOffset)
        let biases = sections[.parameters].lowerBound + Int(operation.parametersOffset)
        let multipliers = biases + 4 * channels
        for channel in 0..<channels {
            let magnitude = sumOfMagnitudes(from: weights + channel * perChannel, count: perChannel)
            let bias = Int64(Int32(bitPattern: bytes.field(UInt32.self, at: biases + 4 * channel)))
            guard Int64(bias.magnitude) + 512 * magnitude <= Int64(Int32.max) else { return .accumulator }
            let multiplier = Float(bitPattern: bytes.field(UInt32.self, at: multipliers + 4 * channel))
            let isUsable =
                multiplier == 0 || (multiplier >= Self.smallestMultiplier && multiplier <= TensorView.largestScale)
            guard isUsable else { return .multiplier }
        }
        return nil
    }

    /// The sum of |w| over int8 weights. In pieces whose sum fits 32 bits, which a processor adds many at a time.
    private func sumOfMagnitudes(from start: Int, count: Int) -> Int64 {
        let piece = 1 << 20
        let end = start + count
        var sum: Int64 = 0
        var pieceStart = start
        while pieceStart < end {
            let pieceEnd = min(pieceStart + piece, end)
            var pieceSum: UInt32 = 0
            for byte in UnsafeRawBufferPointer(rebasing: bytes[pieceStart..<pieceEnd]) {
                pieceSum &+= UInt32(Int8(bitPattern: byte).magnitude)
            }
            sum += Int64(pieceSum)
            pieceStart = pieceEnd
        }
        return sum
    }

    // MARK: Bounds

    /// A view whose every pixel, with its channels rounded up to a multiple of 4, lies inside the arena.
    func isInArena(_ view: TensorView) -> Bool {
        guard view.hasShape, view.zeroPoint <= 255, Self.isScale(view.scale), view.arenaOffset % 4 == 0 else {
            return false
        }
        return view.end <= activationBytes
    }

    func isInArena(floats count: UInt32, at offset: UInt32) -> Bool {
        offset % 4 == 0 && UInt64(offset) + 4 * UInt64(count) <= activationBytes
    }

    static func isScale(_ value: Float) -> Bool { value >= smallestScale && value <= TensorView.largestScale }
}
