import Checkpoint

// Where a convolution or pooling looks.
extension ONNXBuilder {
    /// The window of a convolution or pooling; a pooling says its size itself.
    ///
    /// `isExtended`: rounding up the number of steps made a window reach past the padding.
    func window(
        _ node: ONNXNode, over shape: FeatureShape, size: (y: Int, x: Int)?, isLine: Bool = false
    ) throws(GraphError) -> (window: Window, isExtended: Bool) {
        let stated = try pair(node, "kernel_shape", default: size.map { [$0.y, $0.x] }, isLine)
        guard size == nil || stated == [size!.y, size!.x] else {
            throw refusal(node, "kernel_shape \(stated) does not fit the weights")
        }
        let strides = try pair(node, "strides", default: [1, 1], isLine)
        let dilations = try pair(node, "dilations", default: [1, 1], isLine)
        var pads = try integers(node, "pads", orInput: nil) ?? [0, 0, 0, 0]
        if isLine, pads.count == 2 { pads = [0, pads[0], 0, pads[1]] }
        guard pads.count == 4, pads.allSatisfy({ (0...1 << 16).contains($0) }) else {
            throw refusal(node, "pads \(pads.prefix(8)), where four numbers from 0 to 65536 are taken")
        }
        let roundsUp = integer(node, "ceil_mode", default: 0) != 0
        var isExtended = false
        var axes: [Window.Axis] = []
        for (index, edge) in [shape.height, shape.width].enumerated() {
            var axis = Window.Axis(
                size: stated[index], stride: strides[index], dilation: dilations[index], before: pads[index],
                after: pads[index + 2])
            try pad(&axis, automatically: node, edge: edge)
            if roundsUp { isExtended = axis.roundUpSteps(edge: edge) || isExtended }
            axes.append(axis)
        }
        return (Window(y: axes[0], x: axes[1]), isExtended)
    }

    /// `auto_pad`, by which the padding follows from the sizes.
    private func pad(
        _ axis: inout Window.Axis, automatically node: ONNXNode, edge: Int
    ) throws(GraphError) {
        guard case .string(let mode)? = node.attributes["auto_pad"], mode != "NOTSET" else { return }
        let steps = (edge + axis.stride - 1) / axis.stride
        let padding = max((steps - 1) * axis.stride + axis.extent - edge, 0)
        switch mode {
        case "VALID": (axis.before, axis.after) = (0, 0)
        case "SAME_UPPER": (axis.before, axis.after) = (padding / 2, padding - padding / 2)
        case "SAME_LOWER": (axis.before, axis.after) = (padding - padding / 2, padding / 2)
        default: throw refusal(node, "auto_pad \(printable(mode)) is not known")
        }
    }

    /// Two numbers from 1 to 65536, for height and width.
    private func pair(
        _ node: ONNXNode, _ name: String, default standard: [Int]?, _ isLine: Bool
    ) throws(GraphError) -> [Int] {
        guard var values = try integers(node, name, orInput: nil) ?? standard else {
            throw refusal(node, "\(name) is missing")
        }
        if isLine, values.count == 1 { values.insert(1, at: 0) }
        guard values.count == 2, values.allSatisfy({ (1...1 << 16).contains($0) }) else {
            throw refusal(node, "\(name) \(values.prefix(8)), where two numbers from 1 to 65536 are taken")
        }
        return values
    }
}

extension Window.Axis {
    /// Pixels from the window's first position to its last one.
    fileprivate var extent: Int { (size - 1) * dilation + 1 }

    /// Extends the padding so that no pixel is left over behind the last step, unless a step would begin in the padding behind
    /// the image; true where it did.
    fileprivate mutating func roundUpSteps(edge: Int) -> Bool {
        let room = before + edge + after - extent
        guard room >= 0 else { return false }
        var steps = (room + stride - 1) / stride + 1
        if (steps - 1) * stride >= before + edge { steps -= 1 }
        let missing = (steps - 1) * stride - room
        after += max(missing, 0)
        return missing > 0
    }
}
