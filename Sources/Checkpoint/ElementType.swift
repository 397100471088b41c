/// The number types of PyTorch storages and NumPy arrays that can be read. The raw value is the usual name.
public enum ElementType: String, Sendable {
    case float16, bfloat16, float32, float64
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool

    /// Size of one element in bytes.
    public var size: Int {
        switch self {
        case .int8, .uint8, .bool: 1
        case .float16, .bfloat16, .int16, .uint16: 2
        case .float32, .int32, .uint32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// From the name of a storage class in the module `torch`.
    init?(storageClass name: String) {
        switch name {
        case "HalfStorage": self = .float16
        case "BFloat16Storage": self = .bfloat16
        case "FloatStorage": self = .float32
        case "DoubleStorage": self = .float64
        case "CharStorage": self = .int8
        case "ShortStorage": self = .int16
        case "IntStorage": self = .int32
        case "LongStorage": self = .int64
        case "ByteStorage": self = .uint8
        case "BoolStorage": self = .bool
        default: return nil
        }
    }

    /// From a NumPy type code without its byte order.
    init?(numPyCode code: String) {
        switch code {
        case "f2": self = .float16
        case "f4": self = .float32
        case "f8": self = .float64
        case "i1": self = .int8
        case "i2": self = .int16
        case "i4": self = .int32
        case "i8": self = .int64
        case "u1": self = .uint8
        case "u2": self = .uint16
        case "u4": self = .uint32
        case "u8": self = .uint64
        case "b1": self = .bool
        default: return nil
        }
    }

    /// From a `dtype` of a safetensors header.
    init?(safetensors code: String) {
        switch code {
        case "F16": self = .float16
        case "BF16": self = .bfloat16
        case "F32": self = .float32
        case "F64": self = .float64
        case "I8": self = .int8
        case "I16": self = .int16
        case "I32": self = .int32
        case "I64": self = .int64
        case "U8": self = .uint8
        case "U16": self = .uint16
        case "U32": self = .uint32
        case "U64": self = .uint64
        case "BOOL": self = .bool
        default: return nil
        }
    }

    /// Element `index` of little-endian data, rounded to the nearest float32. The index must be inside `data`.
    func load(_ index: Int, from data: UnsafeRawBufferPointer) -> Float {
        let offset = index * size
        func bits<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T {
            T(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: type))
        }
        switch self {
        case .float16: return Float(Float16(bitPattern: bits(UInt16.self)))
        case .bfloat16: return Float(bitPattern: UInt32(bits(UInt16.self)) << 16)
        case .float32: return Float(bitPattern: bits(UInt32.self))
        case .float64: return Float(Double(bitPattern: bits(UInt64.self)))
        case .int8: return Float(bits(Int8.self))
        case .int16: return Float(bits(Int16.self))
        case .int32: return Float(bits(Int32.self))
        case .int64: return Float(bits(Int64.self))
        case .uint8: return Float(bits(UInt8.self))
        case .uint16: return Float(bits(UInt16.self))
        case .uint32: return Float(bits(UInt32.self))
        case .uint64: return Float(bits(UInt64.self))
        case .bool: return bits(UInt8.self) == 0 ? 0 : 1
        }
    }
}
