import FloatGraph
import FloatKernels
import Synchronization

/// What a tensor's values were on the calibration images, and the part of that range that its bytes shall cover.
public struct CalibratedRange: Encodable, Equatable, Sendable {
    public let observed: ClosedRange<Float>
    public let chosen: ClosedRange<Float>
    /// What chose it; never `auto`.
    public let method: CalibrationMethod
}

/// What is known of some values of a graph after it has seen the calibration images.
struct Calibration {
    let ranges: [FloatGraph.Value: CalibratedRange]
    /// `[channels]`: the mean over images and pixels.
    let means: [FloatGraph.Value: [Double]]
}

/// Measures `values` by running the float graph over the images, batch by batch, and chooses their ranges by `method`.
/// `progress` hears the fraction done, from any thread. Throws `QuantizationError` and what the images' loader throws.
func calibrate(
    _ graph: FloatGraph, values: Set<FloatGraph.Value>, images: CalibrationImages, method: CalibrationMethod,
    progress: @escaping @Sendable (Double) -> Void
) throws -> Calibration {
    guard images.count > 0 else { throw QuantizationError.noCalibrationImages }
    let share = method == .auto ? 0.6 : 1
    let (histograms, means) = try measure(graph, values: values, images: images) { progress(share * $0) }
    let ranges =
        method == .auto
        ? try automaticRanges(histograms, in: graph, images: images) { progress(share + (1 - share) * $0) }
        : histograms.mapValues { CalibratedRange($0, by: method) }
    return Calibration(ranges: ranges, means: means)
}

extension CalibratedRange {
    init(_ histogram: ActivationHistogram, by method: CalibrationMethod) {
        self.init(observed: histogram.range!, chosen: method.range(for: histogram), method: method)
    }
}

// MARK: Statistics

private typealias Histograms = [FloatGraph.Value: ActivationHistogram]

/// Histograms and channel means of values, in one pass.
private func measure(
    _ graph: FloatGraph, values: Set<FloatGraph.Value>, images: CalibrationImages,
    progress: @escaping @Sendable (Double) -> Void
) throws -> (histograms: [FloatGraph.Value: ActivationHistogram], means: [FloatGraph.Value: [Double]]) {
    let joined = Mutex<Histograms>([:])
    let batches = try images.mapBatches(through: graph, progress: progress) { batch in
        var histograms: Histograms = [:]
        var sums: [FloatGraph.Value: [Double]] = [:]
        var firstNotFinite: FloatGraph.Value?
        _ = graph.features(of: batch) { value, _, result in
            guard values.contains(value) else { return }
            sums[value] = result.channelSums
            if !result.values.withUnsafeBufferPointer({ histograms[value, default: ActivationHistogram()].count($0) }) {
                firstNotFinite = firstNotFinite ?? value
            }
        }
        if let value = firstNotFinite {
            throw QuantizationError.notFinite(layer: graph[value].name)
        }
        joined.withLock { joined in
            for (value, histogram) in histograms {
                joined[value, default: ActivationHistogram()].join(histogram)
            }
        }
        return sums
    }
    var means: [FloatGraph.Value: [Double]] = [:]
    for value in values {
        let shape = graph[value].shape
        var sums = [Double](repeating: 0, count: shape.channels)
        for batch in batches {
            for (channel, sum) in batch[value]!.enumerated() {
                sums[channel] += sum
            }
        }
        means[value] = sums.map { $0 / Double(images.count * shape.height * shape.width) }
    }
    return (joined.withLock { $0 }, means)
}

extension Activations {
    /// Every value replaced by the nearest that a byte can stand for.
    func rounded(by quantization: AffineQuantization) -> Activations {
        changed {
            rb_f32_round_to_bytes($0.baseAddress!, $0.count, quantization.scale, Int32(quantization.zeroPoint))
        }
    }
}

func squaredDistance(_ a: [Float], _ b: [Float]) -> Double {
    rb_f32_squared_distance(a, b, a.count)
}

func squaredNorm(_ values: [Float]) -> Double {
    rb_f32_squared_norm(values, values.count)
}
