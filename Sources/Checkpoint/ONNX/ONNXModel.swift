import SwiftProtobuf

/// An ONNX file as plain data: nodes in order of execution and the tensors they read by name.
///
/// Reading it ends in values or in a `CheckpointError`, in memory below twice the file's size and 64 MB; numbers that stand in
/// other files (`ONNXExternalData`) are in memory once.
public struct ONNXModel: Sendable {
    /// The program that wrote the file, such as "pytorch 2.13.0".
    public let producer: String
    /// The version of ONNX's own operator set that the nodes are of.
    public let operatorSet: Int
    public let nodes: [ONNXNode]
    /// The numbers that belong to the model, by name.
    public let initializers: [String: Tensor]
    /// What the model is given: name and sizes, nil where the file leaves one open. Initializers are not among them.
    public let inputs: [Input]
    public let outputs: [String]
    /// The files, by their paths from the file's own folder, that numbers stand in too.
    public internal(set) var externalFiles: [String] = []

    public struct Input: Sendable {
        public let name: String
        public let shape: [Int?]
    }

    /// Operator sets whose operations mean what the reader of nodes takes them to mean.
    public static let operatorSets = 9...26
}

extension ONNXModel {
    public init(contentsOf path: String) throws(CheckpointError) {
        try self.init(bytes: readFile(path), externalData: ONNXExternalData.beside(path))
    }

    /// `externalData` gives the first bytes of another file by its location, as many as are asked for.
    public init(
        bytes: consuming [UInt8], externalData: ONNXExternalData.Source = ONNXExternalData.none
    ) throws(CheckpointError) {
        var model = try Self.decoded(bytes)
        // The decoded model holds a copy of the numbers: the file's own go before each tensor takes them over.
        bytes = []
        try Self.checkForm(of: model)
        operatorSet = try Self.operatorSet(of: model)
        producer = "\(model.producerName) \(model.producerVersion)"
        // Out of the model, so that taking from a part does not copy the whole.
        var graph = model.graph
        model = ONNXModelProto()
        let external = try ONNXExternalData(of: graph.initializer, from: externalData)
        externalFiles = external.locations
        initializers = try Self.initializers(taking: &graph, external)
        inputs = graph.input.filter { [initializers] in initializers[$0.name] == nil }.map { input in
            Input(
                name: input.name,
                shape: input.type.tensorType.shape.dim.map { $0.hasDimValue ? Int(clamping: $0.dimValue) : nil })
        }
        outputs = graph.output.map(\.name)
        nodes = try Self.nodes(taking: &graph)
    }

    private static func checkForm(of model: ONNXModelProto) throws(CheckpointError) {
        guard model.hasGraph else { throw .malformedFile("no graph in it") }
        guard model.functions.isEmpty else { throw .unsupportedONNX("functions of the model's own") }
        guard model.graph.sparseInitializer.isEmpty else { throw .unsupportedONNX("sparse initializers") }
    }

    private static func operatorSet(of model: ONNXModelProto) throws(CheckpointError) -> Int {
        let version = model.opsetImport.last { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 0
        guard let version = Int(exactly: version), operatorSets.contains(version) else {
            throw .unsupportedOperatorSet(Int(clamping: version))
        }
        return version
    }

    private static func initializers(
        taking graph: inout ONNXGraphProto, _ external: ONNXExternalData
    ) throws(CheckpointError) -> [String: Tensor] {
        var messages = graph.initializer
        graph.initializer = []
        var result: [String: Tensor] = [:]
        for index in messages.indices {
            let name = messages[index].name
            guard result.updateValue(try Tensor(taking: &messages[index], external), forKey: name) == nil else {
                throw .malformedFile("two initializers named \(name)")
            }
        }
        return result
    }

    private static func nodes(taking graph: inout ONNXGraphProto) throws(CheckpointError) -> [ONNXNode] {
        var messages = graph.node
        graph.node = []
        var result: [ONNXNode] = []
        for index in messages.indices {
            result.append(try ONNXNode(taking: &messages[index], number: index))
        }
        return result
    }

    private static func decoded(_ bytes: [UInt8]) throws(CheckpointError) -> ONNXModelProto {
        if ONNXOutline(bytes)?.endsEarly == true { throw .endsEarly }
        var cost = ONNXDecodingCost(bytes)
        guard try cost.measured() <= 24 << 20 else { throw .tooLarge("the ONNX graph") }
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        // The schema nests seven messages deep.
        options.messageDepthLimit = 10
        do {
            return try ONNXModelProto(serializedBytes: bytes, options: options)
        } catch {
            throw .malformedFile("not well-formed ONNX")
        }
    }
}

/// One operation of a model.
public struct ONNXNode: Sendable {
    /// As the file names it, or "node 3" where it has no name: for messages.
    public let name: String
    /// Such as "Conv"; with its domain in front where that is not ONNX's own.
    public let operation: String
    /// Names of values; empty for an input that is left out.
    public let inputs: [String]
    public let outputs: [String]
    public let attributes: [String: ONNXAttribute]

    public init(
        name: String, operation: String, inputs: [String], outputs: [String], attributes: [String: ONNXAttribute]
    ) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
    }
}

