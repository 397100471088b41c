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

    static let truths: Set<String> = [
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

    func refusal(_ reason: String) -> GraphError {
        .unsupportedNode(node: node.name, operation: node.operation, reason: reason)
    }

    func input(_ index: Int) throws(GraphError) -> Tensor {
        guard index < inputs.count, let tensor = inputs[index] else { throw refusal("input \(index) is missing") }
        return tensor
    }

    func integers(_ name: String, orInput index: Int) -> [Int]? {
        if case .ints(let values)? = node.attributes[name] { return values }
        guard index < inputs.count else { return nil }
        return inputs[index]?.values.map(Int.init(clamping:))
    }

    func integer(_ name: String, default standard: Int) -> Int {
        if case .int(let value)? = node.attributes[name] { value } else { standard }
    }

    func axis(_ axis: Int, of count: Int) throws(GraphError) -> Int {
        let resolved = axis < 0 ? axis + count : axis
        guard (0..<count).contains(resolved) else { throw refusal("axis \(axis) of \(count) dimensions") }
        return resolved
    }

    static let mostDimensions = 8

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

    func number(_ name: String) -> Float? {
        if case .float(let value)? = node.attributes[name] { value } else { nil }
    }

    func scalar(_ index: Int) throws(GraphError) -> Float {
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

    func reshaped(_ tensor: Tensor, _ shape: [Int]) -> Tensor {
        Tensor(shape: shape, values: tensor.values, isInteger: tensor.isInteger)
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
