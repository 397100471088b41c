import Checkpoint

// Constants, and what exporters compute from constants and from the shapes of values: targets of Reshape, numbers of Pad, norms
// of weights.
extension ONNXBuilder {
    /// However small the file is, so much may be computed from its constants, and so much more for each of its numbers.
    static let leastNumbersToFold = 1 << 20
    static let foldedNumbers = 16

    /// The value of a node that depends on constants or on the shape of a value alone; nil for any other node.
    mutating func folded(_ node: ONNXNode) throws(GraphError) -> Value? {
        switch node.operation {
        case "Constant": return .constant(try constantValue(node))
        case "Shape": return .constant(try sizes(node))
        case "Size":
            let count = shape(of: try value(node, 0)).reduce(1, *)
            return .constant(Tensor(shape: [], values: [Float(count)], isInteger: true))
        case let name where ConstantExpression.isKnown(name):
            guard let tensors = try constants(of: node) else { return nil }
            let expression = ConstantExpression(node, tensors, model.operatorSet)
            let numbers = (tensors + [nil]).reduce(0) { $0 + ($1?.count ?? 0) } + (try expression.resultCount())
            try spend(numbers, node)
            return .constant(try expression.value())
        default: return nil
        }
    }

    /// Takes numbers that are about to be computed off those that may be.
    mutating func spend(_ numbers: Int, _ node: ONNXNode) throws(GraphError) {
        guard numbers <= numbersToFold else {
            throw refusal(
                node, "it computes with more constants than the file justifies; export it with constant folding")
        }
        numbersToFold -= numbers
    }

    /// The inputs of a node, nil for one that is left out; nil where one is no constant.
    func constants(of node: ONNXNode) throws(GraphError) -> [Tensor?]? {
        guard !node.inputs.isEmpty else { return nil }
        var tensors: [Tensor?] = []
        for index in node.inputs.indices {
            guard has(node, index) else {
                tensors.append(nil)
                continue
            }
            guard case .constant(let tensor) = try value(node, index) else { return nil }
            // A tensor without numbers may have sizes beyond all counting.
            guard tensor.count > 0 || tensor.shape.allSatisfy({ $0 <= 1 << 16 }) else {
                throw refusal(node, "a constant of shape \(tensor.shape)")
            }
            tensors.append(tensor)
        }
        return tensors
    }

    private func sizes(_ node: ONNXNode) throws(GraphError) -> Tensor {
        let sizes = shape(of: try value(node, 0))
        func position(_ name: String, default standard: Int) -> Int {
            let value = integer(node, name, default: standard)
            return min(max(value < 0 ? value + sizes.count : value, 0), sizes.count)
        }
        let (start, end) = (position("start", default: 0), position("end", default: sizes.count))
        let part = start < end ? Array(sizes[start..<end]) : []
        return Tensor(shape: [part.count], values: part.map(Float.init), isInteger: true)
    }

    private func constantValue(_ node: ONNXNode) throws(GraphError) -> Tensor {
        switch node.attributes["value"] ?? node.attributes["value_float"] ?? node.attributes["value_int"]
            ?? node.attributes["value_floats"] ?? node.attributes["value_ints"]
        {
        case .tensor(let tensor)?: return tensor
        case .float(let value)?: return Tensor(shape: [], values: [value])
        case .int(let value)?: return Tensor(shape: [], values: [Float(value)], isInteger: true)
        case .floats(let values)?: return Tensor(shape: [values.count], values: values)
        case .ints(let values)?: return Tensor(shape: [values.count], values: values.map(Float.init), isInteger: true)
        default: throw refusal(node, "not a constant of numbers")
        }
    }
}
