/// How often answers are right, by how probable they are said to be.
public struct Reliability: Encodable, Equatable, Sendable {
    /// Answers whose probability is in one of `binCount` equal parts of 0...1.
    public struct Bin: Encodable, Equatable, Sendable {
        public let images: Int
        /// Mean probability of the answers, and how many of them are right, 0...1.
        public let confidence: Double
        public let accuracy: Double
    }

    static let binCount = 15

    /// Rising; those without answers are left out.
    public let bins: [Bin]
    /// The expected calibration error: the bins' differences of confidence and accuracy, weighed by their answers, 0...1. (Naeini,
    /// Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.)
    public let error: Double

    /// Of answers with these probabilities.
    init(_ answers: [(probability: Double, isRight: Bool)]) {
        let parts = Dictionary(grouping: answers) {
            min(Int($0.probability * Double(Self.binCount)), Self.binCount - 1)
        }
        bins = parts.sorted { $0.key < $1.key }.map { _, answers in
            let count = Double(answers.count)
            return Bin(
                images: answers.count, confidence: answers.reduce(0) { $0 + $1.probability } / count,
                accuracy: Double(answers.filter(\.isRight).count) / count)
        }
        error = bins.reduce(0) { $0 + Double($1.images) / Double(answers.count) * abs($1.confidence - $1.accuracy) }
    }
}
