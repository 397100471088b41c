import Foundation

/// The temperatures that make the probabilities of some labelled pictures say how often they are right: by each alpha, the one
/// under which the labels are likeliest. (Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.)
public struct TemperatureChoice: Encodable, Equatable, Sendable {
    /// Fewer pictures are too few.
    public static let leastImages = 100
    /// What is tried; multiples of 1/256, as temperatures are.
    private static let range = 13.0 / 256...20

    public struct Point: Encodable, Equatable, Sendable {
        public let alpha: Float
        /// A multiple of 1/256, so that the last bits of a processor's logarithm are in no file.
        public let temperature: Float
    }

    public let data: String
    public let images: Int
    /// In rising order of alpha, from 0 on.
    public let points: [Point]
    /// The alpha in use, at which both of these are: with a temperature of 1, and with one that was found on other halves of the
    /// pictures than those it is measured on.
    public let alpha: Float
    public let before: Reliability
    public let after: Reliability

    /// `plain` and `unit`, `[image][class]`, are the logits at alpha 0 and 1, between and beyond which logits lie on a line. `alphas`
    /// rise from 0.
    public init(plain: [[Float]], unit: [[Float]], labels: [Int], alphas: [Float], inUse alpha: Float, data: String) {
        let pictures = zip(zip(plain, unit), labels).map { LabelledLogits(plain: $0.0, unit: $0.1, label: $1) }
        self.data = data
        self.alpha = alpha
        images = pictures.count
        points = alphas.map { alpha in
            Point(
                alpha: alpha, temperature: Float((256 * Self.temperature(of: pictures, alpha: alpha)).rounded() / 256))
        }
        before = Reliability(pictures.map { $0.answer(alpha: alpha, temperature: 1) })
        let halves = Self.halves(of: pictures)
        let crossed = [(halves.0, halves.1), (halves.1, halves.0)].flatMap { fitted, measured in
            let temperature = Self.temperature(of: fitted, alpha: alpha)
            return measured.map { $0.answer(alpha: alpha, temperature: temperature) }
        }
        after = Reliability(crossed)
    }

    /// What the likelihood of the labels rises to and then falls from, in 1 / T one slope: found by halving.
    private static func temperature(of pictures: [LabelledLogits], alpha: Float) -> Double {
        var (low, high) = (log(range.lowerBound), log(range.upperBound))
        for _ in 0..<20 {
            let middle = (low + high) / 2
            // Colder is likelier as long as labels have higher logits than the probabilities expect.
            let slope = pictures.reduce(0) { $0 + $1.slope(alpha: alpha, temperature: exp(middle)) }
            if slope > 0 { high = middle } else { low = middle }
        }
        return exp((low + high) / 2)
    }

    /// Every other picture of each class.
    private static func halves(of pictures: [LabelledLogits]) -> ([LabelledLogits], [LabelledLogits]) {
        var seen: [Int: Int] = [:]
        var halves: ([LabelledLogits], [LabelledLogits]) = ([], [])
        for picture in pictures {
            seen[picture.label, default: 0] += 1
            if seen[picture.label]! % 2 == 1 { halves.0.append(picture) } else { halves.1.append(picture) }
        }
        return halves
    }

    /// At the alpha in use.
    public var temperature: Float {
        let above = points.firstIndex { $0.alpha >= alpha } ?? points.count - 1
        let (before, after) = (points[max(above - 1, 0)], points[above])
        guard after.alpha > before.alpha else { return after.temperature }
        let part = min((alpha - before.alpha) / (after.alpha - before.alpha), 1)
        return before.temperature + part * (after.temperature - before.temperature)
    }

    /// Where temperatures end at a bound of what is tried, so that likelier ones may lie beyond; nil where none does.
    public var bounds: String? {
        let found = [
            (Self.range.upperBound, "the most that is tried: probabilities may still be too sure"),
            (Self.range.lowerBound, "the least that is tried: probabilities may still be too unsure"),
        ].compactMap { bound, meaning -> String? in
            let ending = points.filter { Double($0.temperature) == bound }
            guard !ending.isEmpty else { return nil }
            let alphas = ending.map { String(format: "%g", $0.alpha) }.joined(separator: ", ")
            let place = ending.count == points.count ? "at every alpha" : "at alpha \(alphas)"
            return "\(place) it ends at \(String(format: "%.2f", bound)), \(meaning)"
        }
        return found.isEmpty ? nil : found.joined(separator: "; ")
    }

    /// One line.
    public var text: String {
        let change = after.error > before.error ? "rises" : "falls"
        let measured = String(
            format: "%.2f at alpha %g, by %d images of %@ the calibration error \(change) from %.1f %% to %.1f %%",
            temperature, alpha, images, data, 100 * before.error, 100 * after.error)
        return bounds.map { "\(measured); \($0)" } ?? measured
    }
}

/// The alphas that temperatures are found for: 0 to 3, or to twice `alpha` where that is more, in steps of a quarter.
public func temperatureAlphas(around alpha: Float) -> [Float] {
    (0...Int((4 * max(3, 2 * alpha)).rounded(.up))).map { Float($0) / 4 }
}

private struct LabelledLogits {
    let plain: [Float]
    let unit: [Float]
    let label: Int

    private func logits(_ alpha: Float) -> [Double] {
        zip(plain, unit).map { Double($0) + Double(alpha) * (Double($1) - Double($0)) }
    }

    private static func probabilities(_ logits: [Double], _ temperature: Double) -> [Double] {
        let most = logits.max()!
        let powers = logits.map { exp(($0 - most) / temperature) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    func answer(alpha: Float, temperature: Double) -> (probability: Double, isRight: Bool) {
        let probabilities = Self.probabilities(logits(alpha), temperature)
        let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
        return (probabilities[best], best == label)
    }

    /// The label's logit above the mean logit that the probabilities expect: the derivative of the label's log likelihood by 1 / T.
    func slope(alpha: Float, temperature: Double) -> Double {
        let logits = logits(alpha)
        let expected = zip(Self.probabilities(logits, temperature), logits).reduce(0) { $0 + $1.0 * $1.1 }
        return logits[label] - expected
    }
}
