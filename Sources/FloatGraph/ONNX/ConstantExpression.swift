import Checkpoint
import Foundation

/// A node whose inputs are constants, which is a constant itself. What it does follows ONNX's operators, for numbers of any
/// number of dimensions.
struct ConstantExpression {
    let node: ONNXNode
    /// nil for one that is left out.
    let inputs: [Tensor?]
    let operatorSet: Int

    init(_ node: ONNXNode, _ inputs: [Tensor?], _ operatorSet: Int) {
        self.node = node
        self.inputs = inputs
        self.operatorSet = operatorSet
    }

    static func isKnown(_ operation: String) -> Bool {
        movements.contains(operation) || unary[operation] != nil || binary[operation] != nil
            || reductions[operation] != nil
    }

    private static let movements: Set<String> = [
        "Cast", "CastLike", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Slice", "Gather",
        "Concat",
        "Expand", "Tile", "ConstantOfShape", "Range", "Where", "Clip",
        "CumSum", "ScatterND",
    ]

    private static let unary: [String: @Sendable (Float) -> Float] = [
        "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) }, "Round": { $0.rounded(.toNearestOrEven) },
        "Neg": { -$0 }, "Abs": { Swift.abs($0) }, "Sqrt": { $0.squareRoot() }, "Reciprocal": { 1 / $0 },
        "Exp": { Foundation.exp($0) }, "Log": { Foundation.log($0) }, "Not": { $0 == 0 ? 1 : 0 },
        "Relu": { Swift.max($0, 0) },
        "Sigmoid": { 1 / (1 + Foundation.exp(-$0)) }, "Sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
        "Sin": { Foundation.sin($0) },
        "Cos": { Foundation.cos($0) }, "Tanh": { Foundation.tanh($0) },
    ]

    private static let binary: [String: @Sendable (Float, Float) -> Float] = [
        "Add": { $0 + $1 }, "Sub": { $0 - $1 }, "Mul": { $0 * $1 }, "Div": { $0 / $1 }, "Pow": { pow($0, $1) },
        "Min": { Swift.min($0, $1) }, "Max": { Swift.max($0, $1) },
        "Mod": { $1 == 0 ? 0 : $0 - $1 * ($0 / $1).rounded(.down) },
        "Equal": { $0 == $1 ? 1 : 0 }, "Greater": { $0 > $1 ? 1 : 0 }, "Less": { $0 < $1 ? 1 : 0 },
        "GreaterOrEqual": { $0 >= $1 ? 1 : 0 }, "LessOrEqual": { $0 <= $1 ? 1 : 0 },
        "And": { $0 != 0 && $1 != 0 ? 1 : 0 }, "Or": { $0 != 0 || $1 != 0 ? 1 : 0 },
    ]

    private static let truths: Set<String> = [
        "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Not",
    ]

    /// From the numbers that become one.
    private static let reductions: [String: @Sendable ([Float]) -> Float] = [
        "ReduceSum": { $0.reduce(0, +) }, "ReduceProd": { $0.reduce(1, *) },
        "ReduceMean": { $0.reduce(0, +) / Float($0.count) }, "ReduceMax": { $0.max() ?? 0 },
        "ReduceMin": { $0.min() ?? 0 },
        "ReduceL2": { Float($0.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()) },
    ]

    // MARK: Values

    private func refusal(_ reason: String) -> GraphError {
        .unsupportedNode(node: node.name, operation: node.operation, reason: reason)
    }

    private func input(_ index: Int) throws(GraphError) -> Tensor {
        guard index < inputs.count, let tensor = inputs[index] else { throw refusal("input \(index) is missing") }
        return tensor
    }

    private func integers(_ name: String, orInput index: Int) -> [Int]? {
        if case .ints(let values)? = node.attributes[name] { return values }
        guard index < inputs.count else { return nil }
        return inputs[index]?.values.map(Int.init(clamping:))
    }

    private func integer(_ name: String, default standard: Int) -> Int {
        if case .int(let value)? = node.attributes[name] { value } else { standard }
    }

    private func axis(_ axis: Int, of count: Int) throws(GraphError) -> Int {
        let resolved = axis < 0 ? axis + count : axis
        guard (0..<count).contains(resolved) else { throw refusal("axis \(axis) of \(count) dimensions") }
        return resolved
    }

    private static let mostDimensions = 8

    /// How many numbers there will be, for those that make more of few; 0 else.
    func resultCount() throws(GraphError) -> Int {
        var sizes: [Int] = []
        switch node.operation {
        case "Expand", "Tile": sizes = try input(1).values.map(Int.init(clamping:)) + [try input(0).count]
        case "ConstantOfShape": sizes = try input(0).values.map(Int.init(clamping:))
        case "Gather":
            let tensor = try input(0)
            let axis = try axis(integer("axis", default: 0), of: tensor.shape.count)
            sizes = [try input(1).count, tensor.count / max(tensor.shape[axis], 1)]
        case "Range": sizes = [try rangeCount()]
        case let name where Self.binary[name] != nil || name == "Where":
            sizes = try broadcastShape()
        default: return 0
        }
        var count = 1
        for size in sizes {
            let (product, overflows) = count.multipliedReportingOverflow(by: max(size, 0))
            guard !overflows else { throw refusal("more numbers than can be counted") }
            count = product
        }
        return count
    }

