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
