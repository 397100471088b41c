/// What a pickle says, as inert values: nothing of it was looked up, called or run.
///
/// Containers stand in arenas and refer to each other by index, so that the shared and even circular structures a
/// pickle can build cost no recursion, here or when they are released.
struct Pickle {
    enum Value {
        case none
        case bool(Bool)
        case int(Int)
        case float(Double)
        case string(String)
        case bytes([UInt8])
        /// Index into `sequences`; a pickle's lists can still grow, its tuples cannot.
        case tuple(Int)
        case list(Int)
        /// Index into `dictionaries`.
        case dictionary(Int)
        /// Index into `storages`.
        case storage(Int)
        /// Index into `tensors`: a PyTorch tensor or a NumPy array.
        case tensor(Int)
        case elementType(ElementType)
        case global(Global)
    }

    /// A zip entry `data/<key>` of `count` elements.
    struct Storage {
        let key: String
        let type: ElementType
        let count: Int
    }

    var root = Value.none
    var sequences: [[Value]] = []
    /// In the order of insertion; a key may stand twice, and the last one counts.
    var dictionaries: [[(key: Value, value: Value)]] = []
    var storages: [Storage] = []
    var tensors: [TensorReference] = []

    /// The value of a dictionary's key, or nil where `value` is no dictionary or has no such key.
    func member(_ name: String, of value: Value) -> Value? {
        guard case .dictionary(let index) = value else { return nil }
        return dictionaries[index].last { entry in
            if case .string(name) = entry.key { true } else { false }
        }?.value
    }

    /// A dictionary's key as text, for listings and errors.
    func text(ofKey key: Value) -> String {
        switch key {
        case .string(let text): text
        case .int(let number): String(number)
        default: "?"
        }
    }
}

/// The names outside the pickle that it may use. They stand for constructors of inert values, and are never resolved.
enum Global {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storageClass(ElementType)
    case reconstructArray
    case array
    case arrayElementType
    case arrayScalar
    case encodeText

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _):
            guard let type = ElementType(storageClass: name) else { return nil }
            self = .storageClass(type)
        // NumPy 2 moved these functions; both names stand in files.
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
            self = .reconstructArray
        case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .arrayScalar
        case ("numpy", "ndarray"): self = .array
        case ("numpy", "dtype"): self = .arrayElementType
        case ("_codecs", "encode"): self = .encodeText
        default: return nil
        }
    }
}
