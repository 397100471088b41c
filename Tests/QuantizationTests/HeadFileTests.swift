import Checkpoint
import FloatGraph
import Inference
import ModelFormat
import SampleNetworks
import Testing

@testable import Quantization

private let dimensions = 12
private let classes = 5

private func sampleHead(_ kind: ClassifierKind) throws -> ClassifierHead {
    var values = SampleValues(seed: 41)
    let parameters = ClassifierParameters(heads: kind.parameters.contains(.heads) ? 3 : nil)
    let weight = values.tensor([classes, dimensions])
    guard kind != .ncm else {
        let means = ClassMeans(centre: values.tensor([dimensions]), means: weight)
        return try ClassifierHead(nearest: means, parameters: parameters, dimensions: dimensions)
    }
    var tensors = ["fc.weight": weight, "fc.bias": values.tensor([classes])]
    switch kind {
    case .causalNorm, .cosine, .capsule: tensors = ["weight": weight]
    case .ldam: tensors = ["linear.weight": values.tensor([dimensions, classes])]
    case .lws: tensors["scales"] = values.tensor([classes])
    case .linear, .tauNorm, .crt, .ncm: break
    }
    let state = ReferenceState(features: [:], classifier: tensors, direction: values.array(dimensions))
    return try ClassifierHead(of: state, as: kind, parameters: parameters, dimensions: dimensions)
}

/// A file of a head behind one convolution.
private func file(of head: ClassifierHead) throws -> [UInt8] {
    var values = SampleValues(seed: 42)
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 4, width: 4))
    let convolution = Convolution(
        inputChannels: 3, outputChannels: dimensions, window: Window(size: 1, stride: 1, padding: 0),
        weights: values.array(3 * dimensions), bias: values.array(dimensions))
    let value = try graph.append(.convolution(convolution), graph.input, name: "conv")
    try graph.append(.globalAveragePool, value, name: "features")
    let input = ModelInput(height: 4, width: 4, resizeSide: 4, mean: .zero, standardDeviation: .one)
    let description = ModelDescription(
        input: input, classNames: (0..<head.classes).map { "class \($0)" }, classCounts: [], alpha: 0,
        provenance: ["source": "made for a test"])
    return try quantize(
        graph, head: head, description: description, calibration: CalibrationImages([values.array(48, in: 0...1)])
    ).file
}

/// What the device's code makes of a feature vector.
private func run(_ file: [UInt8], on features: [Float], alpha: Float) throws -> (plain: [Float], logits: [Float]) {
    try withEngine(of: file) { engine in
        _ = engine.features.update(fromContentsOf: features)
        engine.runHead(alpha: alpha)
        return (Array(engine.plainLogits), Array(engine.logits))
    }
}

@Suite struct AHeadInAFile {
    @Test(
        "gives the bits of the float head, adjusted and plain", arguments: ClassifierKind.allCases, [0, 1.5] as [Float])
    func givesTheBitsOfTheFloatHead(kind: ClassifierKind, alpha: Float) throws {
        let head = try sampleHead(kind)
        #expect((head.adjustment != nil) == kind.canHaveDirection)
        var values = SampleValues(seed: 43)
        let file = try file(of: head)
        for _ in 0..<3 {
            let features = values.array(dimensions)
            let found = try run(file, on: features, alpha: alpha)
            #expect(found.logits == head.logits(of: features, alpha: alpha))
            #expect(found.plain == head.logits(of: features, alpha: 0))
        }
    }

    @Test func holdsTheAdjustmentsThatWereFolded() throws {
        var head = try sampleHead(.causalNorm)
        try head.adjustLogits(classCounts: [900, 50, 20, 3, 1], strength: 0.8, targetPrior: [1, 1, 1, 2, 2])
        head.keepClasses([3, 0])
        var values = SampleValues(seed: 44)
        let features = values.array(dimensions)
        let logits = try run(file(of: head), on: features, alpha: 0.5).logits
        #expect(logits.count == 2)
        #expect(logits == head.logits(of: features, alpha: 0.5))
    }
}
