/// Checks everything a reader relies on, in one pass over the file.
///
/// All arithmetic on stated values is in UInt64 or Int64, where none of it can overflow: every factor is first checked
/// against a bound of 2^16 or 2^31.
struct Verifier {
    let bytes: UnsafeRawBufferPointer
    let sections: SectionTable
    let activationBytes: UInt64

    /// Largest side, channel count or class count.
    static let maximumExtent: UInt32 = 65535
    /// Largest kernel side, stride and dilation: with `maximumExtent`, all coordinates stay below 2^31.
    static let maximumStep: UInt32 = 255
    static let smallestScale: Float = 0x1p-40
    static let largestScale: Float = 0x1p40
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
            input.resizeSide <= (fit == .pad ? largestSide : Self.maximumExtent)
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
            if let field = fault(of: operation, weightsEnd: &weightsEnd) {
                throw .badOperation(index: index, field)
            }
        }
        return count
    }

    private func fault(of operation: OperationRecord, weightsEnd: inout UInt64) -> ModelError.Field? {
        guard isInArena(operation.input) else { return .input }
        switch operation.kind {
        case .convolution:
            return geometryFault(of: operation) ?? residualFault(of: operation)
                ?? weightsFault(of: operation, weightsEnd: &weightsEnd) ?? scratchSizeFault(of: operation)
        case .maxPool:
            if let field = geometryFault(of: operation) ?? poolFault(of: operation) { return field }
            let sameNumbers =
                operation.output.zeroPoint == operation.input.zeroPoint
            return sameNumbers ? nil : .output
        case .averagePool:
            return geometryFault(of: operation) ?? poolFault(of: operation)
        case .lookup:
            return elementwiseFault(of: operation) ?? placeOfWeightsFault(of: operation, weightsEnd: &weightsEnd)
        case .multiply:
            return elementwiseFault(of: operation) ?? factorFault(of: operation)
        case .globalAveragePool:
            guard UInt64(operation.input.height) * UInt64(operation.input.width) <= 1 << 23 else { return .input }
            let isVector =
                operation.output.channels == operation.input.channels
                && isInArena(floats: operation.output.channels, at: operation.output.arenaOffset)
            return isVector ? nil : .output
        }
    }

    /// Window, strides, padding and scratch of a convolution or a pooling.
    private func geometryFault(of operation: OperationRecord) -> ModelError.Field? {
        guard isInArena(operation.output) else { return .output }
        guard Self.isStep(operation.kernelHeight), Self.isStep(operation.kernelWidth) else { return .kernel }
        guard Self.isStep(operation.strideY), Self.isStep(operation.strideX) else { return .stride }
        guard Self.isStep(operation.dilationY), Self.isStep(operation.dilationX) else { return .dilation }
        guard operation.paddingTop <= Self.maximumExtent, operation.paddingLeft <= Self.maximumExtent else {
            return .padding
        }
        guard operation.outputMin <= operation.outputMax, operation.outputMax <= 255 else { return .clamp }
        guard operation.scratchOffset % UInt32(Layout.alignment) == 0, isScratchSafe(of: operation) else {
            return .scratch
        }
        return nil
    }

    /// Scratch memory lies inside the arena, apart from the input, which kernels copy rows of into it, and from the
    /// output: kernels keep addresses in scratch memory, and an output written over them would be addresses of the
    /// file's choosing.
    private func isScratchSafe(of operation: OperationRecord) -> Bool {
        UInt64(operation.scratchOffset) + UInt64(operation.scratchBytes) <= activationBytes
            && Self.isScratch(of: operation, apartFrom: operation.input)
            && Self.isScratch(of: operation, apartFrom: operation.output)
    }

    /// Every path's kernel has the scratch memory that it needs. Asks the kernels, who divide by what was checked before.
    private func scratchSizeFault(of operation: OperationRecord) -> ModelError.Field? {
        operation.requiredScratchBytes <= Int(operation.scratchBytes) ? nil : .scratchSize
    }

    private static func isScratch(of operation: OperationRecord, apartFrom view: TensorView) -> Bool {
        let start = UInt64(operation.scratchOffset)
        return start + UInt64(operation.scratchBytes) <= UInt64(view.arenaOffset) || start >= end(of: view)
    }

    private func poolFault(of operation: OperationRecord) -> ModelError.Field? {
        guard operation.dilationY == 1, operation.dilationX == 1 else { return .dilation }
        guard operation.countsPadding <= 1 else { return .flags }
        return operation.output.channels == operation.input.channels ? nil : .output
    }

    private func elementwiseFault(of operation: OperationRecord) -> ModelError.Field? {
        guard isInArena(operation.output), operation.output.isOfSize(operation.input) else { return .output }
        return operation.outputMin <= operation.outputMax && operation.outputMax <= 255 ? nil : .clamp
    }

    private func factorFault(of operation: OperationRecord) -> ModelError.Field? {
        let factor = operation.residual
        guard isInArena(factor) else { return .residual }
        let isGate = factor.height == 1 && factor.width == 1 && factor.channels == operation.input.channels
        return isGate || factor.isOfSize(operation.input) ? nil : .residual
    }

    private func residualFault(of operation: OperationRecord) -> ModelError.Field? {
        let residual = operation.residual
        guard residual.height > 0 else {
            // Nothing reads an absent residual, but its numbers are handed on.
            let isAbsent =
                residual == TensorView() && operation.residualStep == 0 && operation.residualChannelOffset == 0
            return isAbsent ? nil : .residual
        }
        let step = UInt64(operation.residualStep)
        guard isInArena(residual), operation.residualChannelOffset <= Self.maximumExtent, step >= 1,
            step <= Self.maximumStep,
            UInt64(operation.output.height - 1) * step < residual.height,
            UInt64(operation.output.width - 1) * step < residual.width
        else { return .residual }
        return Self.isScratch(of: operation, apartFrom: residual) ? nil : .scratch
    }

    private func weightsFault(of operation: OperationRecord, weightsEnd: inout UInt64) -> ModelError.Field? {
        let groups = operation.groups
        guard groups >= 1, operation.input.channels % groups == 0, operation.output.channels % groups == 0 else {
            return .groups
        }
        if let field = placeOfWeightsFault(of: operation, weightsEnd: &weightsEnd) { return field }
        guard operation.parametersOffset % 4 == 0,
            UInt64(operation.parametersOffset) + 8 * UInt64(operation.output.channels)
                <= UInt64(sections[.parameters].count)
        else { return .parameters }
        return numbersFault(of: operation)
    }

    private func placeOfWeightsFault(
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
                multiplier == 0 || (multiplier >= Self.smallestMultiplier && multiplier <= Self.largestScale)
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
    private func isInArena(_ view: TensorView) -> Bool {
        guard Self.isExtent(view.height), Self.isExtent(view.width), Self.isExtent(view.channels),
            view.zeroPoint <= 255, Self.isScale(view.scale),
            view.arenaOffset % 4 == 0, view.pixelStride % 4 == 0,
            view.pixelStride >= Self.readChannels(of: view), UInt64(view.pixelStride) <= Layout.maximumBytes
        else { return false }
        return Self.end(of: view) <= activationBytes
    }

    /// Where the last byte that a kernel may read of a view ends. height * width < 2^32 and the stride < 2^31, so it
    /// fits 63 bits.
    private static func end(of view: TensorView) -> UInt64 {
        let lastPixel = (UInt64(view.height) * UInt64(view.width) - 1) * UInt64(view.pixelStride)
        return UInt64(view.arenaOffset) + lastPixel + readChannels(of: view)
    }

    /// Kernels read channels in groups of 4.
    private static func readChannels(of view: TensorView) -> UInt64 { (UInt64(view.channels) + 3) / 4 * 4 }

    func isInArena(floats count: UInt32, at offset: UInt32) -> Bool {
        offset % 4 == 0 && UInt64(offset) + 4 * UInt64(count) <= activationBytes
    }

    static func isExtent(_ value: UInt32) -> Bool { value >= 1 && value <= maximumExtent }
    static func isStep(_ value: UInt32) -> Bool { value >= 1 && value <= maximumStep }
    static func isScale(_ value: Float) -> Bool { value >= smallestScale && value <= largestScale }
}

extension TensorView {
    fileprivate func isOfSize(_ other: TensorView) -> Bool {
        height == other.height && width == other.width && channels == other.channels
    }
}
