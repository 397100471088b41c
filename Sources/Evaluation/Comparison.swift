/// The accuracy of one model in one number format, at one alpha.
public struct AccuracyRow: Sendable {
    public enum Numbers: String, Sendable {
        case float32
        case int8
    }

    public let numbers: Numbers
    public let alpha: Float
    public let accuracy: Accuracy

    public init(numbers: Numbers, alpha: Float, accuracy: Accuracy) {
        self.numbers = numbers
        self.alpha = alpha
        self.accuracy = accuracy
    }
}

/// What int8 may lose against float32, in points of accuracy.
public enum QuantizationLimits {
    public static let overall = 0.3
    public static let group = 1.0
}

/// What int8 changes at one alpha, in points of accuracy.
public struct AccuracyDifference: Sendable {
    public let alpha: Float
    public let overall: Double
    public let groups: [FrequencyGroup: Double]
    /// Of all pictures, and of those of each group's classes; nil where the single answers are not known.
    public let changes: PairedChanges?
    public let groupChanges: [FrequencyGroup: PairedChanges]

    /// Both rows are of one alpha.
    public init(
        float: AccuracyRow, int8: AccuracyRow, changes: PairedChanges? = nil,
        groupChanges: [FrequencyGroup: PairedChanges] = [:]
    ) {
        self.changes = changes
        self.groupChanges = groupChanges
        precondition(float.alpha == int8.alpha)
        alpha = float.alpha
        overall = int8.accuracy.overall - float.accuracy.overall
        groups = int8.accuracy.groups.merging(float.accuracy.groups) { $0 - $1 }
    }

    /// Whether int8 loses no more than the limits allow. The tolerance is for the rounding of percentages, of which the
    /// smallest step is that of one image.
    public var isWithinLimits: Bool {
        isOverallWithinLimits && groups.values.allSatisfy(Self.isGroupWithinLimits)
    }

    /// A loss beyond the limits counts where the pictures whose answer changed tell it from chance.
    public var verdict: QuantizationVerdict {
        guard !isWithinLimits else { return .within }
        let isTold =
            !isOverallWithinLimits && changes?.isLossTold ?? true
            || groups.contains { group, change in
                !Self.isGroupWithinLimits(change) && groupChanges[group]?.isLossTold ?? true
            }
        return isTold ? .beyond : .cannotBeTold
    }

    private var isOverallWithinLimits: Bool { -overall <= QuantizationLimits.overall + Self.tolerance }

    private static func isGroupWithinLimits(_ change: Double) -> Bool {
        -change <= QuantizationLimits.group + tolerance
    }

    private static let tolerance = 1e-9
}
