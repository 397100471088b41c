/// Where each section lies in the file; an empty range for an absent one.
struct SectionTable {
    private var ranges = InlineArray<11, Range<Int>>(repeating: 0..<0)

    subscript(kind: SectionKind) -> Range<Int> { ranges[Int(kind.rawValue)] }

    func bytes(of kind: SectionKind, in file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file[self[kind]])
    }

    /// Checks the header of a file of `count` bytes, of which `file` is the beginning or the whole. Gives the size of the model
    /// itself, which a signature may follow.
    static func verifyHeader(of file: UnsafeRawBufferPointer, bytes count: Int) throws(ModelError) -> Int {
        guard min(count, file.count) >= Layout.headerBytes else { throw .tooShort(bytes: min(count, file.count)) }
        guard file.field(UInt64.self, at: 0) == Layout.magic else { throw .notAModel }
        let version = file.field(UInt32.self, at: Layout.versionOffset)
        guard (Layout.oldestVersion...Layout.version).contains(version) else {
            throw .unsupportedVersion(found: version)
        }
        let stated = file.field(UInt64.self, at: Layout.fileBytesOffset)
        let signature = UInt64(ModelSignature.byteCount)
        guard stated >= UInt64(Layout.headerBytes), stated <= Layout.maximumBytes,
            UInt64(count) == stated || UInt64(count) == stated + signature
        else { throw .wrongFileSize(stated: stated, found: count) }
        return Int(stated)
    }

    /// Checks the checksum and the table, in that order, of a model whose header is verified.
    init(verifying file: UnsafeRawBufferPointer) throws(ModelError) {
        let checksum = file.field(UInt32.self, at: Layout.checksumOffset)
        let computed = Checksum.ofFile(file)
        guard checksum == computed else { throw .wrongChecksum(stated: checksum, computed: computed) }
        try readEntries(of: file)
        var raw: UInt32 = 1
        while let kind = SectionKind(rawValue: raw) {
            guard kind.isOptional || !self[kind].isEmpty else { throw .sectionMissing(kind) }
            raw += 1
        }
    }

    private mutating func readEntries(of file: UnsafeRawBufferPointer) throws(ModelError) {
        let count = file.field(UInt32.self, at: Layout.sectionCountOffset)
        guard count <= Layout.maximumSections else { throw .badSectionTable(entry: Int(Layout.maximumSections)) }
        var end = UInt64(Layout.headerBytes) + UInt64(count) * UInt64(Layout.sectionEntryBytes)
        guard end <= UInt64(file.count) else { throw .badSectionTable(entry: 0) }
        for entry in 0..<Int(count) {
            let base = Layout.headerBytes + entry * Layout.sectionEntryBytes
            guard let kind = SectionKind(rawValue: file.field(UInt32.self, at: base)), self[kind].isEmpty else {
                throw .badSectionTable(entry: entry)
            }
            let offset = file.field(UInt64.self, at: base + 8)
            let size = file.field(UInt64.self, at: base + 16)
            guard offset % UInt64(Layout.alignment) == 0, offset >= end, offset <= UInt64(file.count), size > 0,
                size <= UInt64(file.count) - offset
            else { throw .sectionOutOfBounds(kind) }
            end = offset + size
            ranges[Int(kind.rawValue)] = Int(offset)..<Int(end)
        }
    }
}
