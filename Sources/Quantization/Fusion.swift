import FloatGraph

/// The network as the device runs it: few steps, each of several nodes of the graph.
///
/// A step is named by the last value it computes; the values inside a step never exist on the device.
struct FusedNetwork {
    struct Step {
        let name: String
        let kind: Kind
        let input: FloatGraph.Value
        let output: FloatGraph.Value
    }

    enum Kind {
        /// A convolution, what is added to it, and the range that the sum is cut off to.
        case convolution(Convolution, residual: Residual?, clip: ClosedRange<Float>?)
        case maxPool(Window)
        case averagePool(Window, countsPadding: Bool)
        case lookup(Activation)
        /// What the input is multiplied with, and the range that the product is cut off to.
        case multiply(by: FloatGraph.Value, clip: ClosedRange<Float>?)
        case globalAveragePool
        /// `[channels][height][width]`. The step's input is its output.
        case constant([Float])
        case rearrange(DeviceSteps)
        case resample(Resampling)
        case softmax(groups: Int)
        case layerNorm(LayerNorm)
        case l2Norm(groups: Int, epsilon: Float)
        /// The value whose pixels are multiplied with the input's.
        case matrixProduct(with: FloatGraph.Value, groups: Int)
    }

    /// What a convolution's step adds; see rb_conv_shape in kernels.h.
    struct Residual {
        let value: FloatGraph.Value
        /// Every how many pixels, in both directions.
        let step: Int
        /// The first output channel that it is added to.
        let channelOffset: Int
    }

    /// Where a value stands that is written straight into a concatenation, or that is a way of looking at another.
    struct Slice {
        let whole: FloatGraph.Value
        let channelOffset: Int
    }

    private(set) var steps: [Step] = []
    private(set) var slices: [FloatGraph.Value: Slice] = [:]

    /// Where a step may write what it reads: the input's memory becomes the output's.
    private(set) var inPlace: [FloatGraph.Value: FloatGraph.Value] = [:]

    /// Fuses convolution [+ addition] [+ clip] and turns concatenations into places to write to. Expects a graph
    /// `loweredForDevice`; throws `QuantizationError.unsupportedNode` for a node that no step can take in.
    init(_ graph: FloatGraph) throws(QuantizationError) {
        var fusion = Fusion(graph: graph)
        var constants: Set<FloatGraph.Value> = []
        for value in graph.values.dropFirst() where !fusion.covered.contains(value) {
            let node = graph[value]
            func step(_ kind: Kind, output: FloatGraph.Value) -> Step {
                Step(name: node.name, kind: kind, input: node.inputs[0], output: output)
            }
            switch node.operation {
            case .convolution(let convolution):
                steps.append(fusion.step(from: value, convolution: convolution))
            case .maxPool(let window):
                steps.append(step(.maxPool(window), output: value))
            case .averagePool(let window, let countsPadding):
                let output = fusion.rounding(after: value)?.output ?? value
                steps.append(step(.averagePool(window, countsPadding: countsPadding), output: output))
            case .activation(let activation):
                let output = fusion.rounding(after: value)?.output ?? value
                steps.append(step(.lookup(activation), output: output))
            case .multiply:
                let (clip, output) = fusion.clip(after: value)
                steps.append(step(.multiply(by: node.inputs[1], clip: clip), output: output))
            case .globalAveragePool where value == graph.features:
                steps.append(step(.globalAveragePool, output: value))
            case .concat:
                try addSlices(of: value, in: graph)
            case .select(let selection) where !graph.isShortcut(value):
                slices[value] = Slice(whole: node.inputs[0], channelOffset: selection.channels.start)
            case .select:
                continue  // part of the step that adds it; the check below finds one that is added nowhere
            case .constant:
                constants.insert(value)
            case .rearrange(let rearrangement):
                let shape = graph[node.inputs[0]].shape
                if rearrangement.isView(of: shape) {
                    slices[value] = Slice(whole: node.inputs[0], channelOffset: 0)
                } else if let device = rearrangement.deviceSteps(of: shape) {
                    steps.append(step(.rearrange(device), output: value))
                } else {
                    throw .unsupportedNode(name: node.name)
                }
            case .resample(let resampling):
                steps.append(step(.resample(resampling), output: value))
            case .softmax(let groups):
                steps.append(step(.softmax(groups: groups), output: value))
            case .layerNorm(let norm):
                steps.append(step(.layerNorm(norm), output: value))
            case .l2Norm(let groups, let epsilon):
                steps.append(step(.l2Norm(groups: groups, epsilon: epsilon), output: value))
            case .matrixProduct(let groups):
                steps.append(step(.matrixProduct(with: node.inputs[1], groups: groups), output: value))
            case .input, .batchNorm, .add, .globalAveragePool, .flatten:
                throw .unsupportedNode(name: node.name)
            }
        }
        place(constants, of: graph)
        try checkReads(in: graph)
        findStepsInPlace(in: graph)
    }

