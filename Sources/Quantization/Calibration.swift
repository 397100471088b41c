import FloatGraph

/// What a tensor's values were on the calibration images, and the part of that range that its bytes shall cover.
public struct CalibratedRange: Encodable, Equatable, Sendable {
    public let observed: ClosedRange<Float>
    public let chosen: ClosedRange<Float>
}

/// Chooses a range for each of `values`, by running the float graph over the images twice: for the extremes, and for
/// histograms between them. `progress` hears the fraction done.
func calibrate(
    _ graph: FloatGraph, values: Set<FloatGraph.Value>, images: [[Float]], progress: (Double) -> Void
) throws(QuantizationError) -> [FloatGraph.Value: CalibratedRange] {
    let shape = graph[graph.input].shape
    let batches = stride(from: 0, to: images.count, by: 16).map {
        Activations(shape: shape, images: Array(images[$0..<min($0 + 16, images.count)]))
    }
    guard !batches.isEmpty else { throw .noCalibrationImages }
    var extremes: [FloatGraph.Value: ClosedRange<Float>] = [:]
    var firstNotFinite: FloatGraph.Value?
    for (number, batch) in batches.enumerated() {
        _ = graph.features(of: batch) { value, activations in
            guard values.contains(value) else { return }
            guard let found = activations.values.extremes else {
                firstNotFinite = firstNotFinite ?? value
                return
            }
            let known = extremes[value] ?? found
            extremes[value] =
                min(known.lowerBound, found.lowerBound)...max(known.upperBound, found.upperBound)
        }
        if let value = firstNotFinite {
            throw .notFinite(layer: graph[value].name)
        }
        progress(Double(number + 1) / Double(2 * batches.count))
    }
    var histograms = extremes.mapValues(ActivationHistogram.init)
    for (number, batch) in batches.enumerated() {
        _ = graph.features(of: batch) { value, activations in
            histograms[value]?.count(activations.values)
        }
        progress(0.5 + Double(number + 1) / Double(2 * batches.count))
    }
    return histograms.mapValues { CalibratedRange(observed: $0.range, chosen: $0.bestRange()) }
}

extension [Float] {
    /// The range of the values; nil where one is not finite.
    fileprivate var extremes: ClosedRange<Float>? {
        withUnsafeBufferPointer { values in
            var (low, high) = (Float.infinity, -Float.infinity)
            for value in values {
                guard value.isFinite else { return nil }
                low = Swift.min(low, value)
                high = Swift.max(high, value)
            }
            return low...high
        }
    }
}
