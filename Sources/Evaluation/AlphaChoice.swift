/// The strength of the TDE adjustment that some labelled pictures speak for, and how.
public struct AlphaChoice: Encodable, Equatable, Sendable {
    public struct Point: Encodable, Equatable, Sendable {
        public let alpha: Float
        /// The mean of the classes' accuracies, %: every class counts alike, however many pictures it has.
        public let classMean: Double
    }

    /// The smallest alpha with the best mean.
    public let alpha: Float
    /// What the pictures were.
    public let data: String
    public let images: Int
    /// In rising order of alpha.
    public let curve: [Point]

    /// `predictions` are `[alpha][image]`, the alphas rising; at least one of both.
    public init(predictions: [[Int]], alphas: [Float], labels: [Int], data: String) {
        self.data = data
        images = labels.count
        curve = zip(alphas, predictions).map { alpha, predictions in
            let accuracies = classAccuracies(predictions: predictions, labels: labels).values
            return Point(alpha: alpha, classMean: accuracies.reduce(0) { $0 + $1.percent } / Double(accuracies.count))
        }
        // Sums of the same numbers in another order differ in their last bits.
        let best = curve.map(\.classMean).max()! - 1e-9
        alpha = curve.first { $0.classMean >= best }!.alpha
    }

    /// Whether the pictures can tell alphas apart: a network that knows them by heart is right at every alpha.
    public var isDecisive: Bool {
        let means = curve.map(\.classMean)
        return means.max()! - means.min()! > 0.5 && means[0] < 99
    }
}

/// The alphas of a sweep: 0 to 3, or to twice `alpha` where that is more, in steps of 0.1.
public func alphaSweep(around alpha: Float) -> [Float] {
    (0...Int((10 * max(3, 2 * alpha)).rounded(.up))).map { Float($0) / 10 }
}
