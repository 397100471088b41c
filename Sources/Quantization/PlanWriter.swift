import FloatGraph
import Inference
import Kernels
import ModelFormat

/// Collects a model file's records and numbers step by step, then lays out the arena and fills in where each is.
struct PlanWriter {
    private let graph: FloatGraph
    private let network: FusedNetwork
    private let numbers: Numbers?
    private let centredValues: Set<FloatGraph.Value>
    private var model = ModelContents()
    private var demand = ArenaDemand()

    /// What calibration finds out.
    struct Numbers {
        /// Of every `FusedNetwork.quantizationSource`.
        let quantizations: [FloatGraph.Value: AffineQuantization]
        /// Channel means of the steps' inputs that were measured.
        let means: [FloatGraph.Value: [Double]]
        /// Whether weights are multiples of a step already, which is theirs to keep.
        let keepsWeights: Bool
    }

    /// Without numbers it writes a file of the same sizes that computes nothing.
    init(graph: FloatGraph, network: FusedNetwork, numbers: Numbers?) {
        self.graph = graph
        self.network = network
        self.numbers = numbers
        centredValues = Set(network.centredValues)
        // The picture is there before the first step, whichever step reads it.
        noteBytes(of: graph.input, at: 0)
    }

    // MARK: Steps

    /// Appends the next step of the network; arena offsets are still open.
    mutating func append(_ step: FusedNetwork.Step) throws(QuantizationError) -> QuantizationReport.Layer {
        let number = model.operations.count
        var record = OperationRecord()
        record.input = view(of: step.input)
        noteBytes(of: step.input, at: number)
        var convolution: QuantizedConvolution?
        if case .globalAveragePool = step.kind {
            record.output.channels = record.input.channels
            demand.note(.value(step.output), bytes: 4 * Int(record.input.channels), at: number)
        } else {
            record.output = view(of: step.output)
            noteBytes(of: step.output, at: number)
        }
        switch step.kind {
        case .convolution(let floats, let residual, let clip):
            record.setWindow(floats.window, kind: .convolution)
            record.groups = UInt32(floats.groups)
            (record.outputMin, record.outputMax) = quantization(of: step.output).bytes(of: clip)
            if let residual {
                setSecondInput(residual.value, of: &record)
                record.residualStep = UInt32(residual.step)
                record.residualChannelOffset = UInt32(residual.channelOffset)
            }
            convolution = try appendNumbers(of: floats, step: step, to: &record)
        case .maxPool(let window):
            record.setWindow(window, kind: .maxPool)
            record.outputMax = 255
        case .averagePool(let window, let countsPadding):
            record.setWindow(window, kind: .averagePool)
            record.outputMax = 255
            record.countsPadding = countsPadding ? 1 : 0
        case .lookup(let activation):
            record.kind = .lookup
            record.outputMax = 255
            record.weightsOffset = UInt32(model.weights.count)
            model.weights += quantization(of: step.input).table(of: activation, to: quantization(of: step.output))
        case .multiply(let factor, let clip):
            record.kind = .multiply
            setSecondInput(factor, of: &record)
            (record.outputMin, record.outputMax) = quantization(of: step.output).bytes(of: clip)
        case .globalAveragePool:
            record.kind = .globalAveragePool
        case .constant, .rearrange, .resample, .softmax, .layerNorm, .l2Norm, .matrixProduct:
            appendSequenceStep(step, to: &record)
        }
        if let field = record.shapeFault { throw .beyondDevice(layer: step.name, field) }
        record.scratchBytes = UInt32(record.requiredScratchBytes)
        demand.note(.scratch(step: number), bytes: Int(record.scratchBytes), at: number)
        model.operations.append(record)
        model.operationNames.append(step.name.withoutSteering)
        return QuantizationReport.Layer(step, shape: graph[step.output].shape, record: record, convolution)
    }

    private mutating func setSecondInput(_ value: FloatGraph.Value, of record: inout OperationRecord) {
        record.residual = view(of: value)
        noteBytes(of: value, at: model.operations.count)
    }

