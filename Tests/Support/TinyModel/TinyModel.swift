import Inference
import ModelFormat

/// A small sound model that tests start from: pictures of 6 x 6 and four classes unless more is asked for, two convolutions of 8 channels, the second with a
/// residual, four classes in two heads. Weights come from a fixed sequence, so its logits are always the same.
public enum TinyModel {
    public static var contents: ModelContents { contents(side: 6) }

    public static func contents(side: UInt32, classes: Int = 4) -> ModelContents {
        let hiddenOffset = aligned(4 * side * side)
        let sumOffset = aligned(hiddenOffset + 8 * side * side)
        // Features and what the head makes of them; scratch memory ends the arena.
        let headOffset = aligned(sumOffset + 8 * side * side) + 64
        let scratchOffset = headOffset + aligned(64 + 12 * UInt32(classes))
        var model = ModelContents()
        model.input.tensor = view(at: 0, side: side, channels: 3, zeroPoint: 128)
        model.input.resizeSide = side
        model.input.mean = SIMD3(0.5, 0.5, 0.5)
        model.input.standardDeviation = SIMD3(0.25, 0.25, 0.25)

        let hidden = view(at: hiddenOffset, side: side, channels: 8, zeroPoint: 10)
        let sum = view(at: sumOffset, side: side, channels: 8, zeroPoint: 20)
        var numbers = NumberSequence()
        var stem = convolution(from: model.input.tensor, to: hidden, scratchOffset: scratchOffset)
        var second = convolution(from: hidden, to: sum, scratchOffset: scratchOffset)
        second.residual = hidden
        second.residualStep = 1
        append(&stem, to: &model, numbers: &numbers)
        append(&second, to: &model, numbers: &numbers)
        var pool = OperationRecord()
        pool.kind = .globalAveragePool
        pool.input = sum
        pool.output.arenaOffset = headOffset
        pool.output.channels = 8
        model.operations = [stem, second, pool]
        model.operationNames = ["stem", "second", "pool"]

        addHead(to: &model, classes: classes, at: headOffset, numbers: &numbers)
        model.activationBytes = UInt64(scratchOffset + model.operations.map(\.scratchBytes).max()!)
        for number in 0..<ExecutionPath.count {
            let path = ExecutionPath(number: number)!
            model.packedBytes[number] = model.operations.reduce(0) { $0 + UInt64($1.packedBytes(path: path)) }
        }
        return model
    }

    private static func aligned(_ offset: UInt32) -> UInt32 { (offset + 63) / 64 * 64 }

    /// The tiny model with one more operation, of this kind, before its last; not a convolution. What treats values or pixels
    /// by themselves works in place, others read what the first operation wrote.
    public static func contents(
        with kind: OperationKind, _ change: (inout OperationRecord) -> Void = { _ in }
    ) -> ModelContents {
        var contents = contents
        var operation = contents.operations[1]
        operation.kind = kind
        operation.input = operation.output
        operation.residual = operation.output
        let first = contents.operations[0].output.arenaOffset
        switch kind {
        case .maxPool, .averagePool, .rearrange, .resample: operation.input.arenaOffset = first
        case .matrixProduct: (operation.input.arenaOffset, operation.residual.arenaOffset) = (first, first)
        default: break
        }
        (operation.kernelHeight, operation.kernelWidth, operation.paddingTop, operation.paddingLeft) = (1, 1, 0, 0)
        operation.scratchBytes = 0
        operation.weightsOffset = UInt32(contents.weights.count)
        operation.parametersOffset = UInt32(4 * contents.parameters.count)
        contents.parameters += parameters(of: kind, on: operation.output)
        switch kind {
        case .lookup: contents.weights += [Int8](repeating: 0, count: 256)
        case .constant: contents.weights += [Int8](repeating: 7, count: 36 * 8)
        case .matrixProduct:
            // The products of one pixel with the eight numbers of each pixel.
            (operation.residual.height, operation.residual.width, operation.residual.zeroPoint) = (2, 4, 128)
            operation.scratchOffset = UInt32(contents.activationBytes)
            operation.scratchBytes = UInt32(operation.requiredScratchBytes)
            contents.activationBytes += UInt64(operation.scratchBytes)
        default: break
        }
        change(&operation)
        contents.operations.insert(operation, at: 2)
        contents.operationNames.insert("added", at: 2)
        return contents
    }

    /// What an operation that leaves everything as it is, or nearly, has in the parameters section.
    private static func parameters(of kind: OperationKind, on view: TensorView) -> [UInt32] {
        func taps(_ edge: UInt32) -> [UInt32] { (0..<edge).flatMap { [$0, $0, 0] } }
        let one = Float(1).bitPattern
        return switch kind {
        case .rearrange: [1, 1, view.height * view.width, 1, 0, view.channels, 0, 1]
        case .resample: taps(view.height) + taps(view.width)
        case .softmax: (0..<256).map { 65536 >> min($0, 31) }
        case .layerNorm: [one] + [UInt32](repeating: one, count: 2 * Int(view.channels))
        case .l2Norm: [one]
        case .convolution, .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool, .constant, .matrixProduct: []
        }
    }

