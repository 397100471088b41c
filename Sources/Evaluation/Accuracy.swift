/// Classes by how many training images they had; the limits are those of the long-tail literature.
public enum FrequencyGroup: String, CaseIterable, Codable, Sendable {
    /// More than 100 training images.
    case many
    /// 20 to 100.
    case medium
    /// Fewer than 20.
    case few

    public init(trainingImages: Int) {
        self = trainingImages > 100 ? .many : trainingImages < 20 ? .few : .medium
    }
}

/// How often a model was right, in percent.
public struct Accuracy: Equatable, Sendable {
    /// Over all images.
    public let overall: Double
    /// The mean of the accuracies of a group's classes; a group without a class that has test images is left out.
    public let groups: [FrequencyGroup: Double]
    /// By class; a class without test images is left out.
    public let classes: [Int: ClassAccuracy]

    /// `predictions` and `labels` of the same images. Without `classCounts` there are no groups.
    public init(predictions: [Int], labels: [Int], classCounts: [Int]) {
        classes = classAccuracies(predictions: predictions, labels: labels)
        overall = 100 * Double(classes.values.reduce(0) { $0 + $1.right }) / Double(labels.count)
        var members: [FrequencyGroup: [Double]] = [:]
        for (label, count) in classCounts.enumerated() {
            guard let accuracy = classes[label] else { continue }
            members[FrequencyGroup(trainingImages: count), default: []].append(accuracy.percent)
        }
        groups = members.mapValues { $0.reduce(0, +) / Double($0.count) }
    }
}

/// How often the images of one class were recognised.
public struct ClassAccuracy: Equatable, Sendable {
    public var images = 0
    public var right = 0

    public var percent: Double { 100 * Double(right) / Double(images) }
}

/// Of every class that occurs in `labels`.
func classAccuracies(predictions: [Int], labels: [Int]) -> [Int: ClassAccuracy] {
    var classes: [Int: ClassAccuracy] = [:]
    for (prediction, label) in zip(predictions, labels) {
        classes[label, default: ClassAccuracy()].images += 1
        classes[label]!.right += prediction == label ? 1 : 0
    }
    return classes
}
