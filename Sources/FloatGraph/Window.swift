/// A window that slides over an image, each direction by itself.
public struct Window: Equatable, Sendable {
    public var y: Axis
    public var x: Axis

    /// One direction, in pixels.
    public struct Axis: Equatable, Sendable {
        /// Positions of the window.
        public var size: Int
        /// From one step of the window to the next.
        public var stride: Int
        /// From one position of the window to the next.
        public var dilation: Int
        /// What lies before the image's first pixel and behind its last one; a negative number behind: pixels not reached.
        public var before: Int
        public var after: Int

        public init(size: Int, stride: Int = 1, dilation: Int = 1, before: Int = 0, after: Int = 0) {
            self.size = size
            self.stride = stride
            self.dilation = dilation
            self.before = before
            self.after = after
        }

        /// TensorFlow's "SAME": as many steps as the edge has strides, the odd pixel of padding behind the image.
        public static func same(size: Int, stride: Int, edge: Int) -> Axis {
            let padding = max(((edge + stride - 1) / stride - 1) * stride + size - edge, 0)
            return Axis(size: size, stride: stride, before: padding / 2, after: padding - padding / 2)
        }

        /// How many steps fit along an edge; nil where not one does, or where a number makes no sense.
        func steps(along edge: Int) -> Int? {
            let limit = 1 << 16
            guard [size, stride, dilation].allSatisfy({ (1...limit).contains($0) }),
                (0...limit).contains(before), (-limit...limit).contains(after)
            else { return nil }
            let room = before + edge + after - (size - 1) * dilation - 1
            return room < 0 ? nil : room / stride + 1
        }

        /// The positions of the window that lie inside an edge at a step.
        func positions(at step: Int, along edge: Int) -> Range<Int> {
            let start = step * stride - before
            let first = start >= 0 ? 0 : min((-start + dilation - 1) / dilation, size)
            let end = edge <= start ? 0 : min((edge - 1 - start) / dilation + 1, size)
            return first..<max(first, end)
        }

        /// The steps, of `count`, at which a position of the window lies inside an edge.
        public func steps(of position: Int, inside edge: Int, count: Int) -> Range<Int> {
            let start = position * dilation - before
            let first = start >= 0 ? 0 : min((-start + stride - 1) / stride, count)
            let end = edge <= start ? 0 : min((edge - 1 - start) / stride + 1, count)
            return first..<max(first, end)
        }
    }

    public init(y: Axis, x: Axis) {
        self.y = y
        self.x = x
    }

    /// A square window.
    public init(size: Int, stride: Int = 1, padding: Int = 0) {
        y = Axis(size: size, stride: stride, before: padding, after: padding)
        x = y
    }

    /// Positions of the window.
    public var count: Int { y.size * x.size }

    /// Whether a step reads one pixel, and the steps all pixels.
    var isPointwise: Bool { self == Window(size: 1) }
}