    /// `contents` as a file, 64-byte aligned as a mapped file is.
    public static var file: AlignedBytes { AlignedBytes(contents.serialized()) }

    private static func view(at offset: UInt32, side: UInt32, channels: UInt32, zeroPoint: UInt32) -> TensorView {
        var view = TensorView()
        view.arenaOffset = offset
        view.height = side
        view.width = side
        view.channels = channels
        view.pixelStride = (channels + 3) / 4 * 4
        view.zeroPoint = zeroPoint
        view.scale = 0.02
        return view
    }

    private static func convolution(
        from input: TensorView, to output: TensorView, scratchOffset: UInt32
    ) -> OperationRecord {
        var operation = OperationRecord()
        operation.kind = .convolution
        operation.groups = 1
        operation.kernelHeight = 3
        operation.kernelWidth = 3
        operation.strideY = 1
        operation.strideX = 1
        operation.dilationY = 1
        operation.dilationX = 1
        operation.paddingTop = 1
        operation.paddingLeft = 1
        operation.outputMin = output.zeroPoint
        operation.outputMax = 255
        operation.input = input
        operation.output = output
        operation.scratchOffset = scratchOffset
        operation.scratchBytes = UInt32(operation.requiredScratchBytes)
        return operation
    }

    private static func append(
        _ operation: inout OperationRecord, to model: inout ModelContents, numbers: inout NumberSequence
    ) {
        operation.weightsOffset = UInt32(model.weights.count)
        operation.parametersOffset = UInt32(4 * model.parameters.count)
        let channels = Int(operation.output.channels)
        for _ in 0..<operation.weightBytes {
            model.weights.append(Int8(numbers.next(in: -127...127)))
        }
        for _ in 0..<channels {
            model.parameters.append(UInt32(bitPattern: Int32(numbers.next(in: -500...500))))
        }
        for _ in 0..<channels {
            model.parameters.append((Float(numbers.next(in: 1...40)) / 8192).bitPattern)
        }
    }

    private static func addHead(
        to model: inout ModelContents, classes: Int, at offset: UInt32, numbers: inout NumberSequence
    ) {
        let (dimensions, heads) = (8, 2)
        model.head.classes = UInt32(classes)
        model.head.dimensions = UInt32(dimensions)
        model.head.heads = UInt32(heads)
        model.head.featureNorm = 1
        model.head.hasDirections = 1
        model.head.tau = 16
        model.head.gamma = 1 / 32
        model.head.defaultAlpha = 1.5
        model.head.featuresOffset = offset
        model.head.normalisedOffset = offset + 32
        model.head.plainLogitsOffset = offset + 64
        model.head.logitsOffset = offset + 64 + 4 * UInt32(classes)
        model.head.probabilitiesOffset = offset + 64 + 8 * UInt32(classes)
        let rows = (0..<classes * dimensions).map { _ in Float(numbers.next(in: -64...64)) / 32 }
        let directions: [Float] = [0.5, 0.5, -0.5, 0.5, 1, 0, 0, 0]
        let terms = (0..<classes * heads).map { index in
            let row = rows[(index / heads * dimensions + index % heads * 4)...].prefix(4)
            return zip(row, directions[(index % heads * 4)...]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        }
        model.headNumbers = rows + directions + terms
        let named = ["bee", "wasp", "fly", "moth \"grey\""]
        model.classNames = (0..<classes).map { $0 < named.count ? named[$0] : "insect \($0)" }
        model.classCounts = (0..<classes).map { $0 < named.count ? [500, 50, 30, 5][$0] : 1 }
        model.provenance = "source: a fixed sequence of numbers\n"
    }
}

/// A linear congruential sequence (Knuth's MMIX constants), the same on every machine.
public struct NumberSequence {
    private var state: UInt64

    public init(seed: UInt64 = 1) {
        state = seed
    }

    public mutating func next(in range: ClosedRange<Int>) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + Int((state >> 33) % UInt64(range.count))
    }
}

/// Bytes at a 64-byte boundary, freed with the object.
public final class AlignedBytes {
    public let bytes: UnsafeMutableRawBufferPointer

    public init(_ contents: [UInt8]) {
        bytes = .allocate(byteCount: contents.count, alignment: 64)
        bytes.copyBytes(from: contents)
    }

    public init(zeros count: Int) {
        bytes = .allocate(byteCount: count, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    public var readOnly: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

    deinit {
        bytes.deallocate()
    }
}
