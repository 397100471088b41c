import FloatGraph

/// What a tensor's values were on the calibration images, and the part of that range that its bytes shall cover.
public struct CalibratedRange: Encodable, Equatable, Sendable {
    public let observed: ClosedRange<Float>
    public let chosen: ClosedRange<Float>
}

/// What is known of some values of a graph after it has seen the calibration images.
struct Calibration {
    let ranges: [FloatGraph.Value: CalibratedRange]
    /// `[channels]`: the mean over images and pixels.
    let means: [FloatGraph.Value: [Double]]
}

/// Measures `values` by running the float graph over the images twice: for the extremes, and for histograms between
/// them. `progress` hears the fraction done.
func calibrate(
    _ graph: FloatGraph, values: Set<FloatGraph.Value>, images: [[Float]], progress: (Double) -> Void
) throws(QuantizationError) -> Calibration {
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
    var means: [FloatGraph.Value: [Double]] = [:]
    for (number, batch) in batches.enumerated() {
        _ = graph.features(of: batch) { value, activations in
            guard values.contains(value) else { return }
            histograms[value]!.count(activations.values)
            // Batches differ in size, so each weighs as its images.
            let weight = Double(activations.images) / Double(images.count)
            let known = means[value] ?? [Double](repeating: 0, count: activations.shape.channels)
            means[value] = zip(known, activations.channelMeans).map { $0 + weight * $1 }
        }
        progress(0.5 + Double(number + 1) / Double(2 * batches.count))
    }
    return Calibration(
        ranges: histograms.mapValues { CalibratedRange(observed: $0.range, chosen: $0.bestRange()) }, means: means)
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
