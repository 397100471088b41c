import FloatGraph
import SampleNetworks
import Testing

@testable import Quantization

private func histogram(_ batches: [Float]...) -> ActivationHistogram {
    var histogram = ActivationHistogram()
    for batch in batches {
        let isFinite = batch.withUnsafeBufferPointer { histogram.count($0) }
        precondition(isFinite)
    }
    return histogram
}

/// Twelve evenly distributed values make one that is nearly normal, with mean 0 and standard deviation 1.
private func normalValues(_ count: Int, seed: UInt64) -> [Float] {
    var values = SampleValues(seed: seed)
    return (0..<count).map { _ in (0..<12).reduce(-6) { sum, _ in sum + values.next(in: 0...1) } }
}

@Suite struct AHistogram {
    @Test func doesNotDependOnOrderOrOnHowItsValuesWereSplit() {
        var values = SampleValues(seed: 1)
        let small = values.array(500, in: -0.01...0.02)
        let large = values.array(500, in: -3...90)
        let whole = histogram(small + large).bins
        #expect(histogram(large, small).bins.values == whole.values)
        var joined = histogram(small)
        joined.join(histogram(large))
        var otherWay = histogram(large)
        otherWay.join(histogram(small))
        for other in [joined, otherWay] {
            #expect(other.range == histogram(small, large).range)
            #expect(other.bins.counts == whole.counts)
            #expect(other.bins.values == whole.values)
        }
    }

    @Test func countsEveryValueButZeroWithinABinsWidth() {
        let bins = histogram([-1, -0.5, 0, 0, 0.25, 3.9]).bins
        #expect(bins.counts == [1, 1, 1, 1])
        for (found, value) in zip(bins.values, [-1, -0.5, 0.25, 3.9]) {
            #expect(abs(found - value) <= 4 / 2048)
        }
    }

    @Test("Refuses what is not finite", arguments: [Float.nan, .infinity, -.infinity])
    func refusesWhatIsNotFinite(value: Float) {
        var histogram = ActivationHistogram()
        let values = [Float](repeating: 1, count: 20) + [value, 2]
        #expect(!values.withUnsafeBufferPointer { histogram.count($0) })
        #expect(histogram.range == nil)
    }

    @Test(
        "Takes the largest and the smallest of floats",
        arguments: [Float.greatestFiniteMagnitude, .leastNonzeroMagnitude])
    func takesTheLargestAndTheSmallest(value: Float) {
        let histogram = histogram([value, -value], [1])
        #expect(histogram.range == min(-value, 1)...max(value, 1))
        #expect(histogram.bins.counts.reduce(0, +) == 3)
    }
}

@Suite struct MinMax {
    @Test func isAllThatWasSeen() {
        #expect(CalibrationMethod.minMax.range(for: histogram([-1, 7, 2], [0.5, 100])) == -1...100)
    }
}

@Suite struct Percentile {
    @Test func givesUpTheOutermostOfAHundredThousandOnEitherSide() {
        // A million values from -2 to 4: ten on either side may be lost, five are far away.
        let even = (0..<100_000).map { Float($0) * 6e-5 - 2 }
        var histogram = histogram([50, 60, 70, 80, 90, -50, -60])
        for _ in 0..<10 {
            _ = even.withUnsafeBufferPointer { histogram.count($0) }
        }
        let range = CalibrationMethod.percentile.range(for: histogram)
        // A bin is 1/16 wide.
        #expect(abs(range.upperBound - 4) < 0.0625)
        #expect(abs(range.lowerBound + 2) < 0.0625)
    }

    @Test func keepsZeroInRangeAndLosesNothingOfFewValues() {
        #expect(CalibrationMethod.percentile.range(for: histogram([0, 1, 2, 3])).lowerBound == 0)
        #expect(abs(CalibrationMethod.percentile.range(for: histogram([0, 1, 2, 3])).upperBound - 3) < 0.01)
    }
}

@Suite struct LeastSquareError {
    @Test func keepsTheWholeRangeOfEvenlySpreadValues() {
        var values = SampleValues(seed: 1)
        #expect(CalibrationMethod.mse.range(for: histogram(values.array(20_000))).upperBound > 0.98)
    }

    @Test("Cuts off a single far value for finer steps, on either side", arguments: [1, -1] as [Float])
    func cutsOffAFarValue(sign: Float) {
        var values = SampleValues(seed: 2)
        var histogram = ActivationHistogram()
        let near = values.array(20_000, in: 0...7).map { $0 * sign }
        for _ in 0..<20 {
            _ = near.withUnsafeBufferPointer { histogram.count($0) }
        }
        _ = [14 * sign].withUnsafeBufferPointer { histogram.count($0) }
        // The error of cutting at c is (14 - c)^2 + 400,000 c^2 / 255^2 / 12, least at 9.3.
        let best = CalibrationMethod.mse.range(for: histogram)
        #expect((8.9...9.7).contains(max(best.upperBound, -best.lowerBound)))
    }

    @Test func isNotWeighedOnByZeros() {
        var values = SampleValues(seed: 3)
        let positive = values.array(1000, in: 0...3) + [5]
        let many = histogram(positive, [Float](repeating: 0, count: 100_000))
        let few = CalibrationMethod.mse.range(for: histogram(positive))
        #expect(few.upperBound == CalibrationMethod.mse.range(for: many).upperBound)
    }
}

