/// A size that numbers of an untrusted file make. Once a part is negative, or a sum or product does not fit, it stays
/// beyond every limit, so that nothing needs a check but what the size is used for.
public struct CheckedSize: Equatable, Sendable {
    /// nil where the size is beyond all counting.
    public let value: Int?

    public init(_ value: Int) {
        self.value = value < 0 ? nil : value
    }

    private init(_ result: (partialValue: Int, overflow: Bool)?) {
        value = result.flatMap { $0.overflow ? nil : $0.partialValue }
    }

    /// A zero anywhere makes a product zero, whatever the other factors are, but for negative ones.
    public init(productOf factors: some Sequence<Int>) {
        let sizes = factors.map { CheckedSize($0) }
        let hasZero = sizes.contains { $0.value == 0 } && sizes.allSatisfy { $0.value != nil }
        self = hasZero ? CheckedSize(0) : sizes.reduce(CheckedSize(1), *)
    }

    public static func + (left: CheckedSize, right: CheckedSize) -> CheckedSize {
        guard let a = left.value, let b = right.value else { return CheckedSize(nil) }
        return CheckedSize(a.addingReportingOverflow(b))
    }

    public static func * (left: CheckedSize, right: CheckedSize) -> CheckedSize {
        guard let a = left.value, let b = right.value else { return CheckedSize(nil) }
        return CheckedSize(a.multipliedReportingOverflow(by: b))
    }

    public static func <= (left: CheckedSize, limit: Int) -> Bool {
        left.value.map { $0 <= limit } ?? false
    }

    public static func == (left: CheckedSize, right: Int) -> Bool { left.value == right }
}
