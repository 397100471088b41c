import Foundation
import ProgramRunner
import Testing

@testable import rarebit_convert

/// What is particular about ONNX files: numbers of their own, and files beside them.
@Suite struct AnONNXFile {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/onnx")
    private let place = try! TemporaryFolder()

    private func convert(_ name: String, size: Int, _ more: [String] = []) throws -> ProgramResult {
        try runProgram(
            "rarebit-convert",
            [
                "convert", Self.folder.appending(path: name).path, "-o", place.path("model.rbit"), "--input",
                "3x\(size)x\(size)", "--mean", ".5,.5,.5", "--std", ".25,.25,.25",
            ] + more)
    }

    private func provenance(_ key: String) throws -> String? {
        let shown = try runProgram("rarebit-convert", ["inspect", place.path("model.rbit")])
        return shown.output.split(separator: "\n").lazy.map { $0.trimmingCharacters(in: .whitespaces) }
            .first { $0.hasPrefix("\(key): ") }.map { String($0.dropFirst(key.count + 2)) }
    }

    @Test func `that is quantised needs no calibration images and says that it has no float twin`() throws {
        let result = try convert("quantised-qdq.onnx", size: 12)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("quantised already and keeps its numbers; there is no float network behind it"))
        #expect(try provenance("calibration") == "none, the file's own numbers")
        let float = try convert("exported-17.onnx", size: 13)
        #expect(float.status == 2)
        #expect(float.errorLine == "rarebit-convert: not known: the calibration images; give --calibrate SPEC")
    }

    @Test func `is named in the model by the hash of itself and of the file beside it`() throws {
        let pictures = try place.write(
            Array("P6 13 13 255\n".utf8) + (0..<507).map { UInt8($0 % 251) }, to: "picture.ppm")
        let list = try place.write(Array("picture.ppm 0\n".utf8), to: "list.txt")
        let root = URL(fileURLWithPath: pictures).deletingLastPathComponent().path
        let result = try convert("external-20.onnx", size: 13, ["--calibrate", "list:\(list):\(root)"])
        #expect(result.status == 0, "\(result.errors)")
        let files = ["external-20.onnx", "external-20.onnx.data"].map { Self.folder.appending(path: $0).path }
        let found = try provenance("source-sha256")
        #expect(found == (try sha256(ofFiles: files)))
        #expect(found != (try sha256(ofFiles: [files[0]])))
    }
}
