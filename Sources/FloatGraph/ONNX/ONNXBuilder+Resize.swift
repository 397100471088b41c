import Checkpoint

// Images of another size.
extension ONNXBuilder {
    mutating func resize(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        guard view.axes.count == 4 else { throw refusal(node, "its input is no image") }
        let input = try image(node, 0)
        let shape = graph[input].shape
        let (sizes, scales) = try resizing(node, view.shape)
        guard sizes[0] == view.shape[0], sizes[1] == view.shape[1], sizes.allSatisfy({ (1...1 << 14).contains($0) })
        else {
            throw refusal(node, "from \(view.shape) to \(sizes)")
        }
        guard integer(node, "antialias", default: 0) == 0 else { throw refusal(node, "antialias") }
        let taps = Resampling(
            y: try taps(node, from: shape.height, to: sizes[2], scale: scales[2]),
            x: try taps(node, from: shape.width, to: sizes[3], scale: scales[3]))
        let value = try graph.append(.resample(taps), input, name: node.name)
        return .computed(imageView(value))
    }

    /// Sizes and scales of all four dimensions. Sizes are the fourth input, scales the third or, of old operator sets, the
    /// second.
    private func resizing(_ node: ONNXNode, _ shape: [Int]) throws(GraphError) -> (sizes: [Int], scales: [Double]) {
        if has(node, 3) {
            let stated = try constant(node, 3).values.map(Int.init(clamping:))
            let sizes = stated.count == 2 ? shape[..<2] + stated : stated
            guard sizes.count == 4 else { throw refusal(node, "sizes \(stated.prefix(8))") }
            return (sizes, zip(sizes, shape).map { Double($0) / Double($1) })
        }
        let place = node.operation == "Upsample" || model.operatorSet < 11 ? 1 : 2
        var scales = [Float](repeating: 1, count: 4)
        if has(node, place) { scales = try constant(node, place).values }
        if case .floats(let stated)? = node.attributes["scales"] { scales = stated }
        if scales.count == 2 { scales = [1, 1] + scales }
        guard scales.count == 4, scales.allSatisfy({ $0 > 0 && $0 < 0x1p14 }) else {
            throw refusal(node, "scales \(scales.prefix(8))")
        }
        let sizes = zip(shape, scales).map { Int((Double($0) * Double($1)).rounded(.down)) }
        return (sizes, scales.map(Double.init))
    }

    /// Along one edge; what is read outside of it is its last pixel.
    private func taps(
        _ node: ONNXNode, from edge: Int, to size: Int, scale: Double
    ) throws(GraphError) -> [Resampling.Tap] {
        let isNearest = text(node, "mode", default: "nearest") == "nearest"
        guard isNearest || text(node, "mode", default: "") == "linear" else {
            throw refusal(node, "mode \(printable(text(node, "mode", default: "")))")
        }
        let usual = model.operatorSet < 11 || node.operation == "Upsample" ? "asymmetric" : "half_pixel"
        let transformation = text(node, "coordinate_transformation_mode", default: usual)
        let rounding = text(node, "nearest_mode", default: usual == "asymmetric" ? "floor" : "round_prefer_floor")
        var taps: [Resampling.Tap] = []
        for index in 0..<size {
            let position: Double
            switch transformation {
            case "half_pixel": position = (Double(index) + 0.5) / scale - 0.5
            case "pytorch_half_pixel": position = size > 1 ? (Double(index) + 0.5) / scale - 0.5 : 0
            case "asymmetric": position = Double(index) / scale
            case "align_corners": position = size > 1 ? Double(index) * Double(edge - 1) / Double(size - 1) : 0
            default: throw refusal(node, "coordinate_transformation_mode \(printable(transformation))")
            }
            let inside = min(max(position, 0), Double(edge - 1))
            guard isNearest else {
                let first = Int(inside.rounded(.down))
                taps.append(
                    Resampling.Tap(
                        first: first, second: min(first + 1, edge - 1), fraction: Float(inside - inside.rounded(.down)))
                )
                continue
            }
            let nearest: Double
            switch rounding {
            case "floor": nearest = position.rounded(.down)
            case "ceil": nearest = position.rounded(.up)
            case "round_prefer_floor": nearest = (position - 0.5).rounded(.up)
            case "round_prefer_ceil": nearest = (position + 0.5).rounded(.down)
            default: throw refusal(node, "nearest_mode \(printable(rounding))")
            }
            taps.append(Resampling.Tap(nearest: min(max(Int(nearest), 0), edge - 1)))
        }
        return taps
    }

    private func text(_ node: ONNXNode, _ name: String, default standard: String) -> String {
        if case .string(let value)? = node.attributes[name] { value } else { standard }
    }
}