public enum ONNXAttribute: Sendable {
    case float(Float)
    case int(Int)
    case string(String)
    case tensor(Tensor)
    case floats([Float])
    case ints([Int])
    /// A graph, or of a kind that no operation that is read here has.
    case other
}

extension ONNXNode {
    fileprivate init(taking node: inout ONNXNodeProto, number: Int) throws(CheckpointError) {
        name = node.name.isEmpty ? "node \(number)" : node.name
        operation = node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain).\(node.opType)"
        inputs = node.input
        outputs = node.output
        var messages = node.attribute
        node = ONNXNodeProto()
        var attributes: [String: ONNXAttribute] = [:]
        for index in messages.indices {
            let name = messages[index].name
            let attribute = try ONNXAttribute(taking: &messages[index])
            guard attributes.updateValue(attribute, forKey: name) == nil else {
                throw .malformedFile("node \(self.name) has two attributes named \(name)")
            }
        }
        self.attributes = attributes
    }
}

extension ONNXAttribute {
    fileprivate init(taking attribute: inout ONNXAttributeProto) throws(CheckpointError) {
        switch attribute.type {
        case 1: self = .float(attribute.f)
        case 2: self = .int(Int(attribute.i))
        case 3: self = .string(String(decoding: attribute.s, as: UTF8.self))
        case 4: self = .tensor(try Tensor(taking: &attribute.t))
        case 6: self = .floats(attribute.floats)
        case 7: self = .ints(attribute.ints.map(Int.init))
        default: self = .other
        }
    }
}

extension Tensor {
    /// The tensor of a message, whose numbers are removed. Those of an attribute stand in the message itself.
    fileprivate init(
        taking tensor: inout ONNXTensorProto, _ external: ONNXExternalData? = nil
    ) throws(CheckpointError) {
        let name = tensor.name
        let shape = tensor.dims.map(Int.init)
        guard shape.count <= 64, elementCount(shape) != nil, let strides = TensorReference.contiguousStrides(shape)
        else { throw .tooLarge("tensor \(name)") }
        guard let type = ElementType(onnx: tensor.dataType) else {
            throw .unsupportedTensor(name, kind: "ONNX type \(tensor.dataType)")
        }
        let bytes: ArraySlice<UInt8>
        if tensor.dataLocation == 0 {
            bytes = [UInt8](taking: &tensor, type: type)[...]
        } else {
            guard let external else { throw .externalData(name, .ofAttribute) }
            bytes = try external.bytes(of: tensor)
        }
        let reference = TensorReference(source: .inline([]), type: type, shape: shape, strides: strides)
        guard CheckedSize(productOf: shape) * CheckedSize(type.size) == bytes.count,
            let view = TensorView(reference, of: bytes)
        else {
            throw .tensorOutOfBounds(name, storage: bytes.count / type.size)
        }
        self.init(view)
    }
}

extension [UInt8] {
    /// The numbers of a message, little-endian: as raw data, or in the field for numbers of their type.
    fileprivate init(taking tensor: inout ONNXTensorProto, type: ElementType) {
        if !tensor.rawData.isEmpty {
            self.init(tensor.rawData)
            tensor.rawData.removeAll()
            return
        }
        self = []
        reserveCapacity(
            type.size
                * Swift.max(
                    tensor.floatData.count, tensor.doubleData.count, tensor.int64Data.count, tensor.uint64Data.count,
                    tensor.int32Data.count))
        func append<T: FixedWidthInteger>(_ value: T, _ bytes: inout [UInt8]) {
            Swift.withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        switch type {
        case .float32: for value in tensor.floatData { append(value.bitPattern, &self) }
        case .float64: for value in tensor.doubleData { append(value.bitPattern, &self) }
        case .int64: for value in tensor.int64Data { append(value, &self) }
        case .uint32: for value in tensor.uint64Data { append(UInt32(truncatingIfNeeded: value), &self) }
        case .uint64: for value in tensor.uint64Data { append(value, &self) }
        case .int32: for value in tensor.int32Data { append(value, &self) }
        // 16 bits of any type are kept as they are, in 32.
        case .int16, .uint16, .float16, .bfloat16:
            for value in tensor.int32Data { append(UInt16(truncatingIfNeeded: value), &self) }
        case .int8, .uint8, .bool: for value in tensor.int32Data { append(UInt8(truncatingIfNeeded: value), &self) }
        }
        (tensor.floatData, tensor.doubleData, tensor.int64Data) = ([], [], [])
        (tensor.uint64Data, tensor.int32Data) = ([], [])
    }
}

extension ElementType {
    /// From ONNX's TensorProto.DataType.
    init?(onnx code: Int32) {
        switch code {
        case 1: self = .float32
        case 2: self = .uint8
        case 3: self = .int8
        case 4: self = .uint16
        case 5: self = .int16
        case 6: self = .int32
        case 7: self = .int64
        case 9: self = .bool
        case 10: self = .float16
        case 11: self = .float64
        case 12: self = .uint32
        case 13: self = .uint64
        case 16: self = .bfloat16
        default: return nil
        }
    }
}
