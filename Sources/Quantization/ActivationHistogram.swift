/// The smallest and the largest value that a tensor took, and how often it took the values between.
///
/// Zeros are not counted: every quantisation represents them exactly.
struct ActivationHistogram {
    private static let bins = 2048

    /// From the smallest to the largest value.
    let range: ClosedRange<Float>
    private var counts = [Int](repeating: 0, count: bins)

    init(range: ClosedRange<Float>) {
        self.range = range
    }

    private var binWidth: Double { (Double(range.upperBound) - Double(range.lowerBound)) / Double(Self.bins) }

    mutating func count(_ values: [Float]) {
        let low = range.lowerBound
        guard range.upperBound > low else { return }
        let perUnit = Float(1 / binWidth)
        counts.withUnsafeMutableBufferPointer { counts in
            values.withUnsafeBufferPointer { values in
                for value in values where value != 0 {
                    counts[min(max(Int((value - low) * perUnit), 0), Self.bins - 1)] += 1
                }
            }
        }
    }

    /// The range whose quantisation has the smallest mean square error on the counted values.
    ///
    /// The candidates are the full range shrunk towards 0, both ends alike, in steps of 2 %: what a narrower range loses
    /// on the few values outside it, it gains by finer steps for all the others.
    func bestRange() -> ClosedRange<Float> {
        let values = countedValues
        let candidates = stride(from: Float(1), through: 0.3, by: -0.02).map { factor in
            let candidate = range.lowerBound * factor...range.upperBound * factor
            return (range: candidate, error: squaredError(of: AffineQuantization(covering: candidate), on: values))
        }
        return candidates.min { $0.error < $1.error }!.range
    }

    /// The middles of the bins that hold something.
    private var countedValues: [(value: Double, count: Double)] {
        counts.indices.filter { counts[$0] > 0 }.map { bin in
            (Double(range.lowerBound) + (Double(bin) + 0.5) * binWidth, Double(counts[bin]))
        }
    }

    private func squaredError(
        of quantization: AffineQuantization, on values: [(value: Double, count: Double)]
    ) -> Double {
        var sum = 0.0
        for (value, count) in values {
            let error = value - quantization.rounded(value)
            sum += count * error * error
        }
        return sum
    }
}
