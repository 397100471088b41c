import FloatGraph
import SampleNetworks
import Testing

@testable import Quantization

/// Scale 1.
private let input = AffineQuantization(covering: 0...255)
private let output = AffineQuantization(covering: -2...2)

private func quantized(
    weights: [Float], bias: [Float], inputs: Int, window: Int, mean: Double = 0
) throws -> QuantizedConvolution {
    let convolution = Convolution(
        inputChannels: inputs, outputChannels: bias.count, window: Window(size: window, stride: 1, padding: 0),
        weights: weights, bias: bias)
    return try QuantizedConvolution(
        convolution, layer: "tested", input: input,
        meanInputs: [Double](repeating: mean, count: convolution.weightsPerOutput), output: output)
}

@Test func weightsStandInTheFilesOrderWithOneScaleAChannel() throws {
    // Two outputs, two inputs, 2x2: [output][input][ky][kx].
    let first: [Float] = [1, 2, 3, 4, 5, 6, 7, 127]
    let weights = first + first.map { $0 * -0.01 }
    let result = try quantized(weights: weights, bias: [0, 0], inputs: 2, window: 2)
    let reordered: [Int8] = [1, 5, 2, 6, 3, 7, 4, 127]
    #expect(result.weights == reordered + reordered.map { -$0 })
    let ratio = input.scale / output.scale
    #expect(abs(result.multipliers[0] / ratio - 1) < 1e-6)
    #expect(abs(result.multipliers[1] / ratio - 0.01) < 1e-8)
    #expect(result.coarsenedChannels == 0)
}

@Test func theBiasIsInUnitsOfTheProductOfScales() throws {
    let result = try quantized(weights: [127], bias: [3.5], inputs: 1, window: 1)
    #expect(result.bias == [4])  // 3.5 / (1 * 1), to even
}

@Test(
    "A dead channel keeps its bias, within the accumulator's bound, and is counted",
    arguments: [0, 1e-30, 1e-36] as [Float], [0, 3, -1e6] as [Float])
func deadChannelsFit(weight: Float, bias: Float) throws {
    let result = try quantized(weights: [weight, weight, 1, 0.5], bias: [bias, 0.1], inputs: 2, window: 1)
    #expect(result.coarsenedChannels == 1)
    for channel in 0..<2 {
        let magnitude = result.weights[2 * channel..<2 * channel + 2].reduce(0) { $0 + Int($1.magnitude) }
        #expect(Int(result.bias[channel].magnitude) + 512 * magnitude <= Int(Int32.max))
        #expect(result.multipliers[channel] == 0 || result.multipliers[channel] >= 0x1p-100)
    }
    let represented = Float(result.bias[0]) * result.multipliers[0] * output.scale
    #expect(abs(represented - bias) <= abs(bias) * 1e-6)
}

@Test func aSumThatCouldOverflowIsRefused() {
    let inputs = 40_000
    let error = QuantizationError.tooManyInputs(layer: "tested", weightsPerOutput: inputs)
    #expect(throws: error) {
        try quantized(weights: [Float](repeating: 1, count: inputs), bias: [0], inputs: inputs, window: 1)
    }
}

@Test func theBiasTakesBackWhatRoundingShiftsTheMean() throws {
    // Scale 1, so that 0.4 becomes 0 and a mean input of 10 loses 4 for each of the three.
    let weights: [Float] = [127, 0.4, 0.4, 0.4]
    #expect(try quantized(weights: weights, bias: [0], inputs: 4, window: 1, mean: 10).bias == [12])
}

@Test func aFewLargeWeightsAreCutOffWhereThatMakesTheErrorSmaller() throws {
    var values = SampleValues(seed: 4)
    let weights = values.array(1000) + [1.02]
    let result = try quantized(weights: weights, bias: [0], inputs: 1001, window: 1)
    let scale = result.multipliers[0] * output.scale / input.scale
    #expect(scale < 1.02 / 127)
    #expect(result.weights.last == 127)
}

@Test func aWeightThatOftenLiesOutsideTheImageHasASmallerMeanInput() {
    let convolution = Convolution(
        inputChannels: 2, outputChannels: 1, window: Window(size: 3, stride: 1, padding: 1),
        weights: [Float](repeating: 0, count: 18), bias: [0])
    let shape = FeatureShape(channels: 2, height: 4, width: 2)
    let means = convolution.meanInputs(channelMeans: [8, 1], input: shape, output: shape)
    #expect(Array(means[..<9]) == [3, 6, 3, 4, 8, 4, 3, 6, 3])
    #expect(Array(means[9...]) == means[..<9].map { $0 / 8 })
}
