import Kernels
import ModelFormat

/// Why a verified model cannot run here.
public enum InferenceError: Error, Equatable, Sendable {
    /// The file states the packed size of no execution path that this processor can take.
    case noUsablePath
    case pathNotAvailable(ExecutionPath)
    /// The file's packed size for the path is not what its operations need: another converter version wrote it.
    case packedSizeDiffers(ExecutionPath, stated: UInt64, needed: UInt64)
    case arenaTooSmall(needed: Int, given: Int)
    /// With the scratch memory of so many threads, the arena passes what a model may take.
    case arenaTooLarge(needed: UInt64)
    case arenaMisaligned
}

/// A model ready to run in an arena: packs the weights once, then runs the plan as often as asked.
///
/// Arena: activations and scratch first (`model.activationBytes`, rounded up to 64), then the packed weights in the
/// order of the plan, then a scratch area for each thread but the first. The model's bytes and the arena must outlive the
/// engine, but for weights that were packed. Not safe for use from two threads at once.
public struct Engine {
    public let model: Model
    public let path: ExecutionPath
    let arena: UnsafeMutableRawPointer

    let threads: Threads
    /// The scratch areas of all threads but the first, `scratchStride` bytes each.
    private let moreScratch: UnsafeMutableRawPointer
    private let scratchStride: Int

    /// The exact size of the arena a model needs on a path and a number of threads, bytes: what the file's header states,
    /// the packed weights checked against what the operations need, and the path's largest scratch area for each thread
    /// but the first.
    public static func arenaBytes(
        model: Model, path: ExecutionPath, threads: Int = 1
    ) throws(InferenceError) -> Int {
        let layout = try layout(of: model, path: path)
        let total = UInt64(layout.scratchStart) + UInt64(threads - 1) * UInt64(layout.scratchStride)
        guard total <= Layout.maximumBytes else { throw .arenaTooLarge(needed: total) }
        return Int(total)
    }

    /// Where the packed weights end, and the largest scratch area.
    private static func layout(
        of model: Model, path: ExecutionPath
    ) throws(InferenceError) -> (scratchStart: Int, scratchStride: Int) {
        guard path.isAvailable else { throw .pathNotAvailable(path) }
        guard let stated = model.packedBytes(path: path.number) else { throw .noUsablePath }
        var needed: UInt64 = 0
        var scratchStride = 0
        for index in 0..<model.operationCount {
            let operation = model.operation(index)
            scratchStride = max(scratchStride, operation.threadScratchBytes(path: path))
            needed += UInt64(operation.packedBytes(path: path))
        }
        guard stated == needed else { throw .packedSizeDiffers(path, stated: stated, needed: needed) }
        let total = UInt64(packedStart(of: model)) + needed
        guard total <= Layout.maximumBytes else { throw .arenaTooLarge(needed: total) }
        return (Int(total), scratchStride)
    }