    /// A value's numbers are another's where both share memory or a maximum passes them on unchanged.
    func quantizationSource(of value: FloatGraph.Value) -> FloatGraph.Value {
        if let slice = slices[value] {
            return quantizationSource(of: slice.whole)
        }
        if let step = steps.first(where: { $0.output == value }), step.passesNumbersOn {
            return quantizationSource(of: step.input)
        }
        return value
    }

    /// The sources of numbers whose bytes a matrix product takes as signed weights.
    var centredValues: [FloatGraph.Value] {
        steps.compactMap { step in
            guard case .matrixProduct(let factor, _) = step.kind else { return nil }
            return quantizationSource(of: factor)
        }
    }

    /// Each constant is written before the first step that reads it.
    private mutating func place(_ constants: Set<FloatGraph.Value>, of graph: FloatGraph) {
        var waiting = constants
        var result: [Step] = []
        for step in steps {
            for read in step.reads {
                var source = read
                while let slice = slices[source] { source = slice.whole }
                guard waiting.remove(source) != nil, case .constant(let numbers, _) = graph[source].operation else {
                    continue
                }
                result.append(Step(name: graph[source].name, kind: .constant(numbers), input: source, output: source))
            }
            result.append(step)
        }
        steps = result
    }

    /// Kernels read channels in groups of 4, so every slice must begin with a group.
    private mutating func addSlices(of whole: FloatGraph.Value, in graph: FloatGraph) throws(QuantizationError) {
        var channelOffset = 0
        for part in graph[whole].inputs {
            let isWritable = slices.values.contains { $0.whole == part } || steps.contains { $0.output == part }
            guard isWritable, slices[part] == nil, channelOffset % 4 == 0 else {
                throw .unsupportedNode(name: graph[whole].name)
            }
            slices[part] = Slice(whole: whole, channelOffset: channelOffset)
            channelOffset += graph[part].shape.channels
        }
    }

    /// Every value that a step reads must be one that exists on the device.
    private func checkReads(in graph: FloatGraph) throws(QuantizationError) {
        // A way of looking at a value is written with it.
        var written = Set(steps.map(\.output) + slices.values.map(\.whole) + slices.keys)
        written.insert(graph.input)
        for read in steps.lazy.flatMap(\.reads) where !written.contains(read) {
            throw .unsupportedNode(name: graph[read].name)
        }
        guard let last = steps.last, case .globalAveragePool = last.kind else {
            throw .unsupportedNode(name: graph[graph.features].name)
        }
    }

    /// A step may write over a tensor of its output's shape that it reads value by value, if nothing reads that afterwards
    /// and neither is part of a concatenation.
    private mutating func findStepsInPlace(in graph: FloatGraph) {
        let concatenated = Set(slices.values.map(\.whole)).union(slices.keys)
        var lastReads: [FloatGraph.Value: Int] = [:]
        for (number, step) in steps.enumerated() {
            for read in step.reads {
                lastReads[read] = number
            }
        }
        for (number, step) in steps.enumerated() {
            guard let replaced = step.readValueByValue, lastReads[replaced] == number, replaced != graph.input,
                graph[replaced].shape == graph[step.output].shape,
                concatenated.isDisjoint(with: [replaced, step.output])
            else { continue }
            inPlace[step.output] = replaced
        }
    }
}

extension FusedNetwork.Step {
    /// The tensors it reads.
    var reads: [FloatGraph.Value] { [input] + (secondInput.map { [$0] } ?? []) }

