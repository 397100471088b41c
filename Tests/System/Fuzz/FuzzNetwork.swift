import Checkpoint
import FloatGraph
import Inference
import ModelFormat
import Quantization
import TinyModel

/// Makes a network, an operation of a few bytes each, and takes it all the way to answers: simplification must not change
/// what it computes, and what lowering and calibration write must pass the verifier and run.
@Sendable func fuzzNetwork(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var choices = Choices(UnsafeBufferPointer(start: data, count: count))
    let input = FeatureShape(channels: 3, height: choices.size(12), width: choices.size(12))
    var graph = FloatGraph(input: input)
    while !choices.isEmpty, graph.nodes.count < 32 {
        let value = choices.value(of: graph)
        let shape = graph[value].shape
        let name = "node \(graph.nodes.count)"
        let operation = choices.operation(on: shape)
        switch operation {
        case .add, .multiply, .concat, .matrixProduct:
            _ = try? graph.append(operation, value, choices.value(of: graph), name: name)
        case .constant: _ = try? graph.append(operation, [], name: name)
        default: _ = try? graph.append(operation, value, name: name)
        }
    }
    if graph[graph.features].shape.pixels > 1 {
        _ = try? graph.append(.globalAveragePool, graph.features, name: "features")
    }
    guard graph[graph.features].shape.pixels == 1, isQuick(graph) else { return 0 }
    let simplified = graph.simplified()
    if !choices.hasExtremes { compare(graph, simplified) }
    let dimensions = graph[graph.features].shape.channels
    let weights = choices.weights(3 * dimensions)
    let classifier = ["fc.weight": Tensor(shape: [3, dimensions], values: weights)]
    let state = ReferenceState(features: [:], classifier: classifier, direction: nil)
    if let head = try? ClassifierHead(of: state, dimensions: dimensions) {
        quantizeAndRun(simplified, head, isOrdinary: !choices.hasExtremes && simplified.weightCount > 0)
    }
    return 0
}

/// Few numbers and few steps: what takes time is no finding.
func isQuick(_ graph: FloatGraph) -> Bool {
    let numbers = graph.nodes.reduce(0) { $0 + $1.shape.count }
    return graph.nodes.count <= 256 && numbers <= 1 << 16 && graph.weightCount <= 1 << 16
        && graph.multiplyAdds <= 1 << 21
}

/// Also of what readers made: a network is refused, or becomes a file that the device takes and runs on every path. An ordinary
/// one is never refused by the verifier: what has sizes that no device takes is refused by the layer's name.
func quantizeAndRun(_ graph: FloatGraph, _ head: ClassifierHead, isOrdinary: Bool) {
    let shape = graph[graph.input].shape
    let description = ModelDescription(
        input: ModelInput(
            height: shape.height, width: shape.width, resizeSide: max(shape.height, shape.width),
            mean: SIMD3(repeating: 0.5), standardDeviation: SIMD3(repeating: 0.25)),
        classNames: (0..<head.classes).map { "class \($0)" }, classCounts: [], alpha: 0,
        provenance: ["source": "made up"])
    let images = (0..<2).map { number in image(shape, seed: number) }
    do {
        let model = try quantize(graph, head: head, description: description, calibration: CalibrationImages(images))
        let file = AlignedBytes(model.file)
        runOnEveryPath(try! Model(verifying: file.readOnly))
    } catch QuantizationError.refused(let error, _) {
        // In release builds only `fatalError` says its sentence.
        if isOrdinary { fatalError("what was written does not pass the verifier: \(error)") }
    } catch {
        // Refused by name, such as activations that are not finite.
    }
}

/// Values that differ from pixel to pixel, -2...2.
private func image(_ shape: FeatureShape, seed: Int) -> [Float] {
    (0..<shape.count).map { Float(($0 &* 37 &+ seed &* 101) % 81) / 20 - 2 }
}

/// Folding changes the order of sums alone.
private func compare(_ graph: FloatGraph, _ simplified: FloatGraph) {
    let shape = graph[graph.input].shape
    let batch = Activations(shape: shape, images: [image(shape, seed: 0)])
    let (expected, found) = (graph.features(of: batch)[0], simplified.features(of: batch)[0])
    guard expected.allSatisfy(\.isFinite), let largest = expected.map({ abs($0) }).max(), largest < 1e6 else { return }
    guard expected.count == found.count,
        zip(expected, found).allSatisfy({ abs($0 - $1) <= 1e-2 * (1 + largest) })
    else { fatalError("simplification changes the result from \(expected) to \(found)") }
}

