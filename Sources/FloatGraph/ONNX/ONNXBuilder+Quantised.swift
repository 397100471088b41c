import Checkpoint

// Files that are quantised already, in both forms that exporters write: operations on real numbers between QuantizeLinear and
// DequantizeLinear, and operations on bytes (QLinearConv). A value of bytes is the real numbers that they stand for.
extension ONNXBuilder {
    struct Bytes {
        let view: ONNXView
        let stated: StatedBytes
    }

    /// Whether the node is one of those that make or take bytes, and done.
    mutating func appendQuantised(_ node: ONNXNode) throws(GraphError) -> Bool {
        switch node.operation {
        case "QuantizeLinear":
            guard case .computed(let view) = try value(node, 0) else { return false }
            try define(node, try rounded(view, try stated(node, scale: 1), node))
        case "DequantizeLinear":
            guard let bytes = bytes[node.inputs.first ?? ""] else { return false }
            guard try stated(node, scale: 1) == bytes.stated else {
                throw refusal(node, "another scale or zero point than its input was quantised with")
            }
            try define(node.outputs[0], .computed(bytes.view), node)
        case "QLinearConv":
            let parts = try realParts(node, data: 0, weights: 3, bias: 8, axis: 0)
            try define(node, try rounded(convolution(parts), try stated(node, scale: 6), node))
        case "QLinearMatMul":
            let parts = try realParts(node, data: 0, weights: 3, bias: nil, axis: -1, operation: "MatMul")
            try define(node, try rounded(linearLayer(parts), try stated(node, scale: 6), node))
        case "com.microsoft.QGemm":
            let isTransposed = integer(node, "transB", default: 0) != 0
            let parts = try realParts(node, data: 0, weights: 3, bias: 6, axis: isTransposed ? 0 : 1, operation: "Gemm")
            let result = try linearLayer(parts)
            guard has(node, 7) else {
                try define(node.outputs[0], result, node)
                return true
            }
            try define(node, try rounded(result, try stated(node, scale: 7), node))
        case "com.microsoft.QLinearAdd", "com.microsoft.QLinearMul":
            let parts = try renamed(node, to: node.operation.hasSuffix("Add") ? "Add" : "Mul", inputs: [0, 3])
            try define(node, try rounded(arithmetic(parts), try stated(node, scale: 6), node))
        case "com.microsoft.QLinearGlobalAveragePool" where integer(node, "channels_last", default: 0) == 0:
            let parts = try renamed(node, to: "GlobalAveragePool", inputs: [0])
            let mean = try reduce(parts, .mean, axes: [2, 3], keepsDimensions: true)
            try define(node, try rounded(mean, try stated(node, scale: 3), node))
        case let name where Self.movingBytes.contains(name):
            guard let first = node.inputs.first, let bytes = bytes[first], let output = node.outputs.first else {
                return false
            }
            values[first] = .computed(bytes.view)
            defer { values[first] = nil }
            guard case .computed(let view) = try computed(node) else { throw refusal(node, "its input is no image") }
            self.bytes[output] = Bytes(view: view, stated: bytes.stated)
        default:
            return false
        }
        return true
    }

    /// Operations that change no number.
    private static let movingBytes: Set<String> = [
        "MaxPool", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Slice",
    ]

    private mutating func define(_ node: ONNXNode, _ result: Bytes) throws(GraphError) {
        guard let output = node.outputs.first, bytes.updateValue(result, forKey: output) == nil else {
            throw refusal(node, "its output has two sources")
        }
    }

    private mutating func rounded(
        _ value: Value, _ stated: StatedBytes, _ node: ONNXNode
    ) throws(GraphError) -> Bytes {
        guard case .computed(let view) = value else { throw refusal(node, "its input is a constant") }
        return try rounded(view, stated, node)
    }

    private mutating func rounded(
        _ view: ONNXView, _ stated: StatedBytes, _ node: ONNXNode
    ) throws(GraphError) -> Bytes {
        let value = try graph.append(.activation(.bytes(stated)), view.source, name: node.name)
        guard case .computed(let result) = like(view, value) else { throw refusal(node, "its input is no image") }
        return Bytes(view: result, stated: stated)
    }

    /// A node on the real numbers behind bytes, `[data, weights, bias]` of it constants but for the first: weights have scale and
    /// zero point behind them, and a bias is in units of both scales.
    private mutating func realParts(
        _ node: ONNXNode, data: Int, weights: Int, bias: Int?, axis: Int, operation: String = "Conv"
    ) throws(GraphError) -> ONNXNode {
        let scales = try numbers(node, weights + 1)
        let matrix = try dequantised(
            try constant(node, weights), scales: scales, zeroPoints: try numbers(node, weights + 2), axis: axis, node)
        let output = node.outputs.first ?? ""
        var inputs = [node.inputs[data], "\(output) weights"]
        values[inputs[1]] = .constant(matrix)
        if let bias, has(node, bias) {
            let unit = try stated(node, scale: data + 1).scale
            let integers = try numbers(node, bias)
            guard scales.count == 1 || scales.count == integers.count else {
                throw refusal(node, "\(scales.count) scales for \(integers.count) biases")
            }
            inputs.append("\(output) bias")
            values[inputs[2]] = .constant(
                Tensor(
                    shape: [integers.count],
                    values: integers.indices.map { integers[$0] * unit * scales[scales.count == 1 ? 0 : $0] }))
        }
        return try renamed(node, to: operation, inputs: [data], others: Array(inputs.dropFirst()))
    }