    /// Checks the arena, a 64-byte aligned area of at least `arenaBytes(model:path:threads:)` zero bytes, and packs the
    /// weights into it. The threads must outlive the engine.
    ///
    /// `packed` gets the file's weights of each operation, in the order of the plan and a part at a time, once nothing reads
    /// them any more, and at last the parameters of all operations, where none is read by a run.
    public init(
        model: Model, path: ExecutionPath, threads: Threads = .one, arena: UnsafeMutableRawBufferPointer,
        packed: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(InferenceError) {
        let needed = try Engine.arenaBytes(model: model, path: path, threads: threads.count)
        guard let base = arena.baseAddress, arena.count >= needed else {
            throw .arenaTooSmall(needed: needed, given: arena.count)
        }
        guard Int(bitPattern: base) % Layout.alignment == 0 else { throw .arenaMisaligned }
        let layout = try Engine.layout(of: model, path: path)
        self.model = model
        self.path = path
        self.arena = base
        self.threads = threads
        moreScratch = base + layout.scratchStart
        scratchStride = layout.scratchStride
        var runReadsParameters = false
        forEachOperation { _, operation, memory in
            guard operation.packedBytes(path: path) > 0 else {
                runReadsParameters = runReadsParameters || operation.readsParameters
                return
            }
            pack(operation, into: memory, packed)
        }
        if !runReadsParameters { packed(model.parameters) }
    }

    /// In parts, so that of the largest weights, too, little is in memory twice.
    private func pack(
        _ operation: OperationRecord, into memory: UnsafeMutableRawPointer, _ packed: (UnsafeRawBufferPointer) -> Void
    ) {
        var convolution = self.convolution(operation, packed: memory)
        let weights = UnsafeRawBufferPointer(start: model.weights(of: operation), count: Int(operation.weightBytes))
        let bytesOfChannel = weights.count / Int(operation.output.channels)
        convolution.parts = Int32(weights.count / Self.bytesPackedTogether + 1)
        var done = 0
        for part in 0..<convolution.parts {
            convolution.part = part
            let end = Int(rb_conv_pack(path.kernelPath, &convolution, memory)) * bytesOfChannel
            packed(UnsafeRawBufferPointer(rebasing: weights[done..<end]))
            done = end
        }
    }

    private static var bytesPackedTogether: Int { 1 << 18 }

    /// The tensor a picture is quantised into before each `run`: `[height][width][4]`, see `model.input`. A run leaves
    /// other things there: later tensors share its memory.
    public var input: UnsafeMutablePointer<UInt8> { bytes(at: model.input.tensor.arenaOffset) }

    /// All of `input`.
    public var inputBytes: UnsafeRawBufferPointer {
        let tensor = model.input.tensor
        return UnsafeRawBufferPointer(start: input, count: Int(tensor.height * tensor.width * tensor.pixelStride))
    }

    /// float32 `[dimensions]`: the last run's features.
    public var features: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: floats(at: model.head.featuresOffset), count: Int(model.head.dimensions))
    }

    /// float32 `[classes]`: the last run's logits without the TDE adjustment, whatever its alpha.
    public var plainLogits: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: floats(at: model.head.plainLogitsOffset), count: Int(model.head.classes))
    }

    /// float32 `[classes]`: the last run's logits, adjusted by its alpha.
    public var logits: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: floats(at: model.head.logitsOffset), count: Int(model.head.classes))
    }

    /// float32 `[classes]`: the softmax of `logits` over the temperature.
    public var probabilities: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: floats(at: model.head.probabilitiesOffset), count: Int(model.head.classes))
    }

    /// Runs the plan on `input`, then the head with the TDE adjustment of strength `alpha` (0: the plain classifier).
    public func run(alpha: Float) {
        runBackbone { _ in }
        runHead(alpha: alpha)
    }

    /// The same, and keeps what tells where in the picture the evidence is.
    public func run(alpha: Float, keeping evidence: inout Evidence) {
        runBackbone { evidence.record(behind: $0, of: self) }
        runHead(alpha: alpha)
    }

    /// Runs the plan on `input` up to `features`; calls `finished` with the index of each operation after it.
    public func runBackbone(finished: (Int) -> Void) {
        flipInput()
        forEachOperation { index, operation, packed in
            execute(operation, packed: packed)
            finished(index)
        }
    }

    /// Computes `plainLogits`, `logits` and `probabilities` from `features`, the softmax of logits over the temperature. Alpha can
    /// change from call to call. `weights`, float32 `[heads]`, say how much each head counts. `offsets`, float32 `[classes]`, are
    /// added to `logits`: with temperature (ln(expected share) - ln(share in training)) of each class the answer is that for
    /// another mix of classes.
    public func runHead(
        alpha: Float, weights: UnsafePointer<Float>? = nil, offsets: UnsafePointer<Float>? = nil, temperature: Float = 1
    ) {
        let record = model.head
        var head = rb_head(
            classes: Int32(record.classes), dimensions: Int32(record.dimensions), heads: Int32(record.heads),
            feature_norm: rb_feature_norm(rawValue: numericCast(record.featureNorm)), rows: model.headRows,
            bias: model.headBias, centre: model.headCentre, directions: model.headDirections,
            direction_terms: model.headDirectionTerms, head_weights: weights, alpha: alpha,
            features: features.baseAddress,
            normalised: floats(at: record.normalisedOffset), plain: plainLogits.baseAddress,
            logits: logits.baseAddress)
        let shares = record.shares(threads: threads.count)
        if shares > 1, var lent = threads.lent {
            rb_head_run_shared(&head, Int32(shares), &lent)
        } else {
            rb_head_run(&head)
        }
        if let offsets {
            for index in 0..<logits.count {
                logits[index] += offsets[index]
            }
        }
        for index in 0..<logits.count {
            probabilities[index] = logits[index] / temperature
        }
        rb_softmax(probabilities.baseAddress, probabilities.baseAddress, Int32(record.classes))
    }

    /// The picture is there as the file describes it; the path may keep activations with their top bits flipped.
    private func flipInput() {
        let flip = path.activationFlip
        guard flip != 0 else { return }
        for index in 0..<inputBytes.count {
            input[index] ^= flip
        }
    }

    // MARK: One operation

    private static func packedStart(of model: Model) -> Int {
        (model.activationBytes + Layout.alignment - 1) / Layout.alignment * Layout.alignment
    }

    /// Calls `body` with each operation's index, record and packed weights, in the order of the plan.
    private func forEachOperation(_ body: (Int, OperationRecord, UnsafeMutableRawPointer) -> Void) {
        var packed = arena + Engine.packedStart(of: model)
        for index in 0..<model.operationCount {
            let operation = model.operation(index)
            body(index, operation, packed)
            packed += operation.packedBytes(path: path)
        }
    }

    private func execute(_ operation: OperationRecord, packed: UnsafeMutableRawPointer) {
        switch operation.kind {
        case .convolution: run(convolution(operation, packed: packed), of: operation)
        case .maxPool: maxPool(operation)
        case .globalAveragePool: globalAveragePool(operation)
        case .lookup: lookup(operation)
        case .multiply: multiply(operation)
        case .averagePool: averagePool(operation)
        case .constant: constant(operation)
        case .rearrange: rearrange(operation)
        case .resample: resample(operation)
        case .softmax: softmax(operation)
        case .layerNorm: layerNorm(operation)
        case .l2Norm: l2Norm(operation)
        case .matrixProduct: matrixProduct(operation)
        }
    }

    private func run(_ convolution: rb_conv, of operation: OperationRecord) {
        var convolution = convolution
        let shares = operation.shares(threads: threads.count, path: path)
        guard shares > 1, var lent = threads.lent else { return rb_conv_run(path.kernelPath, &convolution) }
        rb_conv_run_shared(path.kernelPath, &convolution, Int32(shares), &lent, moreScratch, scratchStride)
    }

    private func convolution(_ operation: OperationRecord, packed: UnsafeMutableRawPointer) -> rb_conv {
        let parameters = model.parameters(of: operation)
        let channels = Int(operation.output.channels)
        return rb_conv(
            shape: operation.convolutionShape, input: bytes(at: operation.input.arenaOffset),
            output: bytes(at: operation.output.arenaOffset),
            residual: operation.residual.height > 0 ? bytes(at: operation.residual.arenaOffset) : nil,
            weights: model.weights(of: operation).assumingMemoryBound(to: Int8.self),
            bias: parameters.assumingMemoryBound(to: Int32.self),
            multiplier: (parameters + 4 * channels).assumingMemoryBound(to: Float.self), packed: packed,
            scratch: bytes(at: operation.scratchOffset), flip: path.activationFlip, part: 0, parts: 1)
    }

    /// A product of two tensors, in shares like a convolution.
    private func matrixProduct(_ operation: OperationRecord) {
        var product = operation.matrixProduct
        product.input_data = UnsafePointer(bytes(at: operation.input.arenaOffset))
        product.factor_data = UnsafePointer(bytes(at: operation.residual.arenaOffset))
        product.output_data = bytes(at: operation.output.arenaOffset)
        product.scratch = bytes(at: operation.scratchOffset)
        product.flip = path.activationFlip
        let shares = operation.shares(threads: threads.count, path: path)
        if shares > 1, var lent = threads.lent {
            rb_matrix_product_run(path.kernelPath, &product, Int32(shares), &lent, moreScratch, scratchStride)
        } else {
            rb_matrix_product_run(path.kernelPath, &product, 1, nil, nil, 0)
        }
    }

    func bytes(at offset: UInt32) -> UnsafeMutablePointer<UInt8> {
        (arena + Int(offset)).assumingMemoryBound(to: UInt8.self)
    }

    func floats(at offset: UInt32) -> UnsafeMutablePointer<Float> {
        (arena + Int(offset)).assumingMemoryBound(to: Float.self)
    }
}
