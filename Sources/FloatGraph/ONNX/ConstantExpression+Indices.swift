import Checkpoint

// What moves, repeats, joins and sums up the numbers of constants.
extension ConstantExpression {
    func strides(of shape: [Int]) -> [Int] {
        var stride = 1
        return shape.reversed().map { size in
            defer { stride *= max(size, 1) }
            return stride
        }.reversed()
    }

    /// The numbers at `offset` plus the index in each dimension times its stride.
    func gathered(_ tensor: Tensor, _ shape: [Int], strides: [Int], offset: Int) -> Tensor {
        let values = tensor.values
        let indices = zip(shape, strides).reduce([offset]) { indices, step in
            indices.flatMap { index in (0..<step.0).map { index + $0 * step.1 } }
        }
        return Tensor(shape: shape, values: indices.map { values[$0] }, isInteger: tensor.isInteger)
    }

    func expanded(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let target = try input(1).values.map(Int.init(clamping:))
        let shape = try broadcast(tensor.shape, target)
        return spread(tensor, to: shape)
    }

    /// To a shape that it broadcasts to.
    func spread(_ tensor: Tensor, to shape: [Int]) -> Tensor {
        guard tensor.shape != shape else { return tensor }
        let missing = shape.count - tensor.shape.count
        let own = strides(of: tensor.shape)
        let steps = shape.indices.map { axis in
            axis < missing || tensor.shape[axis - missing] == 1 ? 0 : own[axis - missing]
        }
        return gathered(tensor, shape, strides: steps, offset: 0)
    }

    func broadcast(_ first: [Int], _ second: [Int]) throws(GraphError) -> [Int] {
        let count = max(first.count, second.count)
        guard count <= Self.mostDimensions else { throw refusal("more than \(Self.mostDimensions) dimensions") }
        var result: [Int] = []
        for axis in 0..<count {
            let a = axis < count - first.count ? 1 : first[axis - count + first.count]
            let b = axis < count - second.count ? 1 : second[axis - count + second.count]
            guard a == b || a == 1 || b == 1, a >= 0, b >= 0 else {
                throw refusal("constants of shapes \(first) and \(second)")
            }
            result.append(a == 1 ? b : a)
        }
        return result
    }

    func broadcastShape() throws(GraphError) -> [Int] {
        var shape: [Int] = []
        for index in inputs.indices { shape = try broadcast(shape, try input(index).shape) }
        return shape
    }

    func combined(_ function: (Float, Float) -> Float) throws(GraphError) -> Tensor {
        let shape = try broadcastShape()
        var result = spread(try input(0), to: shape)
        for index in inputs.indices.dropFirst() {
            let other = try input(index)
            let isInteger = result.isInteger && other.isInteger
            var values = zip(result.values, spread(other, to: shape).values).map(function)
            if isInteger, node.operation == "Div" { values = values.map { $0.rounded(.towardZero) } }
            result = Tensor(shape: shape, values: values, isInteger: isInteger || Self.truths.contains(node.operation))
        }
        return result
    }

    func chosen() throws(GraphError) -> Tensor {
        let shape = try broadcastShape()
        let condition = spread(try input(0), to: shape).values
        let (first, second) = (spread(try input(1), to: shape), spread(try input(2), to: shape))
        let values = zip(condition, zip(first.values, second.values)).map { $0 != 0 ? $1.0 : $1.1 }
        return Tensor(shape: shape, values: values, isInteger: first.isInteger)
    }

    func tiled(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let repeats = try input(1).values.map(Int.init(clamping:))
        guard repeats.count == tensor.shape.count, repeats.allSatisfy({ $0 >= 0 }) else {
            throw refusal("repeats \(repeats)")
        }
        let own = strides(of: tensor.shape)
        let sizes = zip(repeats, tensor.shape).flatMap { [$0, $1] }
        let whole = gathered(tensor, sizes, strides: own.flatMap { [0, $0] }, offset: 0)
        return reshaped(whole, zip(repeats, tensor.shape).map(*))
    }

