import FloatKernels

/// How the range that a tensor's bytes cover is chosen from the values it took.
public enum CalibrationMethod: String, CaseIterable, Codable, Sendable {
    /// Of the others, for each tensor the one whose rounding changes least what the next layers compute from it; or one of the
    /// others for all tensors, where that changes the features less.
    case auto
    /// All that was seen.
    case minMax = "min-max"
    /// All but the outermost 0.001 % of the values on either side, zeros not counted.
    case percentile
    /// The range whose rounding has the smallest mean square error.
    case mse
    /// The range whose rounding loses the least information, by Kullback-Leibler divergence, among those that keep 99.9 % of
    /// the values other than zero: divergence does not see how far a value is moved, and where many values are equal it
    /// would cut off most of the others to keep those apart.
    case entropy

    /// The order in which `auto` tries them; of equals the first wins.
    static let simple: [CalibrationMethod] = [.mse, .minMax, .percentile, .entropy]

    /// The share of the values that `percentile` gives up on either side.
    static let outlierShare = 1e-5

    /// The range for a histogram that has seen values; not for `auto`, which needs more than a histogram.
    func range(for histogram: ActivationHistogram) -> ClosedRange<Float> {
        let observed = histogram.range!
        let bins = histogram.bins
        guard !bins.values.isEmpty else { return observed }
        switch self {
        case .auto, .minMax:
            return observed
        case .percentile:
            return centralRange(of: bins, within: observed)
        case .mse:
            return best(shrinking: observed) { AffineQuantization(covering: $0).squaredError(on: bins) }
        case .entropy:
            return best(shrinking: observed) { range in
                let isKept = bins.share(outside: range) <= 1e-3
                return isKept ? AffineQuantization(covering: range).divergence(on: bins) : .infinity
            }
        }
    }
}

/// The candidates are the full range shrunk towards 0, both ends alike, in steps of 2 %: what a narrower range loses on the
/// few values outside it, it gains by finer steps for all the others.
private func best(
    shrinking observed: ClosedRange<Float>, error: (ClosedRange<Float>) -> Double
) -> ClosedRange<Float> {
    let candidates = stride(from: Float(1), through: 0.2, by: -0.02).map { factor in
        let candidate = observed.lowerBound * factor...observed.upperBound * factor
        return (range: candidate, error: error(candidate))
    }
    return candidates.min { $0.error < $1.error }!.range
}

/// The bins without the outermost ones that together hold at most the share of outliers, on either side.
private func centralRange(
    of bins: ActivationHistogram.Bins, within observed: ClosedRange<Float>
) -> ClosedRange<Float> {
    let allowed = CalibrationMethod.outlierShare * bins.counts.reduce(0, +)
    func end(_ indices: some Sequence<Int>) -> Float {
        var passed = 0.0
        for index in indices {
            passed += bins.counts[index]
            if passed > allowed {
                return Float(bins.values[index])
            }
        }
        return 0
    }
    let (low, high) = (min(end(bins.values.indices), 0), max(end(bins.values.indices.reversed()), 0))
    return max(low, min(observed.lowerBound, 0))...min(high, max(observed.upperBound, 0))
}

extension ActivationHistogram.Bins {
    fileprivate func share(outside range: ClosedRange<Float>) -> Double {
        let (low, high) = (Double(min(range.lowerBound, 0)), Double(max(range.upperBound, 0)))
        let outside = values.indices.reduce(0) { $0 + (low...high ~= values[$1] ? 0 : counts[$1]) }
        return outside / counts.reduce(0, +)
    }
}

extension AffineQuantization {
    fileprivate func squaredError(on bins: ActivationHistogram.Bins) -> Double {
        rb_histogram_squared_error(bins.values, bins.counts, bins.values.count, Double(scale), Int32(zeroPoint))
    }

    /// In nats; see float_kernels.h.
    fileprivate func divergence(on bins: ActivationHistogram.Bins) -> Double {
        rb_histogram_divergence(bins.values, bins.counts, bins.values.count, Double(scale), Int32(zeroPoint))
    }
}
