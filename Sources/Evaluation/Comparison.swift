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

    /// Both rows are of one alpha.
    public init(float: AccuracyRow, int8: AccuracyRow) {
        precondition(float.alpha == int8.alpha)
        alpha = float.alpha
        overall = int8.accuracy.overall - float.accuracy.overall
        groups = int8.accuracy.groups.merging(float.accuracy.groups) { $0 - $1 }
    }

    /// Whether int8 loses no more than the limits allow. The tolerance is for the rounding of percentages, of which the
    /// smallest step is that of one image.
    public var isWithinLimits: Bool {
        let tolerance = 1e-9
        return -overall <= QuantizationLimits.overall + tolerance
            && groups.values.allSatisfy { -$0 <= QuantizationLimits.group + tolerance }
    }
}
