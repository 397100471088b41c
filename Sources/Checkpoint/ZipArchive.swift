import Zlib

/// The entries of a zip file as byte ranges of the file. Only stored entries are accepted, so nothing is ever unpacked.
///
/// Names and sizes come from the central directory. Every range is checked against the file, and no two entries share a
/// byte.
/// Source: PKWARE's APPNOTE.TXT, 4.3.6 to 4.3.16 and 4.5.3 (zip64).
struct ZipArchive {
    struct Entry: Equatable {
        let range: Range<Int>
        /// CRC-32 of the bytes; 0 where the writer left it out, as PyTorch can be told to.
        let checksum: UInt32
    }

    static let signature: [UInt8] = [0x50, 0x4B]

    let bytes: [UInt8]
    let entries: [String: Entry]

    /// torch.save makes one entry a storage: networks have some thousands at most.
    private static let mostEntries = 1 << 16

    init(_ bytes: [UInt8]) throws(CheckpointError) {
        let directory = try CentralDirectory(of: bytes)
        guard directory.count <= Self.mostEntries else { throw .tooLarge("the zip's directory") }
        var entries: [String: Entry] = [:]
        var occupied: [Range<Int>] = []
        var offset = directory.range.lowerBound
        for _ in 0..<directory.count {
            let record = try DirectoryRecord(in: bytes, at: offset, below: directory.range.upperBound)
            guard record.isStored else { throw .compressedEntry(record.name) }
            let data = try record.locate(in: bytes, below: directory.range.lowerBound)
            let entry = Entry(range: data, checksum: record.checksum)
            guard entries.updateValue(entry, forKey: record.name) == nil else {
                throw .malformedZip("two entries named \(record.name)", offset: offset)
            }
            occupied.append(record.localOffset..<data.upperBound)
            offset = record.end
        }
        guard offset == directory.range.upperBound else {
            throw .malformedZip("the central directory is longer than its entries", offset: offset)
        }
        occupied.sort { $0.lowerBound < $1.lowerBound }
        for (previous, next) in zip(occupied, occupied.dropFirst()) where next.lowerBound < previous.upperBound {
            throw .malformedZip("two entries overlap", offset: next.lowerBound)
        }
        self.bytes = bytes
        self.entries = entries
    }

    /// The paths that a zip file's directory lists, of entries of any kind; none where the directory is damaged.
    static func paths(in bytes: [UInt8]) -> [String] {
        guard let directory = try? CentralDirectory(of: bytes), directory.count <= mostEntries else { return [] }
        var paths: [String] = []
        var offset = directory.range.lowerBound
        for _ in 0..<directory.count {
            guard let record = try? DirectoryRecord(in: bytes, at: offset, below: directory.range.upperBound) else {
                return []
            }
            paths.append(record.name)
            offset = record.end
        }
        return paths
    }

    /// The bytes of an entry, compared with its checksum; nil where there is no entry of that name.
    func data(of name: String) throws(CheckpointError) -> ArraySlice<UInt8>? {
        guard let entry = entries[name] else { return nil }
        let data = bytes[entry.range]
        guard entry.checksum == 0 || entry.checksum == crc32(data) else { throw .wrongChecksum(name) }
        return data
    }

    private func crc32(_ data: ArraySlice<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: data.withUnsafeBytes { crc32_z(0, $0.baseAddress, $0.count) })
    }
}

/// Where the central directory lies and how many records it has.
private struct CentralDirectory {
    let range: Range<Int>
    let count: Int

    private static let endSize = 22
    private static let longestComment = 0xFFFF

    init(of bytes: [UInt8]) throws(CheckpointError) {
        guard let end = Self.endRecord(of: bytes) else {
            throw bytes.starts(with: [0x50, 0x4B, 3, 4]) ? .truncatedZip : .notAZip
        }
        let damaged = CheckpointError.malformedZip("bad end of the central directory", offset: end)
        let offset: UInt64
        let size: UInt64
        let count: UInt64
        let limit: Int
        if let locator = bytes.integer(UInt32.self, at: end - 20, below: end), locator == 0x0706_4B50 {
            guard let record = bytes.integer(UInt64.self, at: end - 12, below: end).flatMap(Int.init(exactly:)),
                record <= end - 20 - 56, bytes.integer(UInt32.self, at: record, below: end) == 0x0606_4B50,
                let longCount = bytes.integer(UInt64.self, at: record + 32, below: end),
                let longSize = bytes.integer(UInt64.self, at: record + 40, below: end),
                let longOffset = bytes.integer(UInt64.self, at: record + 48, below: end)
            else { throw damaged }
            (offset, size, count, limit) = (longOffset, longSize, longCount, record)
        } else {
            guard let shortCount = bytes.integer(UInt16.self, at: end + 10, below: bytes.count),
                let shortSize = bytes.integer(UInt32.self, at: end + 12, below: bytes.count),
                let shortOffset = bytes.integer(UInt32.self, at: end + 16, below: bytes.count)
            else { throw damaged }
            (offset, size, count, limit) = (UInt64(shortOffset), UInt64(shortSize), UInt64(shortCount), end)
        }
        guard offset <= limit, size <= UInt64(limit) - offset, count <= size / UInt64(DirectoryRecord.fixedSize) else {
            throw damaged
        }
        range = Int(offset)..<Int(offset + size)
        self.count = Int(count)
    }

