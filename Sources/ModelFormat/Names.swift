// What operations and sections are called wherever people read of them.

extension OperationKind {
    public var name: StaticString {
        switch self {
        case .convolution: "convolution"
        case .maxPool: "max pool"
        case .globalAveragePool: "global average pool"
        case .lookup: "look-up table"
        case .multiply: "product"
        case .averagePool: "average pool"
        case .constant: "constant"
        case .rearrange: "rearrangement"
        case .resample: "resampling"
        case .softmax: "softmax"
        case .layerNorm: "layer norm"
        case .l2Norm: "L2 norm"
        case .matrixProduct: "matrix product"
        }
    }
}

extension SectionKind {
    public var name: StaticString {
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
        case .judging: "judging"
        }
    }
}
