import Checkpoint
import FloatGraph
import SampleNetworks
import Testing

import func Foundation.log10

@testable import Quantization

private func pointwise(_ outputs: Int, weights: [Float], bias: [Float]? = nil) -> Operation {
    .convolution(
        Convolution(
            inputChannels: weights.count / outputs, outputChannels: outputs,
            window: Window(size: 1, stride: 1, padding: 0), weights: weights,
            bias: bias ?? [Float](repeating: 0, count: outputs)))
}

/// Bytes reach the network as byte / 255.
private let plainInput = ModelInput(
    height: 16, width: 16, resizeSide: 16, mean: .zero, standardDeviation: .one)

private func report(of graph: FloatGraph, images: [[Float]], method: CalibrationMethod = .minMax) throws
    -> QuantizationReport
{
    let dimensions = graph[graph.features].shape.channels
    let state = ReferenceState(
        features: [:],
        classifier: ["weight": Tensor(shape: [2, dimensions], values: (0..<2 * dimensions).map(Float.init))],
        direction: nil)
    let head = try ClassifierHead(of: state, dimensions: dimensions)
    let description = ModelDescription(
        input: plainInput, classNames: ["a", "b"], classCounts: [], alpha: 0, provenance: ["a": "b"])
    return try quantize(
        graph, head: head, description: description, calibration: CalibrationImages(images), method: method
    ).report
}

/// Three channels that are copied, so that the only rounding is the input's.
private func copyingGraph() throws -> FloatGraph {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 16, width: 16))
    let copy = try graph.append(
        pointwise(4, weights: [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), graph.input, name: "copy")
    try graph.append(.globalAveragePool, graph.append(.relu, copy, name: "relu"), name: "features")
    return graph
}

@Test func theSignalToNoiseOfAKnownErrorIsReported() throws {
    // Every value lies a quarter of a step above a byte's, but for the largest, which is a byte's.
    let channel = (0..<256).map { (Float($0 * 37 % 255) + 0.25) / 255 }
    let image = Array(([1] + channel.dropFirst() + channel + channel))
    let report = try report(of: copyingGraph(), images: [image, image])
    let signal = image.reduce(0.0) { $0 + Double($1) * Double($1) }
    let noise = Double(image.count - 1) * (0.25 / 255) * (0.25 / 255)
    let found = try #require(report.layers[0].signalToNoise)
    #expect(abs(found - 10 * log10(signal / noise)) < 0.01)
    #expect(report.layers[0].inputSignalToNoise == nil)
    #expect(report.layers[1].inputSignalToNoise == found)
    // One value of the four channels' 1024 is 255.
    #expect(report.layers[0].saturation == 1 / 1024.0)
    #expect(report.measuredImages == 2)
}

@Test func valuesThatBytesStandForLoseNothing() throws {
    let image = (0..<768).map { Float($0 % 256) / 255 }
    let report = try report(of: copyingGraph(), images: [image])
    let ratio = report.layers[0].signalToNoise
    #expect(ratio == nil || ratio! > 120, "only the rounding of float32 itself is left")
    #expect(report.advice.isEmpty)
}

@Test func aLayerThatCancelsItsInputsIsListedWithAdvice() throws {
    // The difference of two channels that are nearly the same is mostly their rounding errors.
    var values = SampleValues(seed: 3)
    let red = values.array(256, in: 0.1...0.9)
    let image = red + red.map { $0 + values.next(in: 0...0.004) } + red
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 16, width: 16))
    let copy = try graph.append(
        pointwise(4, weights: [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), graph.input, name: "copy")
    let difference = try graph.append(
        pointwise(4, weights: [1, -1, 0, 0, 1, -1, 0, 0, 1, -1, 0, 0, 1, -1, 0, 0]), copy, name: "difference")
    try graph.append(.globalAveragePool, difference, name: "features")
    let advice = try report(of: graph, images: [image]).advice
    #expect(advice.map(\.layer).first == "difference")
    #expect(advice.first?.text.contains("dB below its input") == true)
}

@Test func deadChannelsAreCountedAsWarnings() throws {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 16, width: 16))
    let dead = try graph.append(
        pointwise(4, weights: [1, 0, 0, 1e-12, 0, 0, 0, 0, 0, 1, 1, 1], bias: [0, 1, 1, 0]), graph.input, name: "dead")
    try graph.append(.globalAveragePool, dead, name: "features")
    var values = SampleValues(seed: 4)
    let warnings = try report(of: graph, images: [values.array(768, in: 0...1)]).warnings
    #expect(warnings == ["dead: 2 channels have weights too small beside their bias and lose precision"])
}

@Test func memoryAndWorkAreThoseOfTheShapes() throws {
    var values = SampleValues(seed: 5)
    let report = try report(of: copyingGraph(), images: [values.array(768, in: 0...1)])
    let copy = report.layers[0]
    #expect(copy.multiplyAdds == 12 * 256)
    #expect(copy.weightBytes == 12)
    // Input and output, four bytes a pixel, and the kernel's working memory.
    #expect(copy.arenaBytes >= 2 * 4 * 256)
    #expect(report.peakLayer?.name == "copy")
    #expect(copy.arenaBytes <= report.activationBytes)
    #expect(report.leastActivationBytes == report.layers.map(\.arenaBytes).max())
    #expect(report.fileSections.first { $0.name == "weights" }?.bytes == 12)
    #expect(report.fileSections.reduce(0) { $0 + $1.bytes } < report.fileBytes)
}