    /// What networks with attention need beside convolutions, and what moves numbers about.
    private mutating func appendSequenceStep(_ step: FusedNetwork.Step, to record: inout OperationRecord) {
        record.parametersOffset = UInt32(4 * model.parameters.count)
        let (input, output) = (quantization(of: step.input), quantization(of: step.output))
        switch step.kind {
        case .constant(let numbers):
            record.kind = .constant
            record.parametersOffset = 0
            record.weightsOffset = UInt32(model.weights.count)
            model.weights += output.pixels(of: numbers, shape: graph[step.output].shape)
        case .rearrange(let steps):
            record.kind = .rearrange
            model.parameters += steps.words
        case .resample(let resampling):
            record.kind = .resample
            model.parameters += (resampling.y + resampling.x).flatMap(\.words)
        case .softmax(let groups):
            record.kind = .softmax
            record.groups = UInt32(groups)
            model.parameters += input.exponentials
        case .layerNorm(let norm):
            record.kind = .layerNorm
            model.parameters += norm.words(from: input, to: output)
        case .l2Norm(let groups, let epsilon):
            record.kind = .l2Norm
            record.groups = UInt32(groups)
            model.parameters.append(input.leastLength(epsilon).bitPattern)
        case .matrixProduct(let factor, let groups):
            record.kind = .matrixProduct
            record.groups = UInt32(groups)
            record.parametersOffset = 0
            setSecondInput(factor, of: &record)
        case .convolution, .maxPool, .averagePool, .lookup, .multiply, .globalAveragePool:
            preconditionFailure("a step of another kind")
        }
    }

    private mutating func appendNumbers(
        of convolution: Convolution, step: FusedNetwork.Step, to record: inout OperationRecord
    ) throws(QuantizationError) -> QuantizedConvolution? {
        record.weightsOffset = UInt32(model.weights.count)
        record.parametersOffset = UInt32(4 * model.parameters.count)
        guard let numbers else {
            model.weights += [Int8](repeating: 0, count: convolution.weights.count)
            model.parameters += [UInt32](repeating: 0, count: 2 * convolution.outputChannels)
            return nil
        }
        let meanInputs = convolution.meanInputs(
            channelMeans: numbers.means[step.input]
                ?? [Double](repeating: 0, count: convolution.inputChannels),
            input: graph[step.input].shape, output: graph[step.output].shape)
        let quantized = try QuantizedConvolution(
            convolution, layer: step.name, input: quantization(of: step.input), meanInputs: meanInputs,
            output: quantization(of: step.output), keepsWeights: numbers.keepsWeights)
        model.weights += quantized.weights
        model.parameters += quantized.bias.map { UInt32(bitPattern: $0) } + quantized.multipliers.map(\.bitPattern)
        return quantized
    }

    private func quantization(of value: FloatGraph.Value) -> AffineQuantization {
        let source = network.quantizationSource(of: value)
        guard let numbers else {
            return centredValues.contains(source) ? AffineQuantization(centredOver: -1...1) : .identity
        }
        return numbers.quantizations[source]!
    }

    /// The value that owns the memory `value` stands in.
    private func storage(of value: FloatGraph.Value) -> FloatGraph.Value {
        guard let owner = network.slices[value]?.whole ?? network.inPlace[value] else { return value }
        return storage(of: owner)
    }

    /// Bytes a pixel: kernels read channels in groups of 4.
    private func pixelStride(of value: FloatGraph.Value) -> Int {
        (graph[storage(of: value)].shape.channels + 3) / 4 * 4
    }

    private mutating func noteBytes(of value: FloatGraph.Value, at step: Int) {
        let shape = graph[value].shape
        demand.note(
            .value(storage(of: value)), bytes: shape.height * shape.width * pixelStride(of: value), at: step)
    }

    private func view(of value: FloatGraph.Value) -> TensorView {
        let shape = graph[value].shape
        var view = TensorView()
        view.height = UInt32(shape.height)
        view.width = UInt32(shape.width)
        view.channels = UInt32(shape.channels)
        view.pixelStride = UInt32(pixelStride(of: value))
        view.zeroPoint = UInt32(quantization(of: value).zeroPoint)
        view.scale = quantization(of: value).scale
        return view
    }

    // MARK: The whole file

