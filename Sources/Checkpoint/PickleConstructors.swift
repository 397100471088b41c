// What the known globals build. None of it calls anything that the file names.
extension PickleInterpreter {
    /// The value of a call: REDUCE, NEWOBJ.
    mutating func construct(_ global: Global, _ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        switch global {
        case .dictionary:
            return try dictionary(arguments)
        case .rebuildTensor:
            return try tensor(arguments)
        case .rebuildTensorOfUntypedStorage:
            return try tensorOfUntypedStorage(arguments)
        case .rebuildParameter:
            // (data, requires_grad, backward_hooks[, state])
            guard arguments.count >= 3, case .tensor = arguments[0] else { throw malformed("_rebuild_parameter") }
            return arguments[0]
        case .rebuildSubclass:
            // (constructor, class, its arguments, state)
            guard arguments.count == 4, case .tuple(let index) = arguments[2] else {
                throw malformed("_rebuild_from_type_v2")
            }
            guard case .global(let constructor) = arguments[0], !constructor.isRebuildSubclass else {
                return try addPlaceholder(named: "torch._tensor._rebuild_from_type_v2")
            }
            return try construct(constructor, pickle.sequences[index])
        case .encodeText:
            return try encodedText(arguments)
        case .reconstructArray:
            // (ndarray, (0,), b"b"): an empty array, which BUILD fills.
            return try add(tensor: TensorReference(source: .inline([]), type: .uint8, shape: [0], strides: [1]))
        case .arrayFromBuffer:
            // (bytes, dtype, shape, order)
            guard arguments.count == 4, case .string(let order) = arguments[3] else { throw malformed("_frombuffer") }
            return try add(
                tensor: try array(
                    arguments[0], type: arguments[1], shape: try integers(arguments[2]), isFortran: order == "F"))
        case .arrayElementType:
            // (code, align, copy)
            guard case .string(let code)? = arguments.first, code.utf8.count <= 16 else { throw malformed("dtype") }
            guard let type = ElementType(numPyCode: code) else {
                return try addPlaceholder(named: "numpy.dtype('\(code)')")
            }
            return .elementType(type)
        case .arrayScalar:
            guard arguments.count == 2 else { throw malformed("NumPy scalar") }
            return try add(tensor: try array(arguments[1], type: arguments[0], shape: [], isFortran: false))
        case .storageClass, .untypedStorage, .array:
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
            // An ndarray's state: (version, shape, dtype, is Fortran order, bytes).
            guard case .tuple(let fields) = state, case let fields = pickle.sequences[fields], fields.count == 5,
                case .bool(let isFortran) = fields[3]
            else { throw malformed("NumPy array") }
            pickle.tensors[index] = try array(
                fields[4], type: fields[2], shape: try integers(fields[1]), isFortran: isFortran)
        case .placeholder(let index):
            pickle.placeholders[index].state = state
        default:
            throw malformed("the state of what has none")
        }
        return value
    }

    /// A persistent id: ("storage", class, key, location, element count[, view]) or ("module", class, file, source).
    mutating func persistent(_ id: Pickle.Value) throws(CheckpointError) -> Pickle.Value {
        guard case .tuple(let index) = id, case let fields = pickle.sequences[index],
            case .string(let kind)? = fields.first
        else { throw malformed("a persistent id that is no storage") }
        // Legacy files write a module's class with its source text, which is of no use here.
        if kind == "module", fields.count == 4 { return fields[1] }
        guard kind == "storage", fields.count == 5 || fields.count == 6, case .string(let key) = fields[2],
            case .int(let count) = fields[4], count >= 0
        else { throw malformed("a persistent id that is no storage") }
        if fields.count == 6 {
            // A storage that is part of another one: PyTorch 0.3 and older.
            guard case .none = fields[5] else { throw malformed("a storage that is a view of another one") }
        }
        let type: ElementType?
        switch fields[1] {
        case .global(.storageClass(let known)): type = known
        case .global(.untypedStorage): type = nil
        case .placeholder(let index): return .placeholder(index)
        default: throw malformed("a storage of no storage class")
        }
        try charge(64)
        pickle.storages.append(Pickle.Storage(key: key, type: type, count: count))
        return .storage(pickle.storages.count - 1)
    }

    /// Without arguments, with a default for missing items, or with a list of (key, value).
    private mutating func dictionary(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        let result = try addDictionary()
        guard case .dictionary(let index) = result, case .list(let items)? = arguments.first else { return result }
        for item in pickle.sequences[items] {
            let pair: [Pickle.Value]
            switch item {
            case .list(let index), .tuple(let index): pair = pickle.sequences[index]
            default: throw malformed("OrderedDict with arguments")
            }
            guard pair.count == 2 else { throw malformed("OrderedDict with arguments") }
            try chargeValues(2)
            pickle.dictionaries[index].append((key: pair[0], value: pair[1]))
        }
        return result
    }

    /// `_rebuild_tensor_v2`: (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]]).
    private mutating func tensor(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        guard arguments.count >= 4, case .int(let offset) = arguments[1] else { throw malformed("_rebuild_tensor_v2") }
        let shape = try integers(arguments[2])
        let strides = try integers(arguments[3])
        switch arguments[0] {
        case .storage(let index):
            let storage = pickle.storages[index]
            guard let type = storage.type else { throw malformed("a tensor of unknown element type") }
            return try add(
                tensor: TensorReference(
                    source: .storage(key: storage.key, count: storage.count), type: type, offset: offset, shape: shape,
                    strides: strides))
        case .placeholder(let index):
            let name = pickle.className(ofPlaceholder: index)
            return try add(
                tensor: TensorReference(source: .unsupported(name), type: .uint8, shape: shape, strides: strides))
        default:
            throw malformed("_rebuild_tensor_v2")
        }
    }

    /// `_rebuild_tensor_v3`: (storage, offset, size, stride, requires_grad, backward_hooks, dtype, metadata). The element
    /// types it is used for are none that weights are trained in.
    private mutating func tensorOfUntypedStorage(_ arguments: [Pickle.Value]) throws(CheckpointError) -> Pickle.Value {
        guard arguments.count >= 7, case .placeholder(let index) = arguments[6] else {
            throw malformed("_rebuild_tensor_v3")
        }
        return try add(
            tensor: TensorReference(
                source: .unsupported(pickle.className(ofPlaceholder: index)), type: .uint8,
                shape: try integers(arguments[2]),
                strides: try integers(arguments[3])))
    }

    /// A NumPy array of these bytes.
    private mutating func array(
        _ data: Pickle.Value, type: Pickle.Value, shape: [Int], isFortran: Bool
    ) throws(CheckpointError) -> TensorReference {
        guard let rowMajor = TensorReference.contiguousStrides(isFortran ? shape.reversed() : shape) else {
            throw malformed("a NumPy array's shape")
        }
        let strides = isFortran ? rowMajor.reversed() : rowMajor
        switch (type, data) {
        case (.elementType(let type), .bytes(let data)):
            return TensorReference(source: .inline(data), type: type, shape: shape, strides: strides)
        case (.placeholder(let index), _):
            let name = pickle.className(ofPlaceholder: index)
            return TensorReference(source: .unsupported(name), type: .uint8, shape: shape, strides: strides)
        default:
            throw malformed("NumPy array")
        }
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

extension Global {
    fileprivate var isRebuildSubclass: Bool {
        if case .rebuildSubclass = self { true } else { false }
    }
}
