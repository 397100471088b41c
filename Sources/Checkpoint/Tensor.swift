/// A tensor of numbers, given out as float32.
///
/// A tensor of a checkpoint is a view of the file until its values are asked for: each use of `values` converts anew, so
/// take them once. Which views lie inside their storages was checked when the tensor was made.
public struct Tensor: Sendable {
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Whether the file has whole numbers, or truth values, here.
    public let isInteger: Bool
    private var contents: Contents

    private enum Contents {
        case values([Float])
        case view(TensorView)
    }

    /// - Precondition: the product of `shape` is the number of values.
    public init(shape: [Int], values: [Float], isInteger: Bool = false) {
        precondition(elementCount(shape) == values.count)
        self.shape = shape
        self.isInteger = isInteger
        contents = .values(values)
    }

    init(_ view: TensorView) {
        shape = view.shape
        isInteger = view.isInteger
        contents = .view(view)
    }

    /// Row-major: the last dimension varies fastest. As many values as the product of `shape`.
    public var values: [Float] {
        get {
            switch contents {
            case .values(let values): values
            case .view(let view): view.gathered()
            }
        }
        set {
            precondition(elementCount(shape) == newValue.count)
            contents = .values(newValue)
        }
    }

    /// As the file has them; nil where nobody read them from one.
    public var elementType: ElementType? {
        switch contents {
        case .values: nil
        case .view(let view): view.type
        }
    }

    /// The first value, without converting the others; nil where there is none.
    public var first: Float? {
        switch contents {
        case .values(let values): values.first
        case .view(let view): view.first
        }
    }

    /// How many values there are.
    public var count: Int {
        switch contents {
        case .values(let values): values.count
        case .view(let view): view.count
        }
    }
}

extension Tensor: Equatable {
    public static func == (left: Tensor, right: Tensor) -> Bool {
        left.shape == right.shape && left.values == right.values
    }
}

extension [Float] {
    /// Index of the first NaN or infinite value.
    public var firstNonFiniteIndex: Int? {
        firstIndex { !$0.isFinite }
    }
}

/// Number of elements of a shape, or nil where it overflows or a size is negative. A zero anywhere makes the tensor empty,
/// whatever the other sizes are.
func elementCount(_ shape: [Int]) -> Int? { CheckedSize(productOf: shape).value }
