import FloatGraph
import FloatKernels

/// The smallest and the largest value that a tensor took, and how often it took the values between.
///
/// The bins have equal widths, a power of two, and begin at multiples of it: a value that lies beyond them doubles the width,
/// which joins bins in pairs and loses nothing else. So one pass over the values is enough, and neither their order nor how
/// they were split among histograms that are then joined makes a difference. At least half of the bins of one sign
/// lie within the values' range. Zeros are not counted: every quantisation represents them exactly.
struct ActivationHistogram {
    /// Bins of one sign.
    private static let halfBins = 2048
    /// The smallest width; a tensor of smaller values is as good as 0.
    private static let leastExponent = -60

    /// From the smallest to the largest value, zeros included; nil before the first value.
    private(set) var range: ClosedRange<Float>?
    /// Bin b holds the values from (b - halfBins) * 2^exponent up to the next bin's.
    private var exponent = leastExponent
    private var counts = [Int64](repeating: 0, count: 2 * halfBins)

    /// Counts the values. False, and nothing is counted, where one is not finite.
    mutating func count(_ values: UnsafeBufferPointer<Float>) -> Bool {
        guard let base = values.baseAddress, !values.isEmpty else { return true }
        var (low, high) = (Float(0), Float(0))
        guard rb_f32_extremes(base, values.count, &low, &high) else { return false }
        extend(to: low...high)
        rb_f32_histogram(
            base, values.count, Float(sign: .plus, exponent: -exponent, significand: 1), Int32(Self.halfBins), &counts)
        return true
    }

    mutating func join(_ other: ActivationHistogram) {
        guard let range = other.range else { return }
        extend(to: range)
        var other = other
        other.widen(to: exponent)
        widen(to: other.exponent)
        for bin in counts.indices {
            counts[bin] += other.counts[bin]
        }
    }

    private mutating func extend(to more: ClosedRange<Float>) {
        range = range.map { min($0.lowerBound, more.lowerBound)...max($0.upperBound, more.upperBound) } ?? more
        // A magnitude below 2^(e + 1), e its exponent, is below 2^11 bins of width 2^(e - 10).
        let largest = max(more.upperBound.magnitude, more.lowerBound.magnitude)
        widen(to: largest > 0 ? max(Int(largest.exponent) - 10, Self.leastExponent) : exponent)
    }

    private mutating func widen(to wanted: Int) {
        while exponent < wanted {
            guard counts.contains(where: { $0 != 0 }) else {
                exponent = wanted
                return
            }
            var joined = [Int64](repeating: 0, count: counts.count)
            for bin in counts.indices {
                // Half of a bin number relative to zero, rounded down.
                joined[(bin - Self.halfBins) >> 1 + Self.halfBins] += counts[bin]
            }
            counts = joined
            exponent += 1
        }
    }

    /// Those that hold something, in rising order.
    struct Bins {
        /// Their middles, moved to the nearest of the extremes where they lie beyond it.
        var values: [Double] = []
        var counts: [Double] = []
    }

    var bins: Bins {
        var result = Bins()
        guard let range else { return result }
        let width = Double(sign: .plus, exponent: exponent, significand: 1)
        for bin in counts.indices where counts[bin] > 0 {
            let middle = (Double(bin - Self.halfBins) + 0.5) * width
            result.values.append(min(max(middle, Double(range.lowerBound)), Double(range.upperBound)))
            result.counts.append(Double(counts[bin]))
        }
        return result
    }
}
