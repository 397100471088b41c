import Foundation

/// On which pictures int8 and float32 disagree about what is right: the two answers to each picture are a pair.
public struct PairedChanges: Equatable, Sendable {
    public let images: Int
    /// Right in float32 and wrong in int8.
    public let lost: Int
    /// Wrong in float32 and right in int8.
    public let gained: Int

    public init(images: Int, lost: Int, gained: Int) {
        self.images = images
        self.lost = lost
        self.gained = gained
    }

    /// Of the pictures whose label `counts`.
    init(float: [Int], int8: [Int], labels: [Int], counts: (Int) -> Bool = { _ in true }) {
        var (images, lost, gained) = (0, 0, 0)
        for (index, label) in labels.enumerated() where counts(label) {
            images += 1
            lost += float[index] == label && int8[index] != label ? 1 : 0
            gained += float[index] != label && int8[index] == label ? 1 : 0
        }
        self.init(images: images, lost: lost, gained: gained)
    }

    /// The probability of a split as uneven as this one or more, if int8 lost as often as it gained: McNemar's test in its exact
    /// form, the binomial test of `lost` out of all that changed, two-sided.
    public var probabilityOfChance: Double {
        let changed = lost + gained
        guard changed > 0 else { return 1 }
        let most = max(lost, gained)
        var tail = 0.0
        for count in most...changed {
            let logOfChoices = logOfFactorial(changed) - logOfFactorial(count) - logOfFactorial(changed - count)
            tail += exp(logOfChoices - log(2) * Double(changed))
        }
        return min(2 * tail, 1)
    }

    /// Whether more is lost than chance explains, at the usual level of 5 %.
    public var isLossTold: Bool { lost > gained && probabilityOfChance < 0.05 }

    /// In points of accuracy: the range that holds the true difference with a probability of 95 %, by the normal approximation
    /// of the difference of paired proportions.
    public var interval: ClosedRange<Double> {
        let (n, difference) = (Double(images), Double(gained - lost))
        guard n > 0 else { return 0...0 }
        let deviation = (Double(gained + lost) - difference * difference / n).squareRoot() / n
        let half = 1.96 * deviation
        return 100 * (difference / n - half)...100 * (difference / n + half)
    }
}

private func logOfFactorial(_ number: Int) -> Double {
    lgamma(Double(number + 1))
}

/// What can be said about int8 and its limits.
public enum QuantizationVerdict: String, Sendable {
    /// It loses no more than the limits allow.
    case within = "yes"
    /// It loses more.
    case beyond = "NO"
    /// It loses more on these pictures, but so few of them changed that it may be chance.
    case cannotBeTold = "no loss can be told"
}