    /// The node as an operation on real numbers, of those of its inputs that are bytes.
    private mutating func renamed(
        _ node: ONNXNode, to operation: String, inputs: [Int], others: [String] = []
    ) throws(GraphError) -> ONNXNode {
        var names: [String] = []
        for input in inputs {
            guard has(node, input), let bytes = bytes[node.inputs[input]] else {
                throw refusal(node, "input \(input) is no value that was quantised before")
            }
            guard try stated(node, scale: input + 1) == bytes.stated else {
                throw refusal(node, "another scale or zero point than its input was quantised with")
            }
            let name = "\(node.inputs[input]) real"
            values[name] = .computed(bytes.view)
            names.append(name)
        }
        return ONNXNode(
            name: node.name, operation: operation, inputs: names + others, outputs: node.outputs,
            attributes: node.attributes)
    }

    /// Scale and zero point of activations, at two inputs that follow each other.
    private func stated(_ node: ONNXNode, scale: Int) throws(GraphError) -> StatedBytes {
        let scales = try numbers(node, scale)
        let zeroPoint = has(node, scale + 1) ? try constant(node, scale + 1) : nil
        let type = zeroPoint?.elementType ?? .uint8
        guard scales.count == 1, zeroPoint?.count ?? 1 == 1, type == .uint8 || type == .int8 else {
            throw refusal(node, "activations of other numbers than bytes, or of several scales")
        }
        let offset = Int(clamping: zeroPoint?.first ?? 0) + (type == .int8 ? 128 : 0)
        guard let bytes = StatedBytes(scale: scales[0], zeroPoint: offset) else {
            throw refusal(node, "a scale of \(scales[0]) and a zero point of \(offset)")
        }
        return bytes
    }

    /// Real numbers of a constant's integers.
    mutating func dequantisedConstant(_ node: ONNXNode) throws(GraphError) -> Value {
        let tensor = try constant(node, 0)
        let zeroPoints = has(node, 2) ? try numbers(node, 2) : [0]
        return .constant(
            try dequantised(
                tensor, scales: try numbers(node, 1), zeroPoints: zeroPoints,
                axis: integer(node, "axis", default: 1), node))
    }

    /// Integers of a constant's real numbers, as those of a network that was trained for them.
    mutating func quantisedConstant(_ node: ONNXNode) throws(GraphError) -> Value {
        let (tensor, scales) = (try constant(node, 0), try numbers(node, 1))
        let zeroPoint = has(node, 2) ? try constant(node, 2) : nil
        let lowest: Float = zeroPoint?.elementType == .int8 ? -128 : 0
        let offsets = try zeroPoint.map { _ throws(GraphError) in try numbers(node, 2) } ?? [0]
        let channel = try channels(
            of: tensor, scales.count, offsets.count, axis: integer(node, "axis", default: 1), node)
        let values = tensor.values.enumerated().map { index, value in
            let (scale, offset) = (
                scales[min(channel(index), scales.count - 1)], offsets[min(channel(index), offsets.count - 1)]
            )
            return min(max((value / scale).rounded(.toNearestOrEven) + offset, lowest), lowest + 255)
        }
        return .constant(Tensor(shape: tensor.shape, values: values, isInteger: true))
    }

    private mutating func dequantised(
        _ tensor: Tensor, scales: [Float], zeroPoints: [Float], axis: Int, _ node: ONNXNode
    ) throws(GraphError) -> Tensor {
        let channel = try channels(of: tensor, scales.count, zeroPoints.count, axis: axis, node)
        let values = tensor.values.enumerated().map { index, value in
            let channel = channel(index)
            return (value - zeroPoints[min(channel, zeroPoints.count - 1)]) * scales[min(channel, scales.count - 1)]
        }
        return Tensor(shape: tensor.shape, values: values)
    }

    /// The place along an axis of the number at an index, where scales or zero points are of places; else 0. Takes the tensor's
    /// numbers off those that may be computed.
    private mutating func channels(
        of tensor: Tensor, _ counts: Int..., axis: Int, _ node: ONNXNode
    ) throws(GraphError) -> (Int) -> Int {
        try spend(tensor.count, node)
        guard counts.contains(where: { $0 != 1 }) else { return { _ in 0 } }
        let axis = try self.axis(axis, of: tensor.shape.count, node)
        let size = tensor.shape[axis]
        // A tensor without numbers may have sizes beyond all counting.
        guard tensor.count > 0, counts.allSatisfy({ $0 == 1 || $0 == size }) else {
            throw refusal(node, "\(counts) scales and zero points for \(size) places of axis \(axis)")
        }
        let inner = tensor.shape[(axis + 1)...].reduce(1, *)
        return { $0 / inner % size }
    }
}
