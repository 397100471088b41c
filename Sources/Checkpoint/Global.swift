/// The names outside the pickle that mean something here. They stand for constructors of inert values, and are never
/// resolved; any other name becomes a `Pickle.Placeholder`.
enum Global {
    /// A dictionary type of the library: `OrderedDict`, `defaultdict`.
    case dictionary
    case rebuildTensor
    /// For element types without a storage class: the tensor's arguments say the type.
    case rebuildTensorOfUntypedStorage
    case rebuildParameter
    /// A tensor of a subclass, with the tensor's own constructor and arguments inside.
    case rebuildSubclass
    case storageClass(ElementType)
    case untypedStorage
    case reconstructArray
    case arrayFromBuffer
    case array
    case arrayElementType
    case arrayScalar
    case encodeText

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"), ("collections", "defaultdict"): self = .dictionary
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorOfUntypedStorage
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
            self = .rebuildParameter
        case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildSubclass
        case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): self = .untypedStorage
        case ("torch", _):
            guard let type = ElementType(storageClass: name) else { return nil }
            self = .storageClass(type)
        // NumPy 2 moved these functions; both names stand in files.
        case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
            self = .reconstructArray
        case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"): self = .arrayFromBuffer
        case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .arrayScalar
        case ("numpy", "ndarray"): self = .array
        case ("numpy", "dtype"): self = .arrayElementType
        case ("_codecs", "encode"): self = .encodeText
        default: return nil
        }
    }
}
