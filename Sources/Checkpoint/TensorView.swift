/// A tensor as the file describes it: a strided view of a storage, nothing copied and nothing checked yet.
struct TensorReference {
    enum Source {
        /// A storage by its key, of which the file claims `count` elements.
        case storage(key: String, count: Int)
        /// Bytes of the file.
        case range(Range<Int>)
        /// A NumPy array's bytes, which stand in the pickle itself.
        case inline([UInt8])
        /// Elements of a kind that cannot be read, by its name.
        case unsupported(String)
    }

    var source: Source
    var type: ElementType
    /// In elements, like `strides`.
    var offset = 0
    var shape: [Int]
    var strides: [Int]

    /// The elements that a storage must have for this view, or nil where offset, shape and strides make no sense.
    var reach: Int? {
        guard let count = elementCount(shape), shape.count == strides.count else { return nil }
        guard count > 0 else {
            return ([offset] + strides).allSatisfy { $0 >= 0 } ? 0 : nil
        }
        let last = zip(shape, strides).reduce(CheckedSize(offset)) { last, axis in
            last + CheckedSize(axis.0 - 1) * CheckedSize(axis.1)
        }
        return (last + CheckedSize(1)).value
    }

    /// The strides of a row-major tensor without gaps; nil where the sizes overflow.
    static func contiguousStrides(_ shape: [Int]) -> [Int]? {
        var strides = shape
        var step = CheckedSize(1)
        for axis in shape.indices.reversed() {
            guard let stride = step.value else { return nil }
            strides[axis] = stride
            step = step * CheckedSize(max(shape[axis], 1))
        }
        guard step.value != nil else { return nil }
        return strides
    }
}

/// A strided view that lies inside its bytes.
struct TensorView: Sendable {
    /// The storage; a slice of the file shares its memory.
    private let data: ArraySlice<UInt8>
    let type: ElementType
    private let offset: Int
    let shape: [Int]
    private let strides: [Int]
    let count: Int

    var isInteger: Bool { ![.float16, .bfloat16, .float32, .float64].contains(type) }

    /// nil where the view reaches outside of `data`.
    init?(_ tensor: TensorReference, of data: ArraySlice<UInt8>) {
        guard let count = elementCount(tensor.shape), let reach = tensor.reach, reach <= data.count / tensor.type.size
        else { return nil }
        self.data = data
        type = tensor.type
        offset = tensor.offset
        shape = tensor.shape
        strides = tensor.strides
        self.count = count
    }

    var first: Float? {
        count == 0 ? nil : data.withUnsafeBytes { type.load(offset, from: $0) }
    }

    /// The values in row-major order.
    func gathered() -> [Float] {
        guard count > 0 else { return [] }
        return data.withUnsafeBytes { data in
            [Float](unsafeUninitializedCapacity: count) { values, initialized in
                initialized = count
                guard strides == TensorReference.contiguousStrides(shape) else { return gather(data, into: values) }
                let bytes = UnsafeRawBufferPointer(
                    rebasing: data[offset * type.size..<(offset + count) * type.size])
                if type == .float32 {
                    // The common case, in the processor's own byte order: little-endian.
                    return UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
                }
                for index in 0..<count {
                    values.initializeElement(at: index, to: type.load(index, from: bytes))
                }
            }
        }
    }

    private func gather(_ data: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
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
}