    func value() throws(GraphError) -> Tensor {
        switch node.operation {
        case let name where Self.movements.contains(name): return try moved()
        case let name where Self.reductions[name] != nil: return try reduced(Self.reductions[name]!)
        case let name:
            if let function = Self.unary[name] {
                let tensor = try input(0)
                return Tensor(
                    shape: tensor.shape, values: tensor.values.map(function),
                    isInteger: tensor.isInteger || Self.truths.contains(name))
            }
            guard let function = Self.binary[name] else { throw refusal("not of constants") }
            return try combined(function)
        }
    }

    private func moved() throws(GraphError) -> Tensor {
        let first = try input(0)
        let rank = first.shape.count
        switch node.operation {
        case "Cast": return cast(first, toInteger: ![1, 10, 11, 16].contains(integer("to", default: 1)))
        case "CastLike": return cast(first, toInteger: try input(1).isInteger)
        case "Identity": return first
        case "Unsqueeze":
            let axes = integers("axes", orInput: 1) ?? []
            var shape = first.shape
            var resolved: [Int] = []
            for axis in axes { resolved.append(try self.axis(axis, of: rank + axes.count)) }
            for axis in resolved.sorted() {
                guard axis <= shape.count else { throw refusal("axes \(axes)") }
                shape.insert(1, at: axis)
            }
            return reshaped(first, shape)
        case "Squeeze":
            var axes: [Int] = []
            for axis in integers("axes", orInput: 1) ?? first.shape.indices.filter({ first.shape[$0] == 1 }) {
                axes.append(try self.axis(axis, of: rank))
            }
            guard axes.allSatisfy({ first.shape[$0] == 1 }) else { throw refusal("a dimension that is not 1") }
            return reshaped(first, first.shape.indices.filter { !axes.contains($0) }.map { first.shape[$0] })
        case "Reshape":
            let shape = try resolvedShape(
                integers("shape", orInput: 1), of: first.shape, copiesZero: integer("allowzero", default: 0) == 0, node)
            return reshaped(first, shape)
        case "Flatten":
            let axis = min(max(integer("axis", default: 1), 0), rank)
            return reshaped(first, [first.shape[..<axis].reduce(1, *), first.shape[axis...].reduce(1, *)])
        case "Transpose":
            var order = Array((0..<rank).reversed())
            if case .ints(let stated)? = node.attributes["perm"] { order = stated }
            guard order.sorted() == Array(0..<rank) else { throw refusal("perm \(order)") }
            let strides = strides(of: first.shape)
            return gathered(first, order.map { first.shape[$0] }, strides: order.map { strides[$0] }, offset: 0)
        case "Expand": return try expanded(first)
        case "Tile": return try tiled(first)
        case "Slice": return try sliced(first)
        case "Gather": return try gathered(first)
        case "Concat": return try joined()
        case "Where": return try chosen()
        case "CumSum": return try summedUp(first)
        case "ScatterND": return try scattered(first)
        case "Clip":
            let low = inputs.count > 1 ? inputs[1]?.first : number("min")
            let high = inputs.count > 2 ? inputs[2]?.first : number("max")
            let values = first.values.map { Swift.min(Swift.max($0, low ?? -.infinity), high ?? .infinity) }
            return Tensor(shape: first.shape, values: values, isInteger: first.isInteger)
        case "ConstantOfShape":
            var filling = Tensor(shape: [1], values: [0])
            if case .tensor(let tensor)? = node.attributes["value"] { filling = tensor }
            let shape = first.values.map(Int.init(clamping:))
            guard shape.count <= Self.mostDimensions, shape.allSatisfy({ $0 >= 0 }) else {
                throw refusal("shape \(shape)")
            }
            let values = [Float](repeating: filling.first ?? 0, count: shape.reduce(1, *))
            return Tensor(shape: shape, values: values, isInteger: filling.isInteger)
        case "Range":
            let (start, step) = (try scalar(0), try scalar(2))
            let values = (0..<(try rangeCount())).map { start + Float($0) * step }
            return Tensor(shape: [values.count], values: values, isInteger: first.isInteger)
        default: throw refusal("not of constants")
        }
    }

    private func number(_ name: String) -> Float? {
        if case .float(let value)? = node.attributes[name] { value } else { nil }
    }

    private func scalar(_ index: Int) throws(GraphError) -> Float {
        guard let value = try input(index).first else { throw refusal("input \(index) has no numbers") }
        return value
    }

    private func rangeCount() throws(GraphError) -> Int {
        let (start, end, step) = (try scalar(0), try scalar(1), try scalar(2))
        guard step != 0, start.isFinite, end.isFinite, step.isFinite else { throw refusal("steps of \(step)") }
        return max(Int(clamping: ((end - start) / step).rounded(.up)), 0)
    }

