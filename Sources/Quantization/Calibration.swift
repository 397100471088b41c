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
    let share = method == .auto ? 0.7 : 1
    let (histograms, means) = try measure(graph, values: values, images: images) { progress(share * $0) }
    guard method == .auto else {
        return Calibration(
            ranges: histograms.mapValues { histogram in
                CalibratedRange(observed: histogram.range!, chosen: method.range(for: histogram), method: method)
            }, means: means)
    }
    let candidates = histograms.mapValues(distinctRanges)
    let errors = try consequences(
        of: candidates.mapValues { $0.map { AffineQuantization(covering: $0.chosen) } }, in: graph,
        images: images.spread(over: imagesForChoice)
    ) { progress(share + (1 - share) * $0) }
    let ranges = candidates.mapValues(\.first!).merging(
        errors.map { value, errors in
            (value, candidates[value]![errors.indices.min { errors[$0] < errors[$1] }!])
        }, uniquingKeysWith: { $1 })
    return Calibration(ranges: ranges, means: means)
}

/// A few images tell ranges apart that differ at all: each has thousands of values of every tensor.
private let imagesForChoice = 16

/// The ranges of the simple methods; those that agree are tried once.
private func distinctRanges(for histogram: ActivationHistogram) -> [CalibratedRange] {
    var found: [CalibratedRange] = []
    for method in CalibrationMethod.simple {
        let range = method.range(for: histogram)
        let extent = range.upperBound - range.lowerBound
        let isKnown = found.contains {
            abs($0.chosen.upperBound - range.upperBound) <= extent / 128
                && abs($0.chosen.lowerBound - range.lowerBound) <= extent / 128
        }
        if !isKnown {
            found.append(CalibratedRange(observed: histogram.range!, chosen: range, method: method))
        }
    }
    return found
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

// MARK: Choice by consequences

/// For each candidate of each value: how much the nodes that read the value change when it alone is rounded so, as the sum
/// over the nodes of squared change / squared result. A value that no node reads is left out.
private func consequences(
    of candidates: [FloatGraph.Value: [AffineQuantization]], in graph: FloatGraph, images: CalibrationImages,
    progress: @escaping @Sendable (Double) -> Void
) throws -> [FloatGraph.Value: [Double]] {
    struct Read: Hashable {
        let value: FloatGraph.Value
        let reader: FloatGraph.Value
    }
    struct Change {
        var noise: [Double]
        var signal = 0.0
    }
    let batches = try images.mapBatches(through: graph, progress: progress) { batch in
        var changes: [Read: Change] = [:]
        _ = graph.features(of: batch) { reader, inputs, result in
            for (place, value) in graph[reader].inputs.enumerated() {
                guard let candidates = candidates[value], candidates.count > 1 else { continue }
                changes[Read(value: value, reader: reader)] = Change(
                    noise: candidates.map { candidate in
                        var inputs = inputs
                        inputs[place] = inputs[place].rounded(by: candidate)
                        return squaredDistance(graph.result(of: reader, from: inputs).values, result.values)
                    }, signal: squaredNorm(result.values))
            }
        }
        return changes
    }
    var errors: [FloatGraph.Value: [Double]] = [:]
    for read in (batches.first?.keys.sorted { ($0.value.index, $0.reader.index) < ($1.value.index, $1.reader.index) })
        ?? []
    {
        let signal = batches.reduce(0) { $0 + $1[read]!.signal }
        guard signal > 0 else { continue }
        let known = errors[read.value] ?? [Double](repeating: 0, count: candidates[read.value]!.count)
        errors[read.value] = known.indices.map { candidate in
            known[candidate] + batches.reduce(0) { $0 + $1[read]!.noise[candidate] } / signal
        }
    }
    return errors
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
