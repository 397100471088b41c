import Checkpoint

/// A value of an ONNX file, of any number of dimensions, as a way of looking at a value of the graph: what transposes,
/// reshapes, squeezes or repeats it changes only the view. Numbers are moved where an operation needs them in an order of its
/// own, and most never do.
struct ONNXView: Equatable {
    typealias Step = Rearrangement.Step

    let source: FloatGraph.Value
    /// Each dimension of the file's value, outermost first, taken apart into steps in the source's
    /// `[channels][height][width]`; no steps where its size is 1. The number of images is a step of its own kind.
    var axes: [[Step]]

    /// The stride of the step from image to image, which is none within a value of the graph.
    static let images = Int.max

    init(source: FloatGraph.Value, axes: [[Step]]) {
        self.source = source
        self.axes = axes.map { $0.joinedWithinImages() }
    }

    var shape: [Int] { axes.map(\.size) }

    /// Steps within an image, of all dimensions in the file's order.
    var steps: [Step] { axes.flatMap(\.self) }

    /// Whether every number of the source is seen exactly once.
    func seesAll(of shape: FeatureShape) -> Bool {
        let steps = steps.filter { $0.stride != Self.images }
        return steps.allSatisfy { $0.stride > 0 } && steps.reduce(1) { $0 * $1.size } == shape.count
    }
}

extension [Rearrangement.Step] {
    var size: Int { reduce(1) { $0 * $1.size } }

    fileprivate func joinedWithinImages() -> [Rearrangement.Step] {
        guard let index = firstIndex(where: { $0.stride == ONNXView.images && $0.size > 1 }) else {
            return filter { $0.stride != ONNXView.images }.joined()
        }
        return Array(self[..<index]).joined() + [self[index]] + Array(self[(index + 1)...]).joined()
    }

    /// The same indices cut into dimensions of these sizes, whose product is theirs; nil where a cut falls inside a step and
    /// does not divide it.
    func cut(into sizes: [Int]) -> [[Rearrangement.Step]]? {
        var rest = Array(joinedWithinImages().reversed())
        var result: [[Rearrangement.Step]] = []
        for size in sizes {
            var axis: [Rearrangement.Step] = []
            var open = size
            while open > 1 {
                guard let step = rest.popLast() else { return nil }
                if open % step.size == 0 {
                    axis.append(step)
                    open /= step.size
                } else if step.size % open == 0, step.stride != ONNXView.images {
                    let inner = step.size / open
                    axis.append(.init(size: open, stride: step.stride * inner))
                    rest.append(.init(size: inner, stride: step.stride))
                    open = 1
                } else {
                    return nil
                }
            }
            result.append(axis)
        }
        return rest.isEmpty ? result : nil
    }

    /// Two ways of stepping through the same number of indices, both cut where either is; nil where cuts do not divide.
    static func aligned(
        _ first: [Rearrangement.Step], _ second: [Rearrangement.Step]
    ) -> [(size: Int, first: Int, second: Int)]? {
        var (left, right) = (Array(first.reversed()), Array(second.reversed()))
        var result: [(size: Int, first: Int, second: Int)] = []
        while let a = left.popLast(), let b = right.popLast() {
            let size = Swift.min(a.size, b.size)
            guard a.size % size == 0, b.size % size == 0 else { return nil }
            for step in [a, b] where step.size > size && step.stride == ONNXView.images { return nil }
            let (innerA, innerB) = (a.size / size, b.size / size)
            result.append(
                (
                    size, innerA > 1 ? a.stride * innerA : a.stride, innerB > 1 ? b.stride * innerB : b.stride
                ))
            if innerA > 1 { left.append(.init(size: innerA, stride: a.stride)) }
            if innerB > 1 { right.append(.init(size: innerB, stride: b.stride)) }
        }
        return left.isEmpty && right.isEmpty ? result : nil
    }
}

// MARK: Views of the builder's values

extension ONNXBuilder {
    /// Of an image: `[images][channels][height][width]`.
    func imageView(_ value: FloatGraph.Value) -> ONNXView {
        let shape = graph[value].shape
        return ONNXView(
            source: value,
            axes: [
                [imagesStep], [.init(size: shape.channels, stride: shape.pixels)],
                [.init(size: shape.height, stride: shape.width)], [.init(size: shape.width, stride: 1)],
            ])
    }

    var imagesStep: ONNXView.Step { .init(size: images, stride: ONNXView.images) }

    /// A value of the graph with these dimensions of a view as its channels, rows and columns, each in the given order.
    /// Together they must be all dimensions but those of the number of images.
    mutating func placed(
        _ view: ONNXView, channels: [Int], rows: [Int] = [], columns: [Int] = [], _ node: ONNXNode
    ) throws(GraphError) -> FloatGraph.Value {
        let left = featureAxes(view).filter { !(channels + rows + columns).contains($0) }
        guard left.allSatisfy({ view.axes[$0].isEmpty }) else {
            throw refusal(node, "its input of shape \(view.shape) has dimensions that it gives no meaning to")
        }
        func size(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * view.axes[$1].size } }
        let shape = FeatureShape(channels: size(channels), height: size(rows), width: size(columns))
        let steps = (channels + rows + columns).flatMap { view.axes[$0] }
        guard !steps.contains(where: { $0.stride == ONNXView.images }) else {
            throw refusal(node, "it joins images with what belongs to one; export it for one image")
        }
        return try rearranged(view.source, Rearrangement(shape: shape, steps: steps), node)
    }

    mutating func rearranged(
        _ value: FloatGraph.Value, _ rearrangement: Rearrangement, _ node: ONNXNode
    ) throws(GraphError) -> FloatGraph.Value {
        let shape = graph[value].shape
        let keepsOrder = rearrangement.keepsOrder(of: shape)
        if keepsOrder && rearrangement.shape == shape { return value }
        // An image of several pixels becomes a vector in an operation that later ones know.
        if keepsOrder, rearrangement.shape.pixels == 1 {
            return try graph.append(.flatten, value, name: node.name)
        }
        return try graph.append(.rearrange(rearrangement), value, name: node.name)
    }

    /// The dimensions that the images are: one of size 1, or the one that steps from image to image, in front.
    func featureAxes(_ view: ONNXView) -> [Int] {
        view.axes.indices.filter { axis in
            axis > 0 || !view.axes[0].allSatisfy { $0.stride == ONNXView.images }
        }
    }

    /// A view in the file's own order, of one that a reshape cannot cut.
    mutating func unfolded(_ view: ONNXView, _ node: ONNXNode) throws(GraphError) -> ONNXView {
        let axes = featureAxes(view)
        let value = try placed(view, channels: axes, node)
        return ONNXView(source: value, axes: rowMajor(view.shape, of: axes))
    }

    /// Dimensions of a value whose numbers stand in their order; the others are the number of images.
    func rowMajor(_ shape: [Int], of axes: [Int]) -> [[ONNXView.Step]] {
        var result = [[ONNXView.Step]](repeating: [], count: shape.count)
        var stride = 1
        for axis in axes.reversed() where shape[axis] > 1 {
            result[axis] = [.init(size: shape[axis], stride: stride)]
            stride *= shape[axis]
        }
        if let first = shape.first, first > 1, !axes.contains(0) { result[0] = [imagesStep] }
        return result
    }

    /// The same dimensions of another value of the source's shape.
    ///
    /// Mutating, for it is called with what appending to the graph returns: another method would be called on a copy of the
    /// builder from before that, and each node would copy all earlier ones.
    mutating func like(_ view: ONNXView, _ result: FloatGraph.Value) -> Value {
        .computed(ONNXView(source: result, axes: view.axes))
    }
}