    /// What it adds to its input's result, or multiplies its input with.
    var secondInput: FloatGraph.Value? {
        switch kind {
        case .convolution(_, let residual, _): residual?.value
        case .multiply(let factor, _), .matrixProduct(let factor, _): factor
        case .maxPool, .averagePool, .lookup, .globalAveragePool, .constant, .rearrange, .resample, .softmax,
            .layerNorm,
            .l2Norm:
            nil
        }
    }

    /// Whether its result has the scale and zero point of its input.
    fileprivate var passesNumbersOn: Bool {
        switch kind {
        case .maxPool, .rearrange, .resample: true
        case .convolution, .averagePool, .lookup, .multiply, .globalAveragePool, .constant, .softmax, .layerNorm,
            .l2Norm, .matrixProduct:
            false
        }
    }

    /// The tensor of which each value is read only to compute the value in its place.
    fileprivate var readValueByValue: FloatGraph.Value? {
        switch kind {
        case .lookup, .multiply:
            return input
        case .convolution(_, let residual?, _):
            // A window of the convolution reads more of its input.
            return residual.value != input && residual.step == 1 && residual.channelOffset == 0 ? residual.value : nil
        case .convolution, .maxPool, .averagePool, .globalAveragePool, .constant, .rearrange, .resample, .softmax,
            .layerNorm, .l2Norm, .matrixProduct:
            return nil
        }
    }
}

/// Collects the nodes that belong to one convolution's step.
private struct Fusion {
    let graph: FloatGraph
    let readers: [[FloatGraph.Value]]
    /// Nodes that are part of a step already.
    var covered: Set<FloatGraph.Value> = []

    init(graph: FloatGraph) {
        self.graph = graph
        readers = graph.readers()
    }

    mutating func step(from value: FloatGraph.Value, convolution: Convolution) -> FusedNetwork.Step {
        var output = value
        var residual: FusedNetwork.Residual?
        if let sum = onlyReader(of: output), case .add = graph[sum].operation,
            let other = graph[sum].inputs.first(where: { $0 != value }).map(self.residual),
            other.value.index < value.index
        {
            residual = other
            output = sum
            covered.insert(sum)
        }
        let (clip, last) = clip(after: output)
        return FusedNetwork.Step(
            name: graph[value].name, kind: .convolution(convolution, residual: residual, clip: clip),
            input: graph[value].inputs[0], output: last)
    }

    /// The clip, or rounding to bytes, that alone reads a value, or one after the other, and the result; the value itself
    /// where there is none.
    mutating func clip(after value: FloatGraph.Value) -> (ClosedRange<Float>?, FloatGraph.Value) {
        let (clip, output) = plainClip(after: value)
        guard let (range, rounded) = rounding(after: output) else { return (clip, output) }
        let both =
            max(clip?.lowerBound ?? -.infinity, range.lowerBound)...min(clip?.upperBound ?? .infinity, range.upperBound)
        return (both, rounded)
    }

    /// The rounding to bytes that alone reads a value: what they stand for, and its result.
    mutating func rounding(after value: FloatGraph.Value) -> (range: ClosedRange<Float>, output: FloatGraph.Value)? {
        guard let reader = onlyReader(of: value), let bytes = graph[reader].operation.statedBytes else { return nil }
        covered.insert(reader)
        return (bytes.range, reader)
    }

    private mutating func plainClip(after value: FloatGraph.Value) -> (ClosedRange<Float>?, FloatGraph.Value) {
        guard let reader = onlyReader(of: value), case .activation(.clip(let low, let high)) = graph[reader].operation,
            low <= 0, high >= 0
        else { return (nil, value) }
        covered.insert(reader)
        return (low...high, reader)
    }

    private func onlyReader(of value: FloatGraph.Value) -> FloatGraph.Value? {
        readers[value.index].count == 1 ? readers[value.index][0] : nil
    }

    private func residual(_ value: FloatGraph.Value) -> FusedNetwork.Residual {
        guard graph.isShortcut(value), case .select(let selection) = graph[value].operation else {
            return FusedNetwork.Residual(value: value, step: 1, channelOffset: 0)
        }
        return FusedNetwork.Residual(
            value: graph[value].inputs[0], step: selection.y.step, channelOffset: -selection.channels.start)
    }
}
