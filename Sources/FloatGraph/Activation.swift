/// A function of one number, applied to every value of a tensor.
public enum Activation: Equatable, Sendable {
    /// min(max(x, low), high).
    case clip(low: Float, high: Float)

    public static let relu = Activation.clip(low: 0, high: .infinity)
    public static let relu6 = Activation.clip(low: 0, high: 6)
}

extension Operation {
    public static let relu = Operation.activation(.relu)
    public static let relu6 = Operation.activation(.relu6)
}