@Suite struct LeastLossOfInformation {
    @Test func keepsTheWholeRangeOfEvenlySpreadValues() {
        var values = SampleValues(seed: 4)
        #expect(CalibrationMethod.entropy.range(for: histogram(values.array(200_000, in: 0...1))).upperBound > 0.9)
    }

    @Test func cutsOffTheFarTailAndKeepsTheBody() {
        let body = normalValues(200_000, seed: 5).map(abs)
        let range = CalibrationMethod.entropy.range(for: histogram(body, [40, 41, 42]))
        #expect((3...20).contains(range.upperBound))
    }
}

@Test func equalValuesDoNotMakeTheLossOfInformationCutOffTheOthers() {
    // Half of the values are the same, as where a channel sees an empty background.
    let spread = normalValues(100_000, seed: 8).map(abs)
    let range = CalibrationMethod.entropy.range(
        for: histogram(spread, [Float](repeating: 0.33, count: 100_000)))
    #expect(range.upperBound > 2.5)
}

/// A layer that reads a tensor of two channels: one wide, which it hardly weighs, and one narrow, which it multiplies by 100.
private func lopsidedGraph() throws -> FloatGraph {
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 4, width: 4))
    func convolution(_ inputs: Int, _ weights: [Float]) -> Operation {
        let outputs = weights.count / inputs
        return .convolution(
            Convolution(
                inputChannels: inputs, outputChannels: outputs, window: Window(size: 1, stride: 1, padding: 0),
                weights: weights, bias: [Float](repeating: 0, count: outputs)))
    }
    let spread = try graph.append(convolution(3, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), graph.input, name: "spread")
    let weighed = try graph.append(convolution(4, [0.001, 100, 0, 0]), spread, name: "weighed")
    try graph.append(.globalAveragePool, weighed, name: "features")
    return graph
}

@Test func theAutomaticChoiceGoesByWhatTheNextLayerMakesOfATensor() throws {
    var values = SampleValues(seed: 6)
    // Channel 0 is far out in a quarter of the pixels, so that its square error rules out cutting; channel 1 is near 0.
    let images = (0..<8).map { _ in
        (0..<16).map { Float($0 % 4 == 0 ? 30 : 0) + values.next() } + values.array(16) + values.array(16)
    }
    let graph = try lopsidedGraph()
    let spread = graph[graph[graph.features].inputs[0]].inputs[0]
    func chosen(_ method: CalibrationMethod) throws -> CalibratedRange {
        try calibrate(graph, values: [graph.input, spread], images: CalibrationImages(images), method: method) { _ in }
            .ranges[spread]!
    }
    let mse = try chosen(.mse)
    let automatic = try chosen(.auto)
    #expect(mse.chosen.upperBound > 28)
    #expect(automatic.method != .auto)
    for method in CalibrationMethod.simple {
        let range = try chosen(method)
        #expect(range.method == method)
        #expect(changeOfWeighed(range, images) >= changeOfWeighed(automatic, images) * 0.99)
    }
}

/// How far "weighed" is from its float values when "spread" alone is rounded, by the definition.
private func changeOfWeighed(_ range: CalibratedRange, _ images: [[Float]]) -> Double {
    let rounded = AffineQuantization(covering: range.chosen)
    var sum = 0.0
    for image in images {
        for pixel in 0..<16 {
            let error = [0, 1].map { channel in
                let value = Double(image[16 * channel + pixel])
                return rounded.rounded(value) - value
            }
            let change = 0.001 * error[0] + 100 * error[1]
            sum += change * change
        }
    }
    return sum
}

@Test func theAutomaticChoiceIsAtLeastAsGoodForTheFeaturesAsAnySingleMethod() throws {
    // Three layers of a normal distribution's tail, in which methods differ.
    var values = SampleValues(seed: 9)
    var graph = FloatGraph(input: FeatureShape(channels: 3, height: 8, width: 8))
    var value = graph.input
    for layer in 0..<3 {
        let inputs = graph[value].shape.channels
        let convolution = Convolution(
            inputChannels: inputs, outputChannels: 8, window: Window(size: 3, stride: 1, padding: 1),
            weights: values.array(8 * inputs * 9), bias: values.array(8))
        value = try graph.append(
            .relu, graph.append(.convolution(convolution), value, name: "\(layer)"), name: "\(layer).relu")
    }
    try graph.append(.globalAveragePool, value, name: "features")
    let images = (0..<8).map { seed in normalValues(192, seed: UInt64(100 + seed)) }
    let batch = Activations(shape: graph[graph.input].shape, images: images)
    let expected = graph.features(of: batch)
    let rounded = Set(graph.values.filter { graph[$0].name.hasSuffix("relu") })

    func featureError(_ method: CalibrationMethod) throws -> Double {
        let ranges = try calibrate(graph, values: rounded, images: CalibrationImages(images), method: method) { _ in }
            .ranges
        let found = graph.features(of: batch) { value, result in
            ranges[value].map { result.rounded(by: AffineQuantization(covering: $0.chosen)) }
        }
        return zip(found, expected).reduce(0) { $0 + squaredDistance($1.0, $1.1) }
    }
    let automatic = try featureError(.auto)
    #expect(automatic > 0)
    for method in CalibrationMethod.simple {
        #expect(try automatic <= featureError(method))
    }
}
