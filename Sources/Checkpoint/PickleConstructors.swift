// What the allowed globals build. None of it calls anything that the file names.
extension PickleInterpreter {
    /// The value of a call: REDUCE.
    mutating func construct(_ global: Global, _ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        switch global {
        case .orderedDictionary:
            guard arguments.isEmpty else { throw malformed("OrderedDict with arguments") }
            return try addDictionary()
        case .rebuildTensor:
            return try tensor(arguments)
        case .rebuildParameter:
            // (data, requires_grad, backward_hooks)
            guard arguments.count == 3, case .tensor = arguments[0] else { throw malformed("_rebuild_parameter") }
            return arguments[0]
        case .encodeText:
            return try encodedText(arguments)
        case .reconstructArray:
            // (ndarray, (0,), b"b"): an empty array, which BUILD fills.
            guard case .global(.array)? = arguments.first else { throw malformed("_reconstruct") }
            return try add(
                tensor: TensorReference(source: .inline([]), type: .uint8, offset: 0, shape: [0], strides: [1]))
        case .arrayElementType:
            // (code, align, copy)
            guard case .string(let code)? = arguments.first else { throw malformed("dtype") }
            guard let type = ElementType(numPyCode: code) else { throw malformed("NumPy type \(code)") }
            return .elementType(type)
        case .arrayScalar:
            guard arguments.count == 2, case .elementType(let type) = arguments[0],
                case .bytes(let data) = arguments[1],
                data.count == type.size
            else { throw malformed("NumPy scalar") }
            return try add(
                tensor: TensorReference(source: .inline(data), type: type, offset: 0, shape: [], strides: []))
        case .storageClass, .array:
            throw malformed("a call of a class")
        }
    }

    /// The value after its state was set: BUILD.
    mutating func build(_ value: Pickle.Value, state: Pickle.Value) throws(CheckpointError) -> Pickle.Value {
        switch value {
        case .dictionary:
            // An OrderedDict's attributes: the `_metadata` of a state dict, which says nothing about the weights.
            break
        case .elementType(let type):
            try checkByteOrder(of: type, state)
        case .tensor(let index):
            pickle.tensors[index] = try array(state)
        default:
            throw malformed("the state of what has none")
        }
        return value
    }

    /// A persistent id: ("storage", class, key, location, element count).
    mutating func storage(_ id: Pickle.Value) throws(CheckpointError) -> Pickle.Value {
        guard case .tuple(let index) = id, case let fields = pickle.sequences[index], fields.count == 5,
            case .string("storage") = fields[0], case .global(.storageClass(let type)) = fields[1],
            case .string(let key) = fields[2], case .int(let count) = fields[4], count >= 0
        else { throw malformed("a persistent id that is no storage") }
        try charge(64)
        pickle.storages.append(Pickle.Storage(key: key, type: type, count: count))
        return .storage(pickle.storages.count - 1)
    }

    /// `_rebuild_tensor_v2`: (storage, offset, size, stride, requires_grad, backward_hooks[, metadata]).
    private mutating func tensor(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        guard arguments.count >= 4, case .storage(let index) = arguments[0], case .int(let offset) = arguments[1] else {
            throw malformed("_rebuild_tensor_v2")
        }
        let storage = pickle.storages[index]
        return try add(
            tensor: TensorReference(
                source: .entry(key: storage.key, count: storage.count), type: storage.type, offset: offset,
                shape: try integers(arguments[2]), strides: try integers(arguments[3])))
    }

    /// An ndarray's state: (version, shape, dtype, is Fortran order, bytes).
    private mutating func array(_ state: Pickle.Value) throws(CheckpointError) -> TensorReference {
        guard case .tuple(let index) = state, case let fields = pickle.sequences[index], fields.count == 5,
            case .elementType(let type) = fields[2], case .bytes(let data) = fields[4]
        else { throw malformed("NumPy array") }
        guard case .bool(false) = fields[3] else { throw malformed("a NumPy array that is not in C order") }
        let shape = try integers(fields[1])
        guard let strides = TensorReference.contiguousStrides(shape) else { throw malformed("a NumPy array's shape") }
        return TensorReference(source: .inline(data), type: type, offset: 0, shape: shape, strides: strides)
    }

    /// A dtype's state: (version, byte order, ...).
    private func checkByteOrder(of type: ElementType, _ state: Pickle.Value) throws(CheckpointError) {
        guard case .tuple(let index) = state, pickle.sequences[index].count > 1,
            case .string(let order) = pickle.sequences[index][1]
        else { throw malformed("dtype") }
        guard order == "<" || (order == "|" && type.size == 1) else { throw .unsupportedByteOrder("NumPy \(order)") }
    }

    /// `_codecs.encode(text, "latin1")`: how protocol 2 writes bytes, one character each.
    private mutating func encodedText(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        guard arguments.count == 2, case .string(let text) = arguments[0], case .string("latin1") = arguments[1] else {
            throw malformed("encode")
        }
        try charge(text.utf8.count)
        var data: [UInt8] = []
        data.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { throw malformed("bytes that are not latin-1") }
            data.append(byte)
        }
        return .bytes(data)
    }

    private mutating func integers(_ value: Pickle.Value) throws(CheckpointError) -> [Int] {
        // 64 is NumPy's limit, and more than any network uses.
        guard case .tuple(let index) = value, pickle.sequences[index].count <= 64 else {
            throw malformed("sizes that are no tuple of at most 64")
        }
        try charge(pickle.sequences[index].count * MemoryLayout<Int>.size)
        var result: [Int] = []
        for element in pickle.sequences[index] {
            guard case .int(let integer) = element else { throw malformed("a size that is no integer") }
            result.append(integer)
        }
        return result
    }
}
