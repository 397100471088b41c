/// The numbers of a value in another order, some of them more than once: what transposing, reshaping and repeating do.
public struct Rearrangement: Equatable, Sendable {
    /// Of the result.
    public let shape: FeatureShape
    /// The result's `[channels][height][width]` taken apart, outermost first: so many indices, and how far apart their numbers
    /// lie in the input's `[channels][height][width]`. A stride of 0 repeats a number.
    public let steps: [Step]

    public struct Step: Equatable, Sendable {
        public var size: Int
        public var stride: Int

        public init(size: Int, stride: Int) {
            self.size = size
            self.stride = stride
        }
    }

    /// Neighbouring steps that make one are joined.
    public init(shape: FeatureShape, steps: [Step]) {
        self.shape = shape
        self.steps = steps.joined()
    }

    /// Whether a value of this shape can be what is rearranged: every number of the result is one of its numbers.
    public func canTake(_ input: FeatureShape) -> Bool {
        var (count, last) = (1, 0)
        for step in steps {
            guard step.size >= 1, step.stride >= 0, step.size <= shape.count, step.stride <= input.count else {
                return false
            }
            count *= step.size
            last += (step.size - 1) * step.stride
            guard count <= shape.count, last < input.count else { return false }
        }
        return count == shape.count
    }

    /// Whether the result has all of the input's numbers in the input's order: only the shape may differ.
    public func keepsOrder(of input: FeatureShape) -> Bool {
        shape.count == input.count && (steps.isEmpty || steps == [Step(size: shape.count, stride: 1)])
    }

    /// For each number of the result the input's, both as indices of `[channels][height][width]`.
    var indices: [Int] {
        var result = [0]
        result.reserveCapacity(shape.count)
        for step in steps {
            result = result.flatMap { index in (0..<step.size).map { index + $0 * step.stride } }
        }
        return result
    }
}

extension [Rearrangement.Step] {
    /// The same without steps of one index, and with neighbours joined that walk on where the inner one ends.
    func joined() -> [Rearrangement.Step] {
        var result: [Rearrangement.Step] = []
        for step in self where step.size != 1 {
            if let outer = result.last, outer.stride == step.size * step.stride {
                result[result.count - 1] = Rearrangement.Step(size: outer.size * step.size, stride: step.stride)
            } else {
                result.append(step)
            }
        }
        return result
    }
}

/// Another number of pixels: each pixel of the result is one of the input, or lies between two in each direction.
public struct Resampling: Equatable, Sendable {
    public let y: [Tap]
    public let x: [Tap]

    /// `first` and, to the share of `fraction`, `second`: positions along an edge of the input.
    public struct Tap: Equatable, Sendable {
        public var first: Int
        public var second: Int
        public var fraction: Float

        public init(first: Int, second: Int, fraction: Float) {
            self.first = first
            self.second = second
            self.fraction = fraction
        }

        public init(nearest position: Int) {
            self.init(first: position, second: position, fraction: 0)
        }
    }

    public init(y: [Tap], x: [Tap]) {
        self.y = y
        self.x = x
    }

    /// Whether every pixel of the result is one of the input.
    public var isNearest: Bool { (y + x).allSatisfy { $0.fraction == 0 } }

    func outputShape(of input: FeatureShape) -> FeatureShape? {
        let fits = y.allSatisfy { $0.isInside(input.height) } && x.allSatisfy { $0.isInside(input.width) }
        guard fits, !y.isEmpty, !x.isEmpty else { return nil }
        return FeatureShape(channels: input.channels, height: y.count, width: x.count)
    }
}

extension Resampling.Tap {
    fileprivate func isInside(_ edge: Int) -> Bool {
        (0..<edge).contains(first) && (0..<edge).contains(second) && (0...1).contains(fraction)
    }
}

/// Normalisation of each pixel over its channels: (x - mean) / sqrt(variance + epsilon) * weight + bias.
public struct LayerNorm: Sendable {
    /// `[channels]`.
    public var weight: [Float]
    public var bias: [Float]
    public var epsilon: Double

    public init(weight: [Float], bias: [Float], epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }
}
