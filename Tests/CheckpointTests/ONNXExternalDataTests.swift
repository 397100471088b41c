import Foundation
import ProgramRunner
import SwiftProtobuf
import Testing

@testable import Checkpoint

/// Numbers of an ONNX file that stand in files beside it.
@Suite struct ONNXExternalDataTests {
    /// A model of one tensor of two numbers, which says of them what `entries` say.
    private static func model(_ entries: [(String, String)], dims: [Int64] = [2], location: Int32 = 1) throws -> [UInt8]
    {
        var model = ONNXModelProto()
        model.producerName = "test"
        model.opsetImport = [.with { $0.version = 17 }]
        model.graph.initializer = [
            .with { tensor in
                (tensor.name, tensor.dataType, tensor.dims, tensor.dataLocation) = ("w", 1, dims, location)
                tensor.externalData = entries.map { entry in .with { ($0.key, $0.value) = entry } }
            }
        ]
        return [0x08, 0x08] + (try model.serializedBytes() as [UInt8])
    }

    private static let numbers: [UInt8] = [1.5, -2, 8].flatMap {
        withUnsafeBytes(of: Float($0).bitPattern.littleEndian, Array.init)
    }

    private func fault(_ folder: TemporaryFolder, _ entries: [(String, String)], dims: [Int64] = [2]) throws
        -> ExternalDataFault?
    {
        let path = try folder.write(Self.model(entries, dims: dims), to: "m.onnx")
        let error = #expect(throws: CheckpointError.self) { try ONNXModel(contentsOf: path) }
        guard case .externalData("w", let fault)? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "not refused")")
            return nil
        }
        return fault
    }

    @Test func `numbers are read where the file says that they stand`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("parts"), withIntermediateDirectories: true)
        _ = try folder.write(Self.numbers, to: "m.onnx.data")
        _ = try folder.write(Self.numbers, to: "parts/one")
        for (entries, expected) in [
            ([("location", "m.onnx.data")], [1.5, -2]),
            ([("location", "m.onnx.data"), ("offset", "4"), ("length", "8")], [-2, 8]),
            ([("location", "parts/one"), ("offset", "4"), ("checksum", "any")], [-2, 8]),
        ] as [([(String, String)], [Float])] {
            let path = try folder.write(Self.model(entries), to: "m.onnx")
            #expect(try ONNXModel(contentsOf: path).initializers["w"]?.values == expected)
            guard case .onnx(let model) = try WeightsFile(contentsOf: path) else {
                Issue.record("no ONNX file")
                return
            }
            #expect(model.initializers["w"]?.values == expected)
        }
    }

    @Test(arguments: ["/etc/hostname", "../m.data", "parts/../../m.data", "./m.data", "", "a//b", "a\0b"])
    func `a location outside the folder, or written in another way, is refused`(location: String) throws {
        let folder = try TemporaryFolder()
        #expect(try fault(folder, [("location", location)]) == .outsideTheFolder(location: location))
    }

    @Test func `a link is not followed`() throws {
        let (outside, folder) = (try TemporaryFolder(), try TemporaryFolder())
        let target = try outside.write(Self.numbers, to: "secret")
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: target)
        try FileManager.default.createSymbolicLink(atPath: folder.path("sub"), withDestinationPath: outside.path(""))
        for location in ["link", "sub/secret"] {
            #expect(try fault(folder, [("location", location)]) == .outsideTheFolder(location: location))
        }
    }

    @Test func `a file that is missing, too short, or none is refused by name`() throws {
        let folder = try TemporaryFolder()
        #expect(try fault(folder, [("location", "m.data")]) == .missing(location: "m.data"))
        _ = try folder.write(Array(Self.numbers.prefix(7)), to: "m.data")
        #expect(
            try fault(folder, [("location", "m.data")]) == .tooShort(location: "m.data", bytes: 7, needed: 8))
        try FileManager.default.createDirectory(atPath: folder.path("d"), withIntermediateDirectories: true)
        #expect(
            try fault(folder, [("location", "d")]) == .unreadable(location: "d", "not a regular file"))
        let path = try folder.write(Self.model([("location", "gone")]), to: "m.onnx")
        let error = #expect(throws: CheckpointError.self) { try ONNXModel(contentsOf: path) }
        #expect(
            error?.description
                == "the numbers of tensor w stand in another file, gone, which is missing; copy it beside the ONNX file, or "
                + "export with external_data=False")
    }

    @Test func `offsets and lengths that make no sense are refused`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Self.numbers, to: "m.data")
        let place = ("location", "m.data")
        for entries in [
            [], [place, ("offset", "-4")], [place, ("offset", "x")], [place, ("length", "-1")],
            [place, ("offset", "\(Int.max)"), ("length", "8")],
        ] {
            #expect(try fault(folder, entries) == .malformed)
        }
        #expect(
            try fault(folder, [place, ("offset", "\(Int.max - 8)"), ("length", "8")])
                == .tooShort(location: "m.data", bytes: 12, needed: .max))
        #expect(try fault(folder, [place], dims: [1 << 62]) == .malformed)
        let path = try folder.write(Self.model([place, ("length", "4")]), to: "m.onnx")
        #expect(throws: CheckpointError.tensorOutOfBounds("w", storage: 1)) { try ONNXModel(contentsOf: path) }
    }

    @Test func `bytes alone have no files beside them`() throws {
        let bytes = try Self.model([("location", "m.data")])
        #expect(throws: CheckpointError.externalData("w", .notAtHand(location: "m.data"))) {
            try ONNXModel(bytes: bytes)
        }
    }
}
