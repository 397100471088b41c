import ProgramRunner
import SwiftProtobuf
import Testing

@testable import Checkpoint

@Suite struct ONNXModelTests {
    /// A model of one node and one tensor.
    private static func model(_ change: (inout ONNXModelProto) -> Void = { _ in }) -> ONNXModelProto {
        var model = ONNXModelProto()
        model.producerName = "test"
        model.opsetImport = [.with { $0.version = 17 }]
        model.graph.node = [
            .with {
                $0.opType = "Conv"
                $0.input = ["x", "w"]
                $0.output = ["y"]
                $0.attribute = [
                    .with { ($0.name, $0.type, $0.ints) = ("pads", 7, [1, 1, 1, 1]) },
                    .with { ($0.name, $0.type, $0.f) = ("f", 1, 0.5) },
                    .with { ($0.name, $0.type, $0.i) = ("i", 2, -3) },
                    .with { ($0.name, $0.type, $0.s) = ("s", 3, .init("text".utf8)) },
                    .with { ($0.name, $0.type, $0.floats) = ("floats", 6, [1, 2]) },
                    .with { ($0.name, $0.type) = ("graph", 5) },
                    .with { ($0.name, $0.type, $0.t) = ("t", 4, tensor("", 1) { $0.floatData = [4] }) },
                ]
            }
        ]
        model.graph.initializer = [tensor("w", 1) { $0.floatData = [1.5] }]
        model.graph.input = [
            .with {
                $0.name = "x"
                $0.type.tensorType.shape.dim = [DimensionProto(), .with { $0.dimValue = 3 }]
            }, .with { $0.name = "w" },
        ]
        model.graph.output = [.with { $0.name = "y" }]
        change(&model)
        return model
    }

    private typealias DimensionProto = ONNXDimensionProto

    private static func tensor(_ name: String, _ type: Int32, _ fill: (inout ONNXTensorProto) -> Void)
        -> ONNXTensorProto
    {
        .with {
            $0.name = name
            $0.dataType = type
            $0.dims = [1]
            fill(&$0)
        }
    }

    /// `ir_version` stands first in a file.
    private static func bytes(_ model: ONNXModelProto) -> [UInt8] {
        let rest: [UInt8]? = try? model.serializedBytes()
        return [0x08, 0x08] + (rest ?? [])
    }

