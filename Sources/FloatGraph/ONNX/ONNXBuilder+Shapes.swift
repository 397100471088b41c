import Checkpoint

// What moves values without computing. Most of it changes only how a value is looked at: see `ONNXView`.
extension ONNXBuilder {
    mutating func reshape(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let shape = try resolvedShape(
            integers(node, "shape", orInput: 1), of: view.shape,
            copiesZero: integer(node, "allowzero", default: 0) == 0, node)
        return try reshaped(view, to: shape, node)
    }

    mutating func reshaped(_ view: ONNXView, to shape: [Int], _ node: ONNXNode) throws(GraphError) -> Value {
        if let axes = view.steps.cut(into: shape) { return .computed(ONNXView(source: view.source, axes: axes)) }
        let whole = try unfolded(view, node)
        guard let axes = whole.steps.cut(into: shape) else {
            throw refusal(node, "from \(view.shape) to \(shape): it joins images with what belongs to one")
        }
        return .computed(ONNXView(source: whole.source, axes: axes))
    }

    mutating func flatten(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let stated = integer(node, "axis", default: 1)
        let axis = stated == view.axes.count ? stated : try axis(stated, of: view.axes.count, node)
        let shape = view.shape
        return try reshaped(view, to: [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)], node)
    }

    mutating func transpose(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let order = try integers(node, "perm", orInput: nil) ?? view.axes.indices.reversed()
        guard order.sorted() == Array(view.axes.indices) else { throw refusal(node, "perm \(order.prefix(8))") }
        return .computed(ONNXView(source: view.source, axes: order.map { view.axes[$0] }))
    }

    mutating func squeeze(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        var axes: Set<Int> = []
        let stated = try integers(node, "axes", orInput: 1) ?? view.axes.indices.filter { view.axes[$0].isEmpty }
        for axis in stated { axes.insert(try self.axis(axis, of: view.axes.count, node)) }
        guard axes.allSatisfy({ view.axes[$0].isEmpty }) else { throw refusal(node, "a dimension that is not 1") }
        return .computed(
            ONNXView(
                source: view.source, axes: view.axes.indices.filter { !axes.contains($0) }.map { view.axes[$0] }))
    }

    mutating func unsqueeze(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let stated = try integers(node, "axes", orInput: 1) ?? []
        guard view.axes.count + stated.count <= 8 else { throw refusal(node, "more than 8 dimensions") }
        var axes: Set<Int> = []
        for axis in stated { axes.insert(try self.axis(axis, of: view.axes.count + stated.count, node)) }
        guard axes.count == stated.count else { throw refusal(node, "an axis that is named twice") }
        var result = view.axes
        for axis in axes.sorted() { result.insert([], at: axis) }
        return .computed(ONNXView(source: view.source, axes: result))
    }

    mutating func expand(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let target = try constant(node, 1).values.map(Int.init(clamping:))
        guard max(target.count, view.axes.count) <= 8 else { throw refusal(node, "more than 8 dimensions") }
        var axes = [[ONNXView.Step]](repeating: [], count: max(target.count - view.axes.count, 0)) + view.axes
        for (index, size) in target.enumerated() {
            let axis = axes.count - target.count + index
            guard size == 1 || axes[axis].size == 1 || size == axes[axis].size, (1...1 << 28).contains(size) else {
                throw refusal(node, "from \(view.shape) to \(target)")
            }
            if axes[axis].isEmpty, size > 1 {
                axes[axis] = [axis == 0 && size == images ? imagesStep : .init(size: size, stride: 0)]
            }
        }
        guard axes.reduce(1, { min($0 * min($1.size, 1 << 28), 1 << 30) }) <= 1 << 28 else {
            throw refusal(node, "more numbers than can be computed")
        }
        return .computed(ONNXView(source: view.source, axes: axes))
    }

    // MARK: Parts

    mutating func slice(_ node: ONNXNode) throws(GraphError) -> Value {
        var view = try view(node, 0)
        let sizes = view.shape
        guard let starts = try integers(node, "starts", orInput: 1), let ends = try integers(node, "ends", orInput: 2)
        else { throw refusal(node, "starts or ends are missing") }
        let axes = try integers(node, "axes", orInput: 3) ?? Array(starts.indices)
        let steps = try integers(node, "steps", orInput: 4) ?? starts.map { _ in 1 }
        guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
            throw refusal(node, "starts, ends, axes and steps of different numbers")
        }
        for index in starts.indices {
            let axis = try axis(axes[index], of: sizes.count, node)
            guard steps[index] != 0, (-1 << 16...1 << 16).contains(steps[index]) else {
                throw refusal(node, "axis \(axes[index]) in steps of \(steps[index])")
            }
            let (size, isForwards) = (sizes[axis], steps[index] > 0)
            let limits = isForwards ? 0...size : -1...size - 1
            func position(_ value: Int) -> Int {
                min(max(value < 0 ? value + size : value, limits.lowerBound), limits.upperBound)
            }
            let (start, end) = (position(starts[index]), position(ends[index]))
            guard isForwards ? start < end : start > end else { throw refusal(node, "it takes nothing") }
            let count = (abs(end - start) + abs(steps[index]) - 1) / abs(steps[index])
            if isForwards {
                view = try selected(view, axis, Selection.Span(start: start, count: count, step: steps[index]), node)
            } else {
                view = try picked(view, axis, (0..<count).map { start + $0 * steps[index] }, node)
            }
        }
        return .computed(view)
    }

    mutating func split(_ node: ONNXNode) throws(GraphError) -> [Value] {
        let view = try view(node, 0)
        let axis = try axis(integer(node, "axis", default: 0), of: view.axes.count, node)
        let size = view.axes[axis].size
        let parts = node.outputs.count
        let share = (size + parts - 1) / parts
        let sizes =
            try integers(node, "split", orInput: 1)
            ?? (0..<parts).map { min(share, size - $0 * share) }
        guard sizes.count == parts, sizes.allSatisfy({ (1...size).contains($0) }), sizes.reduce(0, +) == size else {
            throw refusal(node, "\(size) into \(sizes.prefix(8))")
        }
        var result: [Value] = []
        var start = 0
        for part in sizes {
            result.append(.computed(try selected(view, axis, Selection.Span(start: start, count: part), node)))
            start += part
        }
        return result
    }

    /// Indices along one dimension, whose place the indices' own dimensions take.
    mutating func gather(_ node: ONNXNode) throws(GraphError) -> Value {
        let indices = try constant(node, 1)
        return try gather(node, axis: integer(node, "axis", default: 0), indices: indices, shape: indices.shape)
    }

    /// Whole slices along the first dimension, as exporters write indexing by a list.
    mutating func gatherSlices(_ node: ONNXNode) throws(GraphError) -> Value {
        let indices = try constant(node, 1)
        guard integer(node, "batch_dims", default: 0) == 0, indices.shape.last == 1 else {
            throw refusal(node, "indices of shape \(indices.shape)")
        }
        return try gather(node, axis: 0, indices: indices, shape: indices.shape.dropLast())
    }

    private mutating func gather(
        _ node: ONNXNode, axis: Int, indices: Tensor, shape: [Int]
    ) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let axis = try self.axis(axis, of: view.axes.count, node)
        let size = view.axes[axis].size
        let positions = indices.values.map(Int.init(clamping:)).map { $0 < 0 ? $0 + size : $0 }
        guard !positions.isEmpty, positions.allSatisfy((0..<size).contains) else {
            throw refusal(node, "an index out of range")
        }
        let picked = try picked(view, axis, positions, node)
        guard let inner = picked.axes[axis].cut(into: shape) else {
            throw refusal(node, "indices of shape \(indices.shape)")
        }
        return .computed(
            ONNXView(source: picked.source, axes: picked.axes[..<axis] + inner + picked.axes[(axis + 1)...]))
    }

    /// Some indices of one dimension, in any order.
    private mutating func picked(
        _ view: ONNXView, _ axis: Int, _ positions: [Int], _ node: ONNXNode
    ) throws(GraphError) -> ONNXView {
        let step = positions.count > 1 ? positions[1] - positions[0] : 1
        let isSpan = step > 0 && positions.indices.allSatisfy { positions[$0] == positions[0] + $0 * step }
        if isSpan {
            return try selected(
                view, axis, Selection.Span(start: positions[0], count: positions.count, step: step), node)
        }
        let source = try channels(of: view, axis: axis, node)
        let channels = graph[source.source].shape.channels
        guard Double(positions.count) * Double(channels) <= 0x1p26 else {
            throw refusal(node, "\(positions.count) indices")
        }
        var weights = [Float](repeating: 0, count: positions.count * channels)
        for (output, input) in positions.enumerated() { weights[output * channels + input] = 1 }
        let copy = Convolution(
            inputChannels: channels, outputChannels: positions.count, window: Window(size: 1), weights: weights,
            bias: [Float](repeating: 0, count: positions.count))
        let value = try graph.append(.convolution(copy), source.source, name: node.name)
        var axes = source.axes
        axes[axis] = [.init(size: positions.count, stride: graph[value].shape.pixels)]
        return ONNXView(source: value, axes: axes)
    }

    /// A part of one dimension.
    mutating func selected(
        _ view: ONNXView, _ axis: Int, _ span: Selection.Span, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView {
        let size = view.axes[axis].size
        if span == Selection.Span(count: size) { return view }
        guard !view.axes[axis].contains(where: { $0.stride == ONNXView.images }) else {
            throw refusal(node, "it takes some of the images")
        }
        let shape = graph[view.source].shape
        guard view.seesAll(of: shape), view.axes[axis].count == 1, let step = view.axes[axis].first,
            let selection = Selection(of: shape, step, span)
        else {
            // The dimension becomes the channels, of which any part can be had.
            let moved = try channels(of: view, axis: axis, node)
            guard moved != view else { throw refusal(node, "a part of shape \(view.shape)") }
            return try selected(moved, axis, span, node)
        }
        let value = try graph.append(.select(selection), view.source, name: node.name)
        var axes = view.axes.map { $0.map { $0.stride > step.stride ? $0.outside(step, of: span.count) : $0 } }
        axes[axis] = [.init(size: span.count, stride: step.stride)]
        return ONNXView(source: value, axes: axes)
    }

    mutating func pad(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        if case .string(let mode)? = node.attributes["mode"], mode != "constant" {
            throw refusal(node, "mode \(printable(mode)) instead of constant")
        }
        let filling = has(node, 2) ? try constant(node, 2).first ?? 0 : number(node, "value", default: 0)
        let rank = view.axes.count
        let axes = has(node, 3) ? try constant(node, 3).values.map(Int.init(clamping:)) : Array(0..<rank)
        guard let pads = try integers(node, "pads", orInput: 1),
            pads.count == 2 * axes.count, pads.allSatisfy({ (-1 << 16...1 << 16).contains($0) })
        else { throw refusal(node, "pads, where two numbers up to 65536 are taken for each dimension") }
        var result = view
        for (index, stated) in axes.enumerated() {
            let (before, after) = (pads[index], pads[index + axes.count])
            guard before != 0 || after != 0 else { continue }
            let axis = try axis(stated, of: rank, node)
            guard axis > 0 || !featureAxes(view).isEmpty && featureAxes(view)[0] == 0 else {
                throw refusal(node, "pads, which must be 0 for the images")
            }
            let size = result.axes[axis].size + before + after
            guard size > 0 else { throw refusal(node, "it leaves nothing") }
            guard filling == 0 else {
                result = try surrounded(result, axis, by: filling, before: before, after: after, node)
                continue
            }
            result = try selected(result, axis, Selection.Span(start: -before, count: size), node)
        }
        return .computed(result)
    }

    /// With so many times a number that is not 0 before and behind a dimension.
    private mutating func surrounded(
        _ view: ONNXView, _ axis: Int, by filling: Float, before: Int, after: Int, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView {
        guard before >= 0, after >= 0, filling.isFinite else {
            throw refusal(node, "it cuts off, or pads with infinity")
        }
        var parts = [view]
        for (count, place) in [(before, 0), (after, parts.count)] where count > 0 {
            var shape = view.shape
            shape[axis] = count
            guard shape.reduce(1.0, { $0 * Double($1) }) <= 0x1p24 else { throw refusal(node, "it pads with too much") }
            let numbers = [Float](repeating: filling, count: shape.reduce(1, *))
            let constant = try appendConstant(Tensor(shape: shape, values: numbers), node)
            parts.insert(constant, at: place == 0 ? 0 : parts.count)
        }
        guard case .computed(let result) = try concatenated(parts, axis, node) else { return view }
        return result
    }

    /// One after the other along a dimension.
    mutating func concat(_ node: ONNXNode) throws(GraphError) -> Value {
        var views: [ONNXView] = []
        for index in node.inputs.indices {
            views.append(try view(node, index))
        }
        guard let first = views.first else { throw refusal(node, "nothing to join") }
        return try concatenated(views, try axis(integer(node, "axis", default: 1), of: first.axes.count, node), node)
    }

    private mutating func concatenated(_ views: [ONNXView], _ axis: Int, _ node: ONNXNode) throws(GraphError) -> Value {
        let first = views[0]
        guard views.allSatisfy({ $0.axes.count == first.axes.count }) else {
            throw refusal(node, "values of different dimensions")
        }
        for view in views {
            for index in first.axes.indices where index != axis && view.axes[index].size != first.axes[index].size {
                throw refusal(node, "of shapes \(first.shape) and \(view.shape)")
            }
        }
        let joinsImages = views.contains { $0.axes[axis].contains { $0.stride == ONNXView.images } }
        guard !joinsImages else { throw refusal(node, "it joins images") }
        if let joined = try joined(views, axis, node) { return .computed(joined) }
        var moved: [ONNXView] = []
        for view in views {
            let others = featureAxes(view).filter { $0 != axis }
            let isImage = view.axes.count == 4 && axis == 1
            let value = try placed(
                view, channels: [axis], rows: isImage ? [2] : [], columns: isImage ? [3] : others, node)
            moved.append(ONNXView(source: value, axes: rowMajor(view.shape, of: [axis] + others)))
        }
        guard let joined = try joined(moved, axis, node) else { throw refusal(node, "along axis \(axis)") }
        return .computed(joined)
    }

    /// Where the dimension is the outermost of every source, which are alike else: their channels one after the other.
    private mutating func joined(
        _ views: [ONNXView], _ axis: Int, _ node: ONNXNode
    ) throws(GraphError) -> ONNXView? {
        let first = views[0]
        let shape = graph[first.source].shape
        let inner = shape.count / max(first.axes[axis].size, 1)
        var others = first.axes
        others[axis] = []
        for view in views {
            let own = graph[view.source].shape
            var rest = view.axes
            rest[axis] = []
            let isOutermost =
                view.axes[axis].isEmpty || view.axes[axis] == [.init(size: view.axes[axis].size, stride: inner)]
            guard own.height == shape.height, own.width == shape.width, own.count == inner * view.axes[axis].size,
                inner % shape.pixels == 0, isOutermost, rest == others, view.seesAll(of: own)
            else { return nil }
        }
        let value = try graph.append(.concat, views.map(\.source), name: node.name)
        others[axis] = [.init(size: views.reduce(0) { $0 + $1.axes[axis].size }, stride: inner)]
        return ONNXView(source: value, axes: others)
    }

    // MARK: Pixels and channels

    /// Blocks of pixels become channels, or the other way round.
    mutating func spaceAndDepth(_ node: ONNXNode) throws(GraphError) -> Value {
        let view = try view(node, 0)
        let block = integer(node, "blocksize", default: 0)
        let shape = view.shape
        let isDeeper = node.operation == "SpaceToDepth"
        guard shape.count == 4, (1...256).contains(block),
            isDeeper ? shape[2] % block == 0 && shape[3] % block == 0 : shape[1] % (block * block) == 0
        else { throw refusal(node, "blocks of \(block) of shape \(shape)") }
        var isColumnFirst = false
        if case .string("CRD")? = node.attributes["mode"] { isColumnFirst = true }
        let cut: [Int]
        let order: [Int]
        let target: [Int]
        if isDeeper {
            cut = [shape[0], shape[1], shape[2] / block, block, shape[3] / block, block]
            order = [0, 3, 5, 1, 2, 4]
            target = [shape[0], shape[1] * block * block, shape[2] / block, shape[3] / block]
        } else {
            let channels = shape[1] / (block * block)
            cut =
                isColumnFirst
                ? [shape[0], channels, block, block, shape[2], shape[3]]
                : [shape[0], block, block, channels, shape[2], shape[3]]
            order = isColumnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
            target = [shape[0], channels, shape[2] * block, shape[3] * block]
        }
        guard case .computed(let parts) = try reshaped(view, to: cut, node) else {
            throw refusal(node, "of a constant")
        }
        return try reshaped(ONNXView(source: parts.source, axes: order.map { parts.axes[$0] }), to: target, node)
    }
}

extension ONNXView.Step {
    /// The same step where an inner one has another size.
    fileprivate func outside(_ inner: ONNXView.Step, of size: Int) -> ONNXView.Step {
        stride == ONNXView.images ? self : .init(size: self.size, stride: stride / inner.size * size)
    }
}

extension Selection {
    /// A part of a dimension of a value: of its outermost channels, its rows or its columns; nil for what cuts across.
    fileprivate init?(of shape: FeatureShape, _ step: ONNXView.Step, _ span: Span) {
        self.init(whole: shape)
        if step.stride == shape.pixels, step.size == shape.channels {
            channels = span
        } else if step.stride % shape.pixels == 0, step.size * step.stride == shape.count, span.step == 1 {
            let inner = step.stride / shape.pixels
            channels = Span(start: span.start * inner, count: span.count * inner)
        } else if step.stride == shape.width, step.size == shape.height {
            y = span
        } else if step.stride == 1, step.size == shape.width {
            x = span
        } else {
            return nil
        }
    }
}