    /// The finished contents, and the arena they are laid out in.
    consuming func finished(
        head: ClassifierHead, description: ModelDescription
    ) throws(QuantizationError) -> (contents: ModelContents, arena: ArenaLayout) {
        let last = model.operations.count
        demand.note(.value(graph.features), bytes: 4 * head.dimensions, at: last)
        demand.note(.normalised, bytes: 4 * head.dimensions, at: last)
        demand.note(.plainLogits, bytes: 4 * head.classes, at: last)
        demand.note(.logits, bytes: 4 * head.classes, at: last)
        demand.note(.probabilities, bytes: 4 * head.classes, at: last)
        let arena = demand.layout()
        guard arena.size <= Layout.maximumBytes else { throw .tooMuchMemory(bytes: arena.size) }
        place(in: arena)
        model.activationBytes = UInt64(arena.size)
        for number in 0..<ExecutionPath.count {
            let path = ExecutionPath(number: number)!
            model.packedBytes[number] = model.operations.reduce(0) { $0 + UInt64($1.packedBytes(path: path)) }
        }
        model.input = description.input.record(
            quantization(of: graph.input), arenaOffset: offset(of: graph.input, in: arena))
        model.head = HeadRecord(head, alpha: description.alpha, features: graph.features, arena: arena)
        model.headNumbers =
            head.rows + (head.bias ?? []) + (head.centre ?? [])
            + (head.adjustment.map { $0.directions + $0.terms } ?? [])
        model.classNames = description.classNames
        model.classCounts = description.classCounts.map(UInt32.init)
        model.provenance = ModelDescription.text(of: description.provenance)
        return (model, arena)
    }

    private func offset(of value: FloatGraph.Value, in arena: ArenaLayout) -> UInt32 {
        guard let slice = network.slices[value] else { return arena[.value(storage(of: value))] }
        return offset(of: slice.whole, in: arena) + UInt32(slice.channelOffset)
    }

    private mutating func place(in arena: ArenaLayout) {
        for (number, step) in network.steps.enumerated() {
            model.operations[number].input.arenaOffset = offset(of: step.input, in: arena)
            model.operations[number].output.arenaOffset = offset(of: step.output, in: arena)
            model.operations[number].scratchOffset = arena[.scratch(step: number)]
            if let second = step.secondInput {
                model.operations[number].residual.arenaOffset = offset(of: second, in: arena)
            }
        }
    }
}

extension OperationRecord {
    fileprivate mutating func setWindow(_ window: Window, kind: OperationKind) {
        self.kind = kind
        (kernelHeight, kernelWidth) = (UInt32(window.y.size), UInt32(window.x.size))
        (strideY, strideX) = (UInt32(window.y.stride), UInt32(window.x.stride))
        (dilationY, dilationX) = (UInt32(window.y.dilation), UInt32(window.x.dilation))
        (paddingTop, paddingLeft) = (UInt32(window.y.before), UInt32(window.x.before))
    }
}

extension AffineQuantization {
    /// For every byte of this the byte of `output` that stands for the function's value best.
    fileprivate func table(of activation: Activation, to output: AffineQuantization) -> [Int8] {
        (0...255).map { byte in
            Int8(bitPattern: output.byte(of: activation(scale * Float(byte - zeroPoint))))
        }
    }

    /// The bytes that a clip lets through.
    fileprivate func bytes(of clip: ClosedRange<Float>?) -> (UInt32, UInt32) {
        guard let clip else { return (0, 255) }
        return (UInt32(byte(of: clip.lowerBound)), UInt32(byte(of: clip.upperBound)))
    }
}

extension HeadRecord {
    fileprivate init(_ head: ClassifierHead, alpha: Float, features: FloatGraph.Value, arena: ArenaLayout) {
        self.init()
        classes = UInt32(head.classes)
        dimensions = UInt32(head.dimensions)
        heads = UInt32(head.heads)
        featureNorm = head.featureNorm.rawValue
        hasBias = head.bias == nil ? 0 : 1
        hasCentre = head.centre == nil ? 0 : 1
        hasDirections = head.adjustment == nil ? 0 : 1
        tau = head.parameters.tau ?? 0
        gamma = head.parameters.gamma ?? 0
        defaultAlpha = alpha
        featuresOffset = arena[.value(features)]
        normalisedOffset = arena[.normalised]
        plainLogitsOffset = arena[.plainLogits]
        logitsOffset = arena[.logits]
        probabilitiesOffset = arena[.probabilities]
    }
}
