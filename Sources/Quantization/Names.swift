import ModelFormat

extension OperationKind {
    /// For people.
    public var name: String {
        switch self {
        case .convolution: "convolution"
        case .maxPool: "max pool"
        case .globalAveragePool: "global average pool"
        case .lookup: "look-up table"
        case .multiply: "product"
        case .averagePool: "average pool"
        }
    }
}

extension SectionKind: CaseIterable {
    public static let allCases: [SectionKind] = [
        .input, .plan, .weights, .parameters, .head, .classNames, .operationNames, .classCounts, .provenance,
    ]

    /// For people.
    public var name: String {
        switch self {
        case .input: "input"
        case .plan: "plan"
        case .weights: "weights"
        case .parameters: "parameters"
        case .head: "head"
        case .classNames: "class names"
        case .operationNames: "operation names"
        case .classCounts: "class counts"
        case .provenance: "provenance"
        }
    }
}
