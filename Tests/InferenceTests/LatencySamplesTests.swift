import Inference
import Testing
import TinyModel

@Suite struct LatencyStatistics {
    private func percentiles(_ samples: [UInt64], _ fractions: [Double]) -> [UInt64] {
        var memory = samples
        return memory.withUnsafeMutableBufferPointer { buffer in
            var statistics = LatencySamples(memory: buffer)
            for sample in samples {
                statistics.add(nanoseconds: sample)
            }
            return fractions.map { statistics.percentile($0) }
        }
    }

    @Test func areTheNearestRanks() {
        #expect(percentiles([30, 10, 20, 40], [0, 0.25, 0.5, 0.75, 0.76, 1]) == [10, 10, 20, 30, 40, 40])
        #expect(percentiles([7], [0, 0.5, 1]) == [7, 7, 7])
    }

    @Test func holdForAnyOrderOfManySamples() {
        var numbers = NumberSequence(seed: 5)
        let samples = (0..<1000).map { _ in UInt64(numbers.next(in: 0...300)) }
        let sorted = samples.sorted()
        #expect(percentiles(samples, [0.001, 0.5, 0.9, 0.999, 1]) == [0, 499, 899, 998, 999].map { sorted[$0] })
    }
}