    func sliced(_ tensor: Tensor) throws(GraphError) -> Tensor {
        guard let starts = integers("starts", orInput: 1), let ends = integers("ends", orInput: 2) else {
            throw refusal("starts or ends are missing")
        }
        let axes = integers("axes", orInput: 3) ?? Array(starts.indices)
        let steps = integers("steps", orInput: 4) ?? starts.map { _ in 1 }
        guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
            throw refusal("starts, ends, axes and steps of different numbers")
        }
        var (shape, strides, offset) = (tensor.shape, strides(of: tensor.shape), 0)
        for index in starts.indices {
            let axis = try axis(axes[index], of: tensor.shape.count)
            let (size, step) = (tensor.shape[axis], steps[index])
            guard step != 0, (-1 << 16...1 << 16).contains(step) else { throw refusal("steps of \(step)") }
            func position(_ value: Int) -> Int {
                let limits = step > 0 ? 0...size : -1...size - 1
                return min(max(value < 0 ? value + size : value, limits.lowerBound), limits.upperBound)
            }
            let positions = Array(stride(from: position(starts[index]), to: position(ends[index]), by: step))
            offset += (positions.first ?? 0) * strides[axis]
            shape[axis] = positions.count
            strides[axis] *= step
        }
        return gathered(tensor, shape, strides: strides, offset: offset)
    }

    func gathered(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let axis = try axis(integer("axis", default: 0), of: tensor.shape.count)
        let indices = try input(1)
        let (outer, inner) = (tensor.shape[..<axis].reduce(1, *), tensor.shape[(axis + 1)...].reduce(1, *))
        let size = tensor.shape[axis]
        var positions: [Int] = []
        for index in indices.values.map(Int.init(clamping:)) {
            let position = index < 0 ? index + size : index
            guard (0..<size).contains(position) else { throw refusal("index \(index) is out of range") }
            positions.append(position)
        }
        let rows = tensor.values.runs(of: max(inner, 1))
        var result: [Float] = []
        for row in 0..<outer {
            for position in positions where inner > 0 { result += rows[row * size + position] }
        }
        return Tensor(
            shape: tensor.shape[..<axis] + indices.shape + tensor.shape[(axis + 1)...], values: result,
            isInteger: tensor.isInteger)
    }

    /// Each number plus all before it along a dimension.
    func summedUp(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let axis = try axis(Int(clamping: try scalar(1)), of: tensor.shape.count)
        guard integer("exclusive", default: 0) == 0, integer("reverse", default: 0) == 0 else {
            throw refusal("from behind, or without the number itself")
        }
        let (inner, size) = (tensor.shape[(axis + 1)...].reduce(1, *), tensor.shape[axis])
        var values = tensor.values
        for index in values.indices where index / inner % size > 0 { values[index] += values[index - inner] }
        return Tensor(shape: tensor.shape, values: values, isInteger: tensor.isInteger)
    }

    /// With slices replaced: indices of the outermost dimensions, and what stands there then.
    func scattered(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let (indices, updates) = (try input(1), try input(2))
        guard let depth = indices.shape.last, (1...tensor.shape.count).contains(depth) else {
            throw refusal("indices of shape \(indices.shape)")
        }
        let strides = strides(of: tensor.shape)
        let slice = tensor.shape[depth...].reduce(1, *)
        guard updates.count == indices.count / depth * slice else { throw refusal("updates of shape \(updates.shape)") }
        var values = tensor.values
        let updated = updates.values
        for (number, index) in indices.values.map(Int.init(clamping:)).runs(of: depth).enumerated() {
            var start = 0
            for (axis, position) in index.enumerated() {
                let resolved = position < 0 ? position + tensor.shape[axis] : position
                guard (0..<tensor.shape[axis]).contains(resolved) else {
                    throw refusal("index \(position) is out of range")
                }
                start += resolved * strides[axis]
            }
            values.replaceSubrange(start..<start + slice, with: updated[number * slice..<(number + 1) * slice])
        }
        return Tensor(shape: tensor.shape, values: values, isInteger: tensor.isInteger)
    }

    func joined() throws(GraphError) -> Tensor {
        let first = try input(0)
        let axis = try axis(integer("axis", default: 0), of: first.shape.count)
        var shape = first.shape
        shape[axis] = 0
        var parts: [(values: [Float], row: Int)] = []
        for index in inputs.indices {
            let part = try input(index)
            var rest = part.shape
            guard rest.count == shape.count else { throw refusal("constants of different dimensions") }
            shape[axis] += part.shape[axis]
            rest[axis] = shape[axis]
            guard rest == shape else { throw refusal("constants of shapes \(first.shape) and \(part.shape)") }
            parts.append((part.values, part.shape[axis...].reduce(1, *)))
        }
        var values: [Float] = []
        for row in 0..<shape[..<axis].reduce(1, *) {
            for part in parts { values += part.values[row * part.row..<(row + 1) * part.row] }
        }
        return Tensor(shape: shape, values: values, isInteger: first.isInteger)
    }

    func reduced(_ function: ([Float]) -> Float) throws(GraphError) -> Tensor {
        let tensor = try input(0)
        var axes: Set<Int> = []
        for axis in integers("axes", orInput: 1) ?? [] { axes.insert(try self.axis(axis, of: tensor.shape.count)) }
        if axes.isEmpty {
            guard integer("noop_with_empty_axes", default: 0) == 0 else { return tensor }
            axes = Set(tensor.shape.indices)
        }
        let kept = tensor.shape.indices.filter { !axes.contains($0) }
        let strides = strides(of: tensor.shape)
        let order = kept + axes.sorted()
        let moved = gathered(tensor, order.map { tensor.shape[$0] }, strides: order.map { strides[$0] }, offset: 0)
        let run = axes.reduce(1) { $0 * tensor.shape[$1] }
        guard run > 0 else { throw refusal("a dimension of no numbers") }
        let values = moved.values.runs(of: run).map { function(Array($0)) }
        let shape =
            integer("keepdims", default: 1) != 0
            ? tensor.shape.indices.map { axes.contains($0) ? 1 : tensor.shape[$0] } : kept.map { tensor.shape[$0] }
        return Tensor(shape: shape, values: values, isInteger: tensor.isInteger)
    }
}