/// Reads bytes as choices; zeros once they are used up.
private struct Choices {
    private var bytes: UnsafeBufferPointer<UInt8>.SubSequence
    private(set) var hasExtremes = false
    private var seed: UInt64 = 1

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes[...]
    }

    var isEmpty: Bool { bytes.isEmpty }

    private mutating func byte() -> Int { bytes.popFirst().map(Int.init) ?? 0 }

    /// 1...limit.
    mutating func size(_ limit: Int) -> Int { 1 + byte() % limit }

    /// Mostly small; sometimes at the end of what is allowed, or beyond.
    private mutating func number(_ limit: Int) -> Int {
        let choice = byte()
        return choice < 250
            ? choice % (limit + 1) : [1 << 16, 1 << 16 + 1, 4095, 1 << 31, -1, -(1 << 16)][choice - 250]
    }

    mutating func value(of graph: FloatGraph) -> FloatGraph.Value {
        let back = byte() % min(graph.nodes.count, 4)
        return Array(graph.values)[graph.nodes.count - 1 - back]
    }

    /// Evenly distributed, by SplitMix64 from a byte; with extremes of float32 where the byte says so.
    mutating func weights(_ count: Int) -> [Float] {
        let kind = byte()
        seed = seed &* 31 &+ UInt64(kind)
        var state = seed
        // The third is subnormal, about 1e-40.
        let scale: Float = kind < 240 ? 1 : [0, 1e30, Float(bitPattern: 71362), 1e-30][kind % 4]
        if kind >= 240 { hasExtremes = true }
        return (0..<count).map { _ in
            state = state &+ 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return scale * (Float((z ^ (z >> 31)) >> 40) / Float(1 << 23) - 1)
        }
    }

    private mutating func axis() -> Window.Axis {
        Window.Axis(
            size: 1 + number(4), stride: 1 + number(2), dilation: 1 + number(1), before: number(3), after: number(3))
    }

    private mutating func window() -> Window {
        var window = Window(y: axis(), x: axis())
        // A convolution holds a weight for each position.
        if window.y.size > 64 { window.y.size = 64 }
        if window.x.size > 64 { window.x.size = 64 }
        (window.y.size, window.x.size) = (max(window.y.size, 1), max(window.x.size, 1))
        return window
    }

    private mutating func span(_ edge: Int) -> Selection.Span {
        Selection.Span(start: number(4) - 2, count: number(edge) + 1, step: 1 + number(2))
    }

    /// No less: a norm of less makes numbers of what rounding left.
    private mutating func epsilon() -> Double { [1e-1, 1e-2, 1e-3][byte() % 3] }

    /// Steps of any sizes and strides, of which `append` takes those that stay inside; mostly dimensions that change places.
    private mutating func rearrangement(of shape: FeatureShape) -> Rearrangement {
        let dimensions = [
            Rearrangement.Step(size: shape.channels, stride: shape.pixels),
            Rearrangement.Step(size: shape.height, stride: shape.width),
            Rearrangement.Step(size: shape.width, stride: 1),
        ]
        let order = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][byte() % 5]
        let steps =
            byte() % 4 > 0
            ? order.map { dimensions[$0] } : (0..<3).map { _ in .init(size: size(8), stride: number(shape.count)) }
        let sizes = steps.map(\.size)
        let result =
            byte() % 2 == 0
            ? FeatureShape(channels: sizes[0], height: sizes[1], width: sizes[2])
            : FeatureShape(channels: sizes[0], height: 1, width: sizes[1] * sizes[2])
        return Rearrangement(shape: result, steps: steps)
    }

    private mutating func taps(_ edge: Int) -> [Resampling.Tap] {
        (0..<size(12)).map { _ in
            byte() % 2 == 0
                ? .init(nearest: byte() % edge)
                : .init(first: byte() % edge, second: byte() % edge, fraction: Float(byte()) / 256)
        }
    }

    mutating func operation(on shape: FeatureShape) -> Operation {
        switch byte() % 23 {
        case 0, 1, 2:
            let groups = [1, 1, shape.channels][byte() % 3]
            let outputs = groups * size(groups == 1 ? 9 : 2)
            let window = window()
            return .convolution(
                Convolution(
                    inputChannels: shape.channels, outputChannels: outputs, groups: groups, window: window,
                    weights: weights(outputs * (shape.channels / groups) * window.count), bias: weights(outputs)))
        case 3:
            let variance = weights(shape.channels).map { abs($0) }
            return .batchNorm(
                BatchNorm(
                    weight: weights(shape.channels), bias: weights(shape.channels), mean: weights(shape.channels),
                    variance: variance))
        case 4: return .activation(.relu)
        case 5: return .activation([.relu6, .silu, .hardSwish, .sigmoid][byte() % 4])
        case 6: return .activation(.leakyReLU(slope: weights(1)[0]))
        case 7: return .activation(.affine(factor: weights(1)[0], offset: weights(1)[0]))
        case 8: return .add
        case 9: return .multiply
        case 10: return .concat
        case 11:
            return .select(Selection(channels: span(shape.channels), y: span(shape.height), x: span(shape.width)))
        case 12: return .maxPool(window())
        case 13: return .averagePool(window(), countsPadding: byte() % 2 == 0)
        case 14: return .globalAveragePool
        case 15: return .softmax(groups: size(4))
        case 16:
            return .layerNorm(
                LayerNorm(weight: weights(shape.channels), bias: weights(shape.channels), epsilon: epsilon()))
        case 17: return .l2Norm(groups: size(4), epsilon: Float(epsilon()))
        case 18: return .matrixProduct(groups: size(4))
        case 19: return .rearrange(rearrangement(of: shape))
        case 20: return .resample(Resampling(y: taps(shape.height), x: taps(shape.width)))
        case 21:
            let constant = byte() % 2 == 0 ? shape : FeatureShape(channels: size(8), height: 1, width: size(8))
            return .constant(weights(constant.count), constant)
        default: return .flatten
        }
    }
}
