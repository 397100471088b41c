import CheckpointWriter
import Testing

@testable import Checkpoint

@Suite struct ZipArchiveTests {
    private static let good = ZipBuilder(entries: [
        .init(name: "a/data.pkl", data: [1, 2, 3]), .init(name: "a/data/0", data: []),
        .init(name: "a/version", data: [9]),
    ])

    private func refusal(_ zip: ZipBuilder) -> CheckpointError? {
        #expect(throws: CheckpointError.self) { try ZipArchive(zip.build()) }
    }

    @Test(arguments: [true, false])
    func `entries are found with and without a zip64 end record`(hasZip64End: Bool) throws {
        var zip = Self.good
        zip.hasZip64End = hasZip64End
        zip.entries[0].isZip64 = hasZip64End
        let archive = try ZipArchive(zip.build())
        #expect(
            archive.entries.mapValues { Array(archive.bytes[$0.range]) } == [
                "a/data.pkl": [1, 2, 3], "a/data/0": [], "a/version": [9],
            ])
    }

    @Test func `a comment after the end record is skipped`() throws {
        var zip = Self.good
        zip.comment = Array("PK\u{5}\u{6} is no second end record".utf8)
        #expect(try ZipArchive(zip.build()).entries.count == 3)
    }

    @Test func `what is no zip is told apart from a zip that was cut`() {
        #expect(throws: CheckpointError.notAZip) { try ZipArchive([]) }
        #expect(throws: CheckpointError.notAZip) { try ZipArchive(Array("a text of more than one end record".utf8)) }
        #expect(throws: CheckpointError.truncatedZip) { try ZipArchive(Self.good.build().dropLast()) }
    }

    @Test func `compressed and encrypted entries are refused by name`() {
        var zip = Self.good
        zip.entries[1].method = 8
        #expect(refusal(zip) == .compressedEntry("a/data/0"))
        zip.entries[1].method = 0
        zip.entries[1].flags = 1
        #expect(refusal(zip) == .compressedEntry("a/data/0"))
    }

    @Test func `two entries of one name are refused`() {
        var zip = Self.good
        zip.entries[1].name = "a/version"
        #expect(refusal(zip)?.description.contains("two entries named a/version") == true)
    }

    @Test func `entries that share bytes are refused`() {
        // The second entry's data reaches over the third entry's local header.
        var zip = Self.good
        zip.entries[1].statedSize = 8
        #expect(refusal(zip)?.description.contains("overlap") == true)
    }

    @Test(arguments: [1 << 16, UInt32.max - 1])
    func `sizes and offsets outside the file are refused`(value: UInt32) {
        var zip = Self.good
        zip.entries[2].statedSize = value
        #expect(refusal(zip)?.description.contains("local header of a/version") == true)
        zip.entries[2].statedSize = nil
        zip.entries[2].statedOffset = value
        #expect(refusal(zip)?.description.contains("local header of a/version") == true)
    }

    @Test func `bytes that do not have the stated checksum are refused when they are asked for`() throws {
        var zip = Self.good
        // CRC-32 of the bytes 1, 2, 3.
        zip.entries[0].checksum = 0x55BC_801D
        #expect(try ZipArchive(zip.build()).data(of: "a/data.pkl") == [1, 2, 3])
        zip.entries[0].data[2] = 4
        let archive = try ZipArchive(zip.build())
        #expect(throws: CheckpointError.wrongChecksum("a/data.pkl")) { try archive.data(of: "a/data.pkl") }
        #expect(try archive.data(of: "a/version") == [9])
        #expect(try archive.data(of: "absent") == nil)
    }

    @Test func `more entries than any network has are refused`() {
        var zip = ZipBuilder(entries: (0...1 << 16).map { .init(name: String($0), data: []) })
        #expect(refusal(zip) == .tooLarge("the zip's directory"))
        zip.entries.removeLast()
        #expect(throws: Never.self) { try ZipArchive(zip.build()) }
    }

    @Test func `a name that differs from its local header is refused`() throws {
        var bytes = Self.good.build()
        bytes[30] = UInt8(ascii: "b")
        #expect(throws: CheckpointError.malformedZip("the local header of a/data.pkl is bad", offset: 0)) {
            try ZipArchive(bytes)
        }
    }
}
