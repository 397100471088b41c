import CheckpointWriter
import ProgramRunner
import Testing

@testable import Checkpoint

/// No file makes its reader take more than twice the file's size and 64 MB, program included, however it is made.
@Suite struct MemoryTests {
    /// Reads the file in a process of its own; returns what came of it.
    private func read(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let folder = try TemporaryFolder()
        let result = try runProgram("peak-memory", [folder.write(bytes, to: "file")])
        let lines = result.output.split(separator: "\n")
        try #require(result.status == 0 && lines.count == 2, sourceLocation: sourceLocation)
        let peak = try #require(Int(lines[1]))
        #expect(peak <= 2 * bytes.count + 64 << 20, "\(peak) bytes for \(bytes.count)", sourceLocation: sourceLocation)
        return String(lines[0])
    }

    private func zip(_ item: Item) -> [UInt8] { checkpointZip(item).build() }

    private static func repeated(_ operations: String, _ count: Int) -> [UInt8] {
        let operations = operations.unicodeScalars.map { UInt8($0.value) }
        return (0..<count).flatMap { _ in operations }
    }

    @Test(
        arguments: [
            // Empty lists, and the same below a mark each.
            ("]", 4 << 20), ("(", 4 << 20), ("](", 4 << 20),
            // Tuples in tuples, integers, globals, foreign objects.
            (")\u{85}", 4 << 20), ("K\u{1}", 2 << 20), ("ca\nb\n", 1 << 20), ("ca\nb\n)R", 1 << 20),
            // Dictionaries with an item each.
            ("}NNs", 2 << 20),
        ] as [(String, Int)])
    func `floods of values are refused`(operations: String, count: Int) throws {
        let flood = zip(.raw(Self.repeated(operations, count)))
        #expect(try read(flood).hasPrefix("the pickle's structure would take far more memory"))
    }

    @Test func `a flood of memo entries is refused`() throws {
        var bytes = Array("N".utf8)
        for index in 0..<UInt32(2 << 20) {
            bytes.append(UInt8(ascii: "r"))
            bytes.put(index)
        }
        #expect(try read(zip(.raw(bytes))).hasPrefix("the pickle's structure would take far more memory"))
    }

    @Test func `one value under a million keys is refused`() throws {
        var bytes = Item.array([1], code: "u1", order: "|", shape: [1]).bytes + Array("q\u{0}0}(".utf8)
        for index in 0..<60_000 { bytes += Item.text(String(index)).bytes + Array("h\u{0}".utf8) }
        #expect(
            try read(zip(.raw(bytes + Array("u".utf8)))).hasPrefix("a list of all tensors would take far more memory"))
    }

    @Test func `one text decoded again and again, or repeated in keys, is refused`() throws {
        let long = Item.text(String(repeating: "x", count: 1 << 20)).bytes + Array("q\u{0}0".utf8)
        let again = Item.call(.global("_codecs", "encode"), [.raw(Array("h\u{0}".utf8)), .text("latin1")]).bytes
        #expect(try read(zip(.raw(long + (0..<200).flatMap { _ in again }))).hasPrefix("the pickle's structure"))
        let nested = Array("}h\u{0}".utf8) + Self.repeated("}h\u{0}", 64) + Array("N".utf8) + Self.repeated("s", 65)
        #expect(try read(zip(.raw(long + nested))).contains("would take far more memory"))
    }

    @Test func `tensors that repeat one number cost nothing until they are asked for, and no more than the limit`()
        throws
    {
        let tensor = Item.tensor(.storage("0", count: 1), shape: [1 << 20], strides: [0])
        let few = Item.dictionary((0..<4).map { ("x\($0)", tensor) })
        #expect(
            try read(checkpointZip(few, storages: [("0", [0, 0, 0, 0])]).build()) == "4 tensors, 4 of them weights")
        let many = Item.dictionary((0..<1000).map { ("x\($0)", tensor) })
        #expect(try read(checkpointZip(many, storages: [("0", [0, 0, 0, 0])]).build()).hasPrefix("tensor x"))
    }

    @Test func `a large file of small numbers takes little more than itself`() throws {
        let count = 24 << 20
        let item = Item.dictionary([
            ("x", .tensor(.storage("0", count: Int32(count), type: "CharStorage"), shape: [Int32(count)], strides: [1]))
        ])
        let file = checkpointZip(item, storages: [("0", [UInt8](repeating: 1, count: count))]).build()
        #expect(try read(file) == "1 tensors, 1 of them weights")
    }

    @Test func `a directory of many small zip entries is refused`() throws {
        let entries = (0..<300_000).map { ZipBuilder.Entry(name: String($0), data: []) }
        #expect(
            try read(ZipBuilder(entries: entries).build()).hasPrefix("the zip's directory would take far more memory"))
        #expect(try read(ZipBuilder(entries: Array(entries.prefix(1 << 16))).build()).contains("data.pkl is missing"))
    }

    @Test func `a safetensors header of many tensors, or of endless nesting, is refused`() throws {
        let entry = #"{"dtype":"F32","shape":[],"data_offsets":[0,0]}"#
        let tensors = (0..<200_000).map { "\"\($0)\":" + entry.replacing("[]", with: "[0]") }.joined(separator: ",")
        #expect(try read(safetensorsFile(header: "{\(tensors)}", data: [])).hasPrefix("a list of all tensors"))
        let nested = "{\"a\":" + String(repeating: "{\"dtype\":", count: 200_000)
        #expect(try read(safetensorsFile(header: nested, data: [])).hasPrefix("damaged file: "))
    }

    @Test func `a legacy file of many storages takes little more than itself`() throws {
        let storages = (0..<10_000).map { (String($0), [0, 0, 0, 0] as [UInt8]) }
        let root = Item.dictionary(
            storages.map { ($0.0, .tensor(.storage($0.0, count: 1), shape: [1], strides: [1])) })
        #expect(try read(legacyFile(root, storages: storages)).contains("10000 of them weights"))
    }
}
