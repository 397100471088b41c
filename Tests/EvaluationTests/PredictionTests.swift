import Checkpoint
import FloatGraph
import Quantization
import SampleNetworks
import Synchronization
import Testing

@testable import Evaluation

private let input = ModelInput(
    height: 8, width: 8, resizeSide: 8, mean: SIMD3(0.5, 0.4, 0.3), standardDeviation: SIMD3(0.25, 0.3, 0.2))

/// Pictures of 8x8 pixels, each of one of eight strong colours with a texture of its own.
private let pictures = (0..<40).map { number in
    let bytes = (0..<192).map { index in
        UInt8(200 * (number >> (index % 3) & 1) + index * (2 * number + 1) % 56)
    }
    return Picture(width: 8, height: 8, bytes: bytes)
}

private let data = Dataset(labels: pictures.map { _ in 0 }) { pictures[$0] }

private func sampleModel() throws -> FloatModel {
    var values = SampleValues(seed: 21)
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 8, width: 8))
    let convolution = Convolution(
        inputChannels: 3, outputChannels: 8, window: Window(size: 3, stride: 1, padding: 1),
        weights: values.array(8 * 27), bias: values.array(8))
    let value = try graph.append(.convolution(convolution), graph.input, name: "conv")
    try graph.append(.globalAveragePool, graph.append(.relu, value, name: "relu"), name: "features")
    let state = ReferenceState(
        features: [:], classifier: ["weight": values.tensor([12, 8])], direction: values.array(8))
    let head = try ClassifierHead(of: state, dimensions: 8)
    return FloatModel(graph: graph, head: head, input: input)
}

private func int8(_ model: FloatModel) throws -> ModelFile {
    let normalizer = PictureNormalizer(input)
    let description = ModelDescription(
        input: input, classNames: (0..<12).map { "class \($0)" }, classCounts: [], alpha: 1, provenance: ["a": "b"])
    let quantized = try quantize(
        model.graph, head: model.head, description: description,
        calibration: CalibrationImages(pictures.compactMap { normalizer.normalized($0) }))
    return try ModelFile(quantized.file)
}

@Test func aPictureOfTheInputsSizeIsNormalisedByteByByte() throws {
    let image = try #require(PictureNormalizer(input).normalized(pictures[3]))
    for (index, value) in image.enumerated() {
        let (channel, pixel) = (index / 64, index % 64)
        let byte = Float(pictures[3].bytes[3 * pixel + channel])
        #expect(value == (byte / 255 - input.mean[channel]) / input.standardDeviation[channel])
    }
}

@Test func int8PredictsWhatFloatPredicts() throws {
    let model = try sampleModel()
    let float = try predictions(of: model, on: data, alphas: [0, 3])
    let quantized = try predictions(of: int8(model), on: data, alphas: [0, 3])
    for (alpha, (a, b)) in zip(float, quantized).enumerated() {
        let same = zip(a, b).count { $0 == $1 }
        #expect(same >= 38, "alpha \(alpha)")
    }
    #expect(Set(float[0]).count > 1)
    #expect(float[0] != float[1])
}

@Test func predictionsDoNotDependOnWhichThreadTookWhichBatch() throws {
    let model = try int8(sampleModel())
    let first = try predictions(of: model, on: data, alphas: [0.5])
    for _ in 0..<5 {
        #expect(try predictions(of: model, on: data, alphas: [0.5]) == first)
    }
}

@Test func progressEndsAtOne() throws {
    let largest = Mutex(0.0)
    _ = try predictions(of: sampleModel(), on: data, alphas: [0]) { fraction in
        largest.withLock { $0 = max($0, fraction) }
    }
    #expect(largest.withLock { $0 } == 1)
}

@Test func aPictureThatCannotBeLoadedStopsTheEvaluation() throws {
    let broken = Dataset(labels: [0, 0]) { index throws(DataError) in
        guard index == 0 else { throw .missing(path: "b.png") }
        return pictures[0]
    }
    #expect(throws: DataError.missing(path: "b.png")) {
        try predictions(of: sampleModel(), on: broken, alphas: [0])
    }
}