    /// The last end record whose comment ends where the file ends.
    private static func endRecord(of bytes: [UInt8]) -> Int? {
        let latest = bytes.count - endSize
        guard latest >= 0 else { return nil }
        return stride(from: latest, through: max(0, latest - longestComment), by: -1).first { offset in
            bytes.integer(UInt32.self, at: offset, below: bytes.count) == 0x0605_4B50
                && bytes.integer(UInt16.self, at: offset + 20, below: bytes.count).map(Int.init) == latest - offset
        }
    }
}

/// One record of the central directory.
private struct DirectoryRecord {
    static let fixedSize = 46

    let name: String
    let nameBytes: ArraySlice<UInt8>
    /// Neither compressed nor encrypted, and as long packed as unpacked.
    let isStored: Bool
    let size: Int
    let checksum: UInt32
    let localOffset: Int
    /// The offset after this record.
    let end: Int

    init(in bytes: [UInt8], at offset: Int, below limit: Int) throws(CheckpointError) {
        let damaged = CheckpointError.malformedZip("bad record in the central directory", offset: offset)
        guard bytes.integer(UInt32.self, at: offset, below: limit) == 0x0201_4B50,
            let flags = bytes.integer(UInt16.self, at: offset + 8, below: limit),
            let method = bytes.integer(UInt16.self, at: offset + 10, below: limit),
            let checksum = bytes.integer(UInt32.self, at: offset + 16, below: limit),
            let packedSize = bytes.integer(UInt32.self, at: offset + 20, below: limit),
            let plainSize = bytes.integer(UInt32.self, at: offset + 24, below: limit),
            let nameLength = bytes.integer(UInt16.self, at: offset + 28, below: limit),
            let extraLength = bytes.integer(UInt16.self, at: offset + 30, below: limit),
            let commentLength = bytes.integer(UInt16.self, at: offset + 32, below: limit),
            let headerOffset = bytes.integer(UInt32.self, at: offset + 42, below: limit)
        else { throw damaged }
        let nameStart = offset + Self.fixedSize
        let extraStart = nameStart + Int(nameLength)
        let extraEnd = extraStart + Int(extraLength)
        end = extraEnd + Int(commentLength)
        guard end <= limit else { throw damaged }
        nameBytes = bytes[nameStart..<extraStart]
        guard let name = String(validating: nameBytes, as: UTF8.self) else { throw damaged }
        self.name = name
        isStored = method == 0 && flags & 1 == 0

        // zip64: a field of all ones is found in the extra data, in this order.
        var long = Zip64Fields(in: bytes, range: extraStart..<extraEnd)
        guard let plain = long.next(inPlaceOf: plainSize), let packed = long.next(inPlaceOf: packedSize),
            let header = long.next(inPlaceOf: headerOffset), !isStored || plain == packed
        else { throw damaged }
        size = plain
        self.checksum = checksum
        localOffset = header
    }

    /// Follows the record to its local header and returns where the entry's bytes are.
    func locate(in bytes: [UInt8], below limit: Int) throws(CheckpointError) -> Range<Int> {
        let damaged = CheckpointError.malformedZip("the local header of \(name) is bad", offset: localOffset)
        guard localOffset <= limit, bytes.integer(UInt32.self, at: localOffset, below: limit) == 0x0403_4B50,
            bytes.integer(UInt16.self, at: localOffset + 8, below: limit) == 0,
            let nameLength = bytes.integer(UInt16.self, at: localOffset + 26, below: limit),
            let extraLength = bytes.integer(UInt16.self, at: localOffset + 28, below: limit)
        else { throw damaged }
        let nameStart = localOffset + 30
        let dataStart = nameStart + Int(nameLength) + Int(extraLength)
        guard dataStart <= limit, size <= limit - dataStart,
            bytes[nameStart..<nameStart + Int(nameLength)] == nameBytes
        else { throw damaged }
        return dataStart..<dataStart + size
    }
}

/// The 64-bit fields of a zip64 extra block, taken one by one.
private struct Zip64Fields {
    private let bytes: [UInt8]
    private var rest: Range<Int>

    init(in bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        var offset = range.lowerBound
        rest = offset..<offset
        while let kind = bytes.integer(UInt16.self, at: offset, below: range.upperBound),
            let length = bytes.integer(UInt16.self, at: offset + 2, below: range.upperBound)
        {
            let end = offset + 4 + Int(length)
            guard end <= range.upperBound else { return }
            if kind == 1 {
                rest = offset + 4..<end
                return
            }
            offset = end
        }
    }

    mutating func next(inPlaceOf short: UInt32) -> Int? {
        guard short == .max else { return Int(short) }
        guard let long = bytes.integer(UInt64.self, at: rest.lowerBound, below: rest.upperBound) else { return nil }
        rest = rest.lowerBound + 8..<rest.upperBound
        return Int(exactly: long)
    }
}
