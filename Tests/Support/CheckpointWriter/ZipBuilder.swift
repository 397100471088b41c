/// Writes small zip files, good or damaged on purpose, as torch.save lays them out: stored entries only.
package struct ZipBuilder {
    package struct Entry {
        package var name: String
        package var data: [UInt8]
        package var method: UInt16 = 0
        package var flags: UInt16 = 0
        /// CRC-32 as the directory states it; 0 says nothing.
        package var checksum: UInt32 = 0
        /// Writes sizes and offset of the directory record as zip64 extra data.
        package var isZip64 = false
        /// Overrides what the directory says.
        package var statedSize: UInt32?
        package var statedOffset: UInt32?

        package init(name: String, data: [UInt8]) {
            self.name = name
            self.data = data
        }
    }

    package var entries: [Entry] = []
    /// Adds a zip64 end record and its locator, as PyTorch always does.
    package var hasZip64End = true
    package var comment: [UInt8] = []

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    package func build() -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = UInt32(file.count)
            let name = Array(entry.name.utf8)
            file.put(UInt32(0x0403_4B50), UInt16(0), entry.flags, entry.method, UInt32(0))
            file.put(UInt32(0), UInt32(entry.data.count), UInt32(entry.data.count), UInt16(name.count), UInt16(0))
            file += name + entry.data

            let size = entry.isZip64 ? .max : entry.statedSize ?? UInt32(entry.data.count)
            directory.put(UInt32(0x0201_4B50), UInt16(0), UInt16(0), entry.flags, entry.method, UInt32(0))
            directory.put(entry.checksum)
            directory.put(size, size, UInt16(name.count), UInt16(entry.isZip64 ? 28 : 0), UInt16(0))
            directory.put(UInt16(0), UInt16(0), UInt32(0), entry.isZip64 ? .max : entry.statedOffset ?? offset)
            directory += name
            if entry.isZip64 {
                directory.put(UInt16(1), UInt16(24), UInt64(entry.data.count), UInt64(entry.data.count), UInt64(offset))
            }
        }
        let start = file.count
        file += directory
        if hasZip64End {
            let end = file.count
            file.put(UInt32(0x0606_4B50), UInt64(44), UInt16(45), UInt16(45), UInt32(0), UInt32(0))
            file.put(UInt64(entries.count), UInt64(entries.count), UInt64(directory.count), UInt64(start))
            file.put(UInt32(0x0706_4B50), UInt32(0), UInt64(end), UInt32(1))
        }
        file.put(
            UInt32(0x0605_4B50), UInt16(0), UInt16(0), UInt16(clamping: entries.count), UInt16(clamping: entries.count))
        file.put(UInt32(directory.count), UInt32(start), UInt16(comment.count))
        return file + comment
    }
}

extension [UInt8] {
    /// Appends integers, little-endian.
    package mutating func put<each T: FixedWidthInteger>(_ integer: repeat each T) {
        for value in repeat each integer {
            Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
        }
    }
}
