import FloatGraph

/// The ranges that the default chooses, by measured error on a few of the images: for every tensor alone the range that changes
/// least what the next layers compute; or the ranges of one simple method, where all of them together change the features less.
/// Rounding errors average out on their way to the features, those of cut off values less, which no layer alone can see.
func automaticRanges(
    _ histograms: [FloatGraph.Value: ActivationHistogram], in graph: FloatGraph, images: CalibrationImages,
    progress: @escaping @Sendable (Double) -> Void
) throws -> [FloatGraph.Value: CalibratedRange] {
    let images = images.spread(over: imagesForChoice)
    let candidates = histograms.mapValues(distinctRanges)
    let errors = try consequences(of: candidates.mapValues { $0.map(\.quantization) }, in: graph, images: images) {
        progress($0 / 2)
    }
    let single = candidates.mapValues(\.first!).merging(
        errors.map { value, errors in
            (value, candidates[value]![errors.indices.min { errors[$0] < errors[$1] }!])
        }, uniquingKeysWith: { $1 })
    let choices =
        [single] + CalibrationMethod.simple.map { method in histograms.mapValues { CalibratedRange($0, by: method) } }
    let featureErrors = try featureErrors(of: choices, in: graph, images: images) { progress(0.5 + $0 / 2) }
    return choices[featureErrors.indices.min { featureErrors[$0] < featureErrors[$1] }!]
}

/// A few images tell ranges apart that differ at all: each has thousands of values of every tensor.
private let imagesForChoice = 16

extension CalibratedRange {
    fileprivate var quantization: AffineQuantization { AffineQuantization(covering: chosen) }
}

/// The ranges of the simple methods; those that agree are tried once.
private func distinctRanges(for histogram: ActivationHistogram) -> [CalibratedRange] {
    var found: [CalibratedRange] = []
    for range in CalibrationMethod.simple.map({ CalibratedRange(histogram, by: $0) }) {
        let (low, high) = (range.chosen.lowerBound, range.chosen.upperBound)
        let tolerance = (high - low) / 128
        let isKnown = found.contains {
            abs($0.chosen.upperBound - high) <= tolerance && abs($0.chosen.lowerBound - low) <= tolerance
        }
        if !isKnown {
            found.append(range)
        }
    }
    return found
}

/// For each choice of ranges: the squared distance of the features from the float network's when every tensor is rounded so.
private func featureErrors(
    of choices: [[FloatGraph.Value: CalibratedRange]], in graph: FloatGraph, images: CalibrationImages,
    progress: @escaping @Sendable (Double) -> Void
) throws -> [Double] {
    let quantizations = choices.map { $0.mapValues(\.quantization) }
    let batches = try images.mapBatches(through: graph, progress: progress) { batch in
        let expected = graph.features(of: batch)
        return quantizations.map { quantizations in
            let found = graph.features(of: batch) { value, result in
                quantizations[value].map { result.rounded(by: $0) }
            }
            return zip(found, expected).reduce(0) { $0 + squaredDistance($1.0, $1.1) }
        }
    }
    return choices.indices.map { choice in batches.reduce(0) { $0 + $1[choice] } }
}

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