    private func cast(_ tensor: Tensor, toInteger: Bool) -> Tensor {
        let values = toInteger && !tensor.isInteger ? tensor.values.map { $0.rounded(.towardZero) } : tensor.values
        return Tensor(shape: tensor.shape, values: values, isInteger: toInteger)
    }

    private func reshaped(_ tensor: Tensor, _ shape: [Int]) -> Tensor {
        Tensor(shape: shape, values: tensor.values, isInteger: tensor.isInteger)
    }

    // MARK: Indices

    private func strides(of shape: [Int]) -> [Int] {
        var stride = 1
        return shape.reversed().map { size in
            defer { stride *= max(size, 1) }
            return stride
        }.reversed()
    }

    /// The numbers at `offset` plus the index in each dimension times its stride.
    private func gathered(_ tensor: Tensor, _ shape: [Int], strides: [Int], offset: Int) -> Tensor {
        let values = tensor.values
        let indices = zip(shape, strides).reduce([offset]) { indices, step in
            indices.flatMap { index in (0..<step.0).map { index + $0 * step.1 } }
        }
        return Tensor(shape: shape, values: indices.map { values[$0] }, isInteger: tensor.isInteger)
    }

    private func expanded(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let target = try input(1).values.map(Int.init(clamping:))
        let shape = try broadcast(tensor.shape, target)
        return spread(tensor, to: shape)
    }

    /// To a shape that it broadcasts to.
    private func spread(_ tensor: Tensor, to shape: [Int]) -> Tensor {
        guard tensor.shape != shape else { return tensor }
        let missing = shape.count - tensor.shape.count
        let own = strides(of: tensor.shape)
        let steps = shape.indices.map { axis in
            axis < missing || tensor.shape[axis - missing] == 1 ? 0 : own[axis - missing]
        }
        return gathered(tensor, shape, strides: steps, offset: 0)
    }

    private func broadcast(_ first: [Int], _ second: [Int]) throws(GraphError) -> [Int] {
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

    private func broadcastShape() throws(GraphError) -> [Int] {
        var shape: [Int] = []
        for index in inputs.indices { shape = try broadcast(shape, try input(index).shape) }
        return shape
    }

    private func combined(_ function: (Float, Float) -> Float) throws(GraphError) -> Tensor {
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

    private func chosen() throws(GraphError) -> Tensor {
        let shape = try broadcastShape()
        let condition = spread(try input(0), to: shape).values
        let (first, second) = (spread(try input(1), to: shape), spread(try input(2), to: shape))
        let values = zip(condition, zip(first.values, second.values)).map { $0 != 0 ? $1.0 : $1.1 }
        return Tensor(shape: shape, values: values, isInteger: first.isInteger)
    }

    private func tiled(_ tensor: Tensor) throws(GraphError) -> Tensor {
        let repeats = try input(1).values.map(Int.init(clamping:))
        guard repeats.count == tensor.shape.count, repeats.allSatisfy({ $0 >= 0 }) else {
            throw refusal("repeats \(repeats)")
        }
        let own = strides(of: tensor.shape)
        let sizes = zip(repeats, tensor.shape).flatMap { [$0, $1] }
        let whole = gathered(tensor, sizes, strides: own.flatMap { [0, $0] }, offset: 0)
        return reshaped(whole, zip(repeats, tensor.shape).map(*))
    }

    private func sliced(_ tensor: Tensor) throws(GraphError) -> Tensor {
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

    private func gathered(_ tensor: Tensor) throws(GraphError) -> Tensor {
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
    private func summedUp(_ tensor: Tensor) throws(GraphError) -> Tensor {
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
    private func scattered(_ tensor: Tensor) throws(GraphError) -> Tensor {
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

    private func joined() throws(GraphError) -> Tensor {
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

    private func reduced(_ function: ([Float]) -> Float) throws(GraphError) -> Tensor {
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

/// The sizes that a Reshape of a value of `sizes` gives.
func resolvedShape(_ target: [Int]?, of sizes: [Int], copiesZero: Bool, _ node: ONNXNode) throws(GraphError) -> [Int] {
    func refusal(_ reason: String) -> GraphError {
        .unsupportedNode(node: node.name, operation: node.operation, reason: reason)
    }
    guard let target, target.count <= 8 else { throw refusal("no shape of at most 8 sizes") }
    var resolved = target.enumerated().map { index, size in
        size == 0 && copiesZero && index < sizes.count ? sizes[index] : size
    }
    let total = sizes.reduce(1, *)
    if let open = resolved.firstIndex(of: -1) {
        let known = resolved.enumerated().reduce(into: 1) { product, size in
            if size.offset != open { product = product.multipliedReportingOverflow(by: size.element).partialValue }
        }
        guard known > 0, total % known == 0 else { throw refusal("shape \(target) for \(sizes)") }
        resolved[open] = total / known
    }
    guard resolved.allSatisfy({ (0...total).contains($0) }),
        resolved.reduce(1, { min($0 * $1, total + 1) }) == total
    else { throw refusal("from \(sizes) to \(target)") }
    return resolved
}
