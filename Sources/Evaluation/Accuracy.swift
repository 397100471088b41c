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

    /// `predictions` and `labels` of the same images. Without `classCounts` there are no groups.
    public init(predictions: [Int], labels: [Int], classCounts: [Int]) {
        var images = [Int: Int]()
        var right = [Int: Int]()
        for (prediction, label) in zip(predictions, labels) {
            images[label, default: 0] += 1
            right[label, default: 0] += prediction == label ? 1 : 0
        }
        overall = 100 * Double(right.values.reduce(0, +)) / Double(labels.count)
        var members: [FrequencyGroup: [Double]] = [:]
        for (label, count) in classCounts.enumerated() {
            guard let images = images[label] else { continue }
            members[FrequencyGroup(trainingImages: count), default: []]
                .append(100 * Double(right[label] ?? 0) / Double(images))
        }
        groups = members.mapValues { $0.reduce(0, +) / Double($0.count) }
    }
}
