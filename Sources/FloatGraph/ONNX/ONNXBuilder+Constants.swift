import Checkpoint

// Constants, and what exporters compute from constants and from the shapes of values: targets of Reshape, numbers of Pad.
extension ONNXBuilder {
    /// The value of a node that depends on constants or on the shape of a value alone; nil for any other node.
    func folded(_ node: ONNXNode) throws(GraphError) -> Value? {
        switch node.operation {
        case "Constant": return .constant(try constantValue(node))
        case "Shape":
            guard node.attributes["start"] == nil, node.attributes["end"] == nil else {
                throw refusal(node, "only some of the sizes")
            }
            let sizes = shape(of: try value(node, 0))
            return .constant(Tensor(shape: [sizes.count], values: sizes.map(Float.init)))
        case "ConstantOfShape", "Cast", "Unsqueeze", "Squeeze", "Gather", "Concat", "Reshape", "Transpose", "Slice",
            "Identity", "Add", "Sub", "Mul", "Div":
            guard !node.inputs.isEmpty else { return nil }
            var tensors: [Tensor] = []
            for index in node.inputs.indices where has(node, index) {
                guard case .constant(let tensor) = try value(node, index) else { return nil }
                // Weights are not computed with. A tensor without numbers may have sizes beyond all counting.
                guard tensor.count <= Self.mostNumbers, tensor.shape.allSatisfy({ $0 <= Self.mostNumbers }) else {
                    return nil
                }
                tensors.append(tensor)
            }
            return .constant(try folded(node, tensors))
        default: return nil
        }
    }

    private static let mostNumbers = 64

    private func folded(_ node: ONNXNode, _ tensors: [Tensor]) throws(GraphError) -> Tensor {
        let values = tensors[0].values
        switch node.operation {
        case "Cast", "Identity": return tensors[0]
        case "Unsqueeze": return Tensor(shape: [values.count], values: values)
        case "Squeeze": return Tensor(shape: values.count == 1 ? [] : [values.count], values: values)
        case "ConstantOfShape":
            let count = values.reduce(1, *)
            guard (0...Float(Self.mostNumbers)).contains(count) else { throw refusal(node, "\(count) numbers") }
            var filling: Float = 0
            if case .tensor(let tensor)? = node.attributes["value"] { filling = tensor.first ?? 0 }
            return Tensor(shape: [Int(count)], values: [Float](repeating: filling, count: Int(count)))
        case "Concat":
            let joined = tensors.prefix(Self.mostNumbers).flatMap(\.values)
            return Tensor(shape: [joined.count], values: joined)
        case "Reshape": return Tensor(shape: try reshaped(node, tensors[0].shape), values: values)
        case "Transpose":
            guard tensors[0].shape.count == 2 else { throw refusal(node, "a constant of other than 2 dimensions") }
            let (rows, columns) = (tensors[0].shape[0], tensors[0].shape[1])
            return Tensor(
                shape: [columns, rows],
                values: (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } })
        case "Slice": return try sliced(node, tensors[0])
        case "Gather": return try gathered(node, tensors)
        default: return try computed(node, tensors)
        }
    }

    private func gathered(_ node: ONNXNode, _ tensors: [Tensor]) throws(GraphError) -> Tensor {
        guard tensors.count == 2, tensors[0].shape.count == 1 else { throw refusal(node, "not of a list of numbers") }
        let values = tensors[0].values
        var result: [Float] = []
        for index in tensors[1].values.map(Int.init(clamping:)) {
            let position = index < 0 ? index + values.count : index
            guard values.indices.contains(position) else { throw refusal(node, "index \(index) is out of range") }
            result.append(values[position])
        }
        return Tensor(shape: tensors[1].shape, values: result)
    }

    /// Along the first dimension, in steps of any sign.
    private func sliced(_ node: ONNXNode, _ tensor: Tensor) throws(GraphError) -> Tensor {
        let starts = try integers(node, "starts", orInput: 1) ?? []
        let ends = try integers(node, "ends", orInput: 2) ?? []
        let axes = try integers(node, "axes", orInput: 3) ?? [0]
        let steps = try integers(node, "steps", orInput: 4) ?? [1]
        guard starts.count == 1, ends.count == 1, axes == [0], steps.count == 1, steps[0] != 0,
            (-1 << 16...1 << 16).contains(steps[0]), let size = tensor.shape.first
        else { throw refusal(node, "of a constant along other than its first dimension") }
        func position(_ value: Int) -> Int {
            let limits = steps[0] > 0 ? 0...size : -1...size - 1
            return min(max(value < 0 ? value + size : value, limits.lowerBound), limits.upperBound)
        }
        let values = tensor.values
        let row = size == 0 ? 0 : values.count / size
        let rows = Array(stride(from: position(starts[0]), to: position(ends[0]), by: steps[0]))
        return Tensor(
            shape: [rows.count] + tensor.shape.dropFirst(),
            values: rows.flatMap { values[$0 * row..<($0 + 1) * row] })
    }

    private func computed(_ node: ONNXNode, _ tensors: [Tensor]) throws(GraphError) -> Tensor {
        guard tensors.count == 2, tensors[0].count == tensors[1].count || tensors.contains(where: { $0.count == 1 })
        else {
            throw refusal(node, "constants of different sizes")
        }
        // A single number meets every number of the other, of which there may be none.
        let spread = tensors[0].count == 1 && tensors[1].count != 1 ? tensors[1] : tensors[0]
        let (first, second) = (tensors[0].values, tensors[1].values)
        let values = (0..<spread.count).map { index in
            let (x, y) = (first[first.count == 1 ? 0 : index], second[second.count == 1 ? 0 : index])
            return switch node.operation {
            case "Add": x + y
            case "Sub": x - y
            case "Mul": x * y
            default: x / y
            }
        }
        return Tensor(shape: spread.shape, values: values)
    }

    private func constantValue(_ node: ONNXNode) throws(GraphError) -> Tensor {
        switch node.attributes["value"] ?? node.attributes["value_float"] ?? node.attributes["value_int"]
            ?? node.attributes["value_floats"] ?? node.attributes["value_ints"]
        {
        case .tensor(let tensor)?: return tensor
        case .float(let value)?: return Tensor(shape: [], values: [value])
        case .int(let value)?: return Tensor(shape: [], values: [Float(value)])
        case .floats(let values)?: return Tensor(shape: [values.count], values: values)
        case .ints(let values)?: return Tensor(shape: [values.count], values: values.map(Float.init))
        default: throw refusal(node, "not a constant of numbers")
        }
    }
}
