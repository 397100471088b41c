import Checkpoint

// What moves values without computing, and what exporters compute from shapes.
extension ONNXBuilder {
    mutating func concat(_ node: ONNXNode) throws(GraphError) -> Value {
        var inputs: [FloatGraph.Value] = []
        for index in node.inputs.indices { inputs.append(try operand(node, index)) }
        let rank = shape(of: try value(node, 0)).count
        let axis = integer(node, "axis", default: 1)
        guard axis == 1 || axis == 1 - rank else {
            throw refusal(node, "it joins along axis \(axis), not the channels")
        }
        return try like(node, 0, try graph.append(.concat, inputs, name: node.name))
    }

    mutating func pad(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try image(node, 0)
        if case .string(let mode)? = node.attributes["mode"], mode != "constant" {
            throw refusal(node, "mode \(printable(mode)) instead of constant")
        }
        let filling = has(node, 2) ? try constant(node, 2).first ?? 0 : number(node, "value", default: 0)
        guard filling == 0, !has(node, 3) else {
            throw refusal(node, "it pads with other than zeros, or only some axes")
        }
        guard let pads = try integers(node, "pads", orInput: 1), pads.count == 8, pads[0] == 0, pads[4] == 0,
            pads.allSatisfy({ (-1 << 16...1 << 16).contains($0) })
        else { throw refusal(node, "pads, where eight numbers up to 65536 are taken, 0 for the images") }
        let shape = graph[input].shape
        let sizes = [shape.channels, shape.height, shape.width]
        let spans = (0..<3).map { axis in
            Selection.Span(start: -pads[axis + 1], count: sizes[axis] + pads[axis + 1] + pads[axis + 5])
        }
        let selection = Selection(channels: spans[0], y: spans[1], x: spans[2])
        return .image(try graph.append(.select(selection), input, name: node.name))
    }

    mutating func slice(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try operand(node, 0)
        let sizes = shape(of: try value(node, 0))
        var spans = sizes.map { Selection.Span(count: $0) }
        for (axis, span) in try spansOfSlice(node, sizes: sizes) { spans[axis] = span }
        guard spans[0] == Selection.Span(count: images) else { throw refusal(node, "it takes some of the images") }
        let one = Selection.Span(count: 1)
        let selection = Selection(
            channels: spans[1], y: spans.count > 2 ? spans[2] : one, x: spans.count > 2 ? spans[3] : one)
        return try like(node, 0, try graph.append(.select(selection), input, name: node.name))
    }

    /// Starts, ends, axes and steps, with everything counted from the front.
    private func spansOfSlice(_ node: ONNXNode, sizes: [Int]) throws(GraphError) -> [(axis: Int, span: Selection.Span)]
    {
        guard let starts = try integers(node, "starts", orInput: 1), let ends = try integers(node, "ends", orInput: 2)
        else { throw refusal(node, "starts or ends are missing") }
        let axes = try integers(node, "axes", orInput: 3) ?? Array(starts.indices)
        let steps = try integers(node, "steps", orInput: 4) ?? starts.map { _ in 1 }
        guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
            throw refusal(node, "starts, ends, axes and steps of different numbers")
        }
        var result: [(axis: Int, span: Selection.Span)] = []
        for index in starts.indices {
            let axis = axes[index] < 0 ? axes[index] + sizes.count : axes[index]
            guard sizes.indices.contains(axis), (1...1 << 16).contains(steps[index]) else {
                throw refusal(node, "axis \(axes[index]) in steps of \(steps[index])")
            }
            let size = sizes[axis]
            func position(_ value: Int) -> Int { min(max(value < 0 ? value + size : value, 0), size) }
            let (start, end) = (position(starts[index]), position(ends[index]))
            guard start < end else { throw refusal(node, "it takes nothing") }
            let count = (end - start + steps[index] - 1) / steps[index]
            result.append((axis, Selection.Span(start: start, count: count, step: steps[index])))
        }
        return result
    }

    mutating func flatten(_ node: ONNXNode) throws(GraphError) -> Value {
        let axis = integer(node, "axis", default: 1)
        switch try value(node, 0) {
        case .vector(let value) where axis == 1 || axis == -1: return .vector(value)
        case .image(let value) where axis == 1 || axis == -3: return .vector(try flattened(value, node))
        default: throw refusal(node, "along axis \(axis)")
        }
    }

    private mutating func flattened(_ value: FloatGraph.Value, _ node: ONNXNode) throws(GraphError) -> FloatGraph.Value
    {
        graph[value].shape.pixels == 1 ? value : try graph.append(.flatten, value, name: node.name)
    }

    /// To a vector, or to the image's own sizes; anything else would mix channels and pixels.
    mutating func reshape(_ node: ONNXNode) throws(GraphError) -> Value {
        let input = try value(node, 0)
        let sizes = shape(of: input)
        let resolved = try reshaped(node, sizes)
        let features = sizes.dropFirst().reduce(1, *)
        switch input {
        case .image(let value) where resolved == [images, features]: return .vector(try flattened(value, node))
        case .image where resolved == sizes, .vector where resolved == sizes: return input
        case .vector(let value) where resolved == sizes + [1, 1]: return .image(value)
        default: throw refusal(node, "from \(sizes) to \(resolved)")
        }
    }

    /// The sizes that a Reshape of a value of `sizes` gives.
    func reshaped(_ node: ONNXNode, _ sizes: [Int]) throws(GraphError) -> [Int] {
        guard let target = try integers(node, "shape", orInput: 1), target.count <= 8 else {
            throw refusal(node, "no shape of at most 8 sizes")
        }
        let copiesZero = integer(node, "allowzero", default: 0) == 0
        var resolved = target.enumerated().map { index, size in
            size == 0 && copiesZero && index < sizes.count ? sizes[index] : size
        }
        let total = sizes.reduce(1, *)
        if let open = resolved.firstIndex(of: -1) {
            let known = resolved.enumerated().reduce(into: 1) { product, size in
                if size.offset != open { product = product.multipliedReportingOverflow(by: size.element).partialValue }
            }
            guard known > 0, total % known == 0 else { throw refusal(node, "shape \(target) for \(sizes)") }
            resolved[open] = total / known
        }
        guard resolved.allSatisfy({ (0...total).contains($0) }),
            resolved.reduce(1, { min($0 * $1, total + 1) }) == total
        else { throw refusal(node, "from \(sizes) to \(target)") }
        return resolved
    }
}