    private func refusal(_ change: (inout ONNXModelProto) -> Void) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try ONNXModel(bytes: Self.bytes(Self.model(change))) }
    }

    @Test func `nodes, attributes, tensors and sizes are read`() throws {
        let model = try ONNXModel(bytes: Self.bytes(Self.model()))
        #expect(model.operatorSet == 17 && model.outputs == ["y"] && model.inputs.map(\.name) == ["x"])
        #expect(model.inputs[0].shape == [nil, 3])
        #expect(model.initializers == ["w": Tensor(shape: [1], values: [1.5])])
        let node = try #require(model.nodes.first)
        #expect(
            node.name == "node 0" && node.operation == "Conv" && node.inputs == ["x", "w"] && node.outputs == ["y"])
        let attributes = node.attributes.mapValues { "\($0)" }
        #expect(attributes["pads"] == "ints([1, 1, 1, 1])" && attributes["f"] == "float(0.5)")
        #expect(attributes["i"] == "int(-3)" && attributes["s"] == "string(\"text\")")
        #expect(attributes["floats"] == "floats([1.0, 2.0])" && attributes["graph"] == "other")
        guard case .tensor(Tensor(shape: [1], values: [4]))? = node.attributes["t"] else {
            Issue.record("no tensor")
            return
        }
    }

    @Test func `numbers stand in the field of their type or as raw data`() throws {
        for (code, fill, expected) in [
            (1, { $0.rawData = .init([0, 0, 0x20, 0xC0]) }, -2.5), (11, { $0.doubleData = [-2.5] }, -2.5),
            (7, { $0.int64Data = [-7] }, -7), (6, { $0.int32Data = [-7] }, -7), (3, { $0.int32Data = [-7] }, -7),
            (2, { $0.int32Data = [200] }, 200), (5, { $0.int32Data = [-7] }, -7), (9, { $0.int32Data = [1] }, 1),
            (12, { $0.uint64Data = [7] }, 7), (13, { $0.uint64Data = [7] }, 7), (10, { $0.int32Data = [0xC100] }, -2.5),
            (16, { $0.rawData = .init([0x20, 0xC0]) }, -2.5),
        ] as [(Int32, (inout ONNXTensorProto) -> Void, Float)] {
            let model = Self.model { $0.graph.initializer = [Self.tensor("w", code, fill)] }
            #expect(try ONNXModel(bytes: Self.bytes(model)).initializers["w"]?.values == [expected], "type \(code)")
        }
    }

    @Test func `what is not read is refused by name`() {
        #expect(refusal { $0.opsetImport = [] } == .unsupportedOperatorSet(0))
        #expect(refusal { $0.opsetImport[0].version = 8 } == .unsupportedOperatorSet(8))
        #expect(refusal { $0.opsetImport[0].version = 27 } == .unsupportedOperatorSet(27))
        #expect(refusal { $0.opsetImport[0].domain = "com.example" } == .unsupportedOperatorSet(0))
        #expect(refusal { $0.clearGraph() } == .malformedFile("no graph in it"))
        #expect(refusal { $0.functions = [.init()] } == .unsupportedONNX("functions of the model's own"))
        #expect(refusal { $0.graph.sparseInitializer = [.init()] } == .unsupportedONNX("sparse initializers"))
        #expect(refusal { $0.graph.initializer[0].dataLocation = 1 } == .externalData("w", .malformed))
        #expect(refusal { $0.graph.initializer[0].dataType = 8 } == .unsupportedTensor("w", kind: "ONNX type 8"))
        #expect(refusal { $0.graph.initializer[0].dims = [2] } == .tensorOutOfBounds("w", storage: 1))
        #expect(refusal { $0.graph.initializer[0].dims = [-1] } == .tooLarge("tensor w"))
        #expect(refusal { $0.graph.initializer[0].dims = [1 << 40, 1 << 40] } == .tooLarge("tensor w"))
        // Sizes whose product fits in 64 bits, and whose bytes do not.
        #expect(refusal { $0.graph.initializer[0].dims = [1 << 61] } == .tensorOutOfBounds("w", storage: 1))
        #expect(refusal { $0.graph.initializer += $0.graph.initializer } == .malformedFile("two initializers named w"))
        #expect(
            refusal { $0.graph.node[0].attribute += $0.graph.node[0].attribute[..<1] }
                == .malformedFile("node node 0 has two attributes named pads"))
    }

    @Test func `a file cut anywhere, or with any one byte changed, is read or refused`() {
        let whole = Self.bytes(Self.model())
        for index in whole.indices {
            _ = try? ONNXModel(bytes: Array(whole[..<index]))
            var damaged = whole
            damaged[index] ^= UInt8(1 + index % 255)
            _ = try? ONNXModel(bytes: damaged)
        }
        #expect(throws: CheckpointError.self) { try ONNXModel(bytes: Array(whole.dropLast())) }
        #expect(throws: CheckpointError.self) { try ONNXModel(bytes: []) }
    }

    /// A field of the graph, field 7 of the model.
    private static func graph(_ fields: [UInt8]) -> [UInt8] { [0x08, 0x08, 0x3A] + varint(fields.count) + fields }

    private static func varint(_ value: Int) -> [UInt8] {
        var (bytes, rest): ([UInt8], Int) = ([], value)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    @Test func `floods of empty messages, texts and packed numbers are refused in bounded memory`() throws {
        let count = 4 << 20
        let nodes = [UInt8](repeating: 0, count: 2 * count).indices.map { $0 % 2 == 0 ? 0x0A : 0 } as [UInt8]
        let texts = [0x0A] + Self.varint(nodes.count) + nodes
        let numbers = [0x3A] + Self.varint(count) + [UInt8](repeating: 1, count: count)
        for fields in [nodes, texts, [0x2A] + Self.varint(numbers.count) + numbers] {
            let folder = try TemporaryFolder()
            let file = Self.graph(fields)
            let result = try runProgram("peak-memory", [folder.write(file, to: "file.onnx")])
            let lines = result.output.split(separator: "\n")
            try #require(result.status == 0 && lines.count == 2)
            #expect(lines[0].hasPrefix("the ONNX graph would take far more memory"))
            #expect(try #require(Int(lines[1])) <= 2 * file.count + 64 << 20)
        }
    }

    @Test func `a large model takes no more than twice its size`() throws {
        let count = 12 << 20
        for fill: (inout ONNXTensorProto) -> Void in [
            { $0.rawData = .init(count: 4 * count) }, { $0.floatData = [Float](repeating: 0, count: count) },
        ] {
            let model = Self.model {
                $0.graph.initializer = [Self.tensor("w", 1, fill)]
                $0.graph.initializer[0].dims = [Int64(count)]
            }
            let folder = try TemporaryFolder()
            let file = Self.bytes(model)
            let result = try runProgram("peak-memory", [folder.write(file, to: "file.onnx")])
            let lines = result.output.split(separator: "\n")
            #expect(lines.first == "1 tensors in 1 nodes")
            #expect(try #require(lines.last.flatMap { Int($0) }) <= 2 * file.count + 64 << 20)
        }
    }
}
