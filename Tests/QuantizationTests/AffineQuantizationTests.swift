import SampleNetworks
import Testing

@testable import Quantization

@Test(
    "Zero is exact and the range is covered but for half a step",
    arguments: [-1...1, 0...6, -6...0, -0.3...10, 2...3, -3 ... -2, 0...0, -1e-20...1e-20, -7...1e6]
        as [ClosedRange<Float>])
func zeroIsExact(range: ClosedRange<Float>) {
    let quantization = AffineQuantization(covering: range)
    #expect((0...255).contains(quantization.zeroPoint))
    #expect(quantization.rounded(0) == 0)
    for value in [range.lowerBound, range.upperBound] {
        #expect(abs(quantization.rounded(Double(value)) - Double(value)) <= Double(quantization.scale) * 0.5001)
    }
}

@Test func evenlySpreadValuesKeepTheirWholeRange() {
    var values = SampleValues(seed: 1)
    var histogram = ActivationHistogram(range: -1...1)
    histogram.count(values.array(20_000))
    #expect(histogram.bestRange().upperBound > 0.98)
}

@Test("A single far value is cut off for finer steps, on either side", arguments: [1, -1] as [Float])
func aFarValueIsCutOff(sign: Float) {
    var values = SampleValues(seed: 2)
    var histogram = ActivationHistogram(range: min(0, 14 * sign)...max(0, 14 * sign))
    let near = values.array(20_000, in: 0...7).map { $0 * sign }
    for _ in 0..<20 {
        histogram.count(near)
    }
    histogram.count([14 * sign])
    // The error of cutting at c is (14 - c)^2 + 400,000 c^2 / 255^2 / 12, least at 9.3.
    let best = histogram.bestRange()
    #expect((8.9...9.7).contains(max(best.upperBound, -best.lowerBound)))
}

@Test func zerosDoNotWeighOnTheChoice() {
    var values = SampleValues(seed: 3)
    let positive = values.array(1000, in: 0...3) + [5]
    var few = ActivationHistogram(range: 0...5)
    few.count(positive)
    var many = ActivationHistogram(range: 0...5)
    many.count(positive + [Float](repeating: 0, count: 100_000))
    #expect(few.bestRange() == many.bestRange())
}
