/// A tensor's own copy of its numbers, as float32.
public struct Tensor: Equatable, Sendable {
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Row-major: the last dimension varies fastest. As many values as the product of `shape`.
    public var values: [Float]

    /// - Precondition: the product of `shape` is the number of values.
    public init(shape: [Int], values: [Float]) {
        precondition(elementCount(shape) == values.count)
        self.shape = shape
        self.values = values
    }

    /// Row-major index of the first NaN or infinite value.
    public var firstNonFiniteIndex: Int? {
        values.firstIndex { !$0.isFinite }
    }
}

/// A tensor as the pickle describes it: a strided view of a storage, nothing copied and nothing checked yet.
struct TensorReference {
    enum Source {
        /// The zip entry `data/<key>`, of which the pickle claims `count` elements.
        case entry(key: String, count: Int)
        /// A NumPy array's bytes, which stand in the pickle itself.
        case inline([UInt8])
    }

    var source: Source
    var type: ElementType
    /// In elements, like `strides`.
    var offset: Int
    var shape: [Int]
    var strides: [Int]

    var count: Int? { elementCount(shape) }

    /// The elements that a storage must have for this view, or nil where offset, shape and strides make no sense.
    var reach: Int? {
        guard let count, offset >= 0, shape.count == strides.count, strides.allSatisfy({ $0 >= 0 }) else { return nil }
        guard count > 0 else { return 0 }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (step, overflowed) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflowedSum) = last.addingReportingOverflow(step)
            guard !overflowed, !overflowedSum else { return nil }
            last = sum
        }
        return last == .max ? nil : last + 1
    }

    /// Gathers the view into row-major float32.
    /// - Precondition: `data` holds at least `reach` elements, and `reach` is not nil.
    func gather(from data: UnsafeRawBufferPointer) -> Tensor {
        guard let count, let reach, reach <= data.count / type.size else { preconditionFailure("unchecked tensor") }
        let values = [Float](unsafeUninitializedCapacity: count) { values, initialized in
            initialized = count
            if type == .float32, strides == Self.contiguousStrides(shape), count > 0 {
                // The common case, in the processor's own byte order: little-endian.
                let start = offset * type.size
                let bytes = UnsafeRawBufferPointer(rebasing: data[start..<start + count * type.size])
                return UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
            }
            var position = [Int](repeating: 0, count: shape.count)
            var index = offset
            for value in 0..<count {
                values.initializeElement(at: value, to: type.load(index, from: data))
                for axis in shape.indices.reversed() {
                    if position[axis] + 1 < shape[axis] {
                        position[axis] += 1
                        index += strides[axis]
                        break
                    }
                    index -= strides[axis] * position[axis]
                    position[axis] = 0
                }
            }
        }
        return Tensor(shape: shape, values: values)
    }

    /// The strides of a row-major tensor without gaps; nil where the sizes overflow.
    static func contiguousStrides(_ shape: [Int]) -> [Int]? {
        var strides = shape
        var step = 1
        for axis in shape.indices.reversed() {
            strides[axis] = step
            let (next, overflowed) = step.multipliedReportingOverflow(by: max(shape[axis], 1))
            guard !overflowed else { return nil }
            step = next
        }
        return strides
    }
}

/// Number of elements of a shape, or nil where it overflows or a size is negative.
private func elementCount(_ shape: [Int]) -> Int? {
    guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
    // A zero anywhere makes the tensor empty, whatever the other sizes are.
    guard !shape.contains(0) else { return 0 }
    var result = 1
    for size in shape {
        let (next, overflowed) = result.multipliedReportingOverflow(by: size)
        guard !overflowed else { return nil }
        result = next
    }
    return result
}
