/// CRC-32 (IEEE 802.3, the one of zip and PNG), eight bytes a step.
public struct Checksum {
    // table[256 * k + b]: the CRC of byte b followed by k zero bytes ("slicing by 8").
    private var table = InlineArray<2048, UInt32>(repeating: 0)
    private var state: UInt32 = ~0

    public init() {
        for byte in 0..<256 {
            var crc = UInt32(truncatingIfNeeded: byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
            }
            table[byte] = crc
        }
        for index in 256..<2048 {
            let previous = table[index - 256]
            table[index] = previous >> 8 ^ table[Int(previous & 0xFF)]
        }
    }

    public var value: UInt32 { ~state }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while bytes.count - offset >= 8 {
            let word =
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(state)
            state = 0
            for byte in 0..<8 {
                state ^= table[(7 - byte) << 8 | Int(word >> UInt64(8 * byte) & 0xFF)]
            }
            offset += 8
        }
        for byte in bytes[offset...] {
            state = state >> 8 ^ table[Int((state ^ UInt32(byte)) & 0xFF)]
        }
    }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Checksum()
        checksum.update(bytes)
        return checksum.value
    }

    /// The checksum of a model file: all its bytes, with those of the checksum field taken as zero.
    static func ofFile(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = Checksum()
        var zero: UInt32 = 0
        checksum.update(UnsafeRawBufferPointer(rebasing: bytes[..<Layout.checksumOffset]))
        withUnsafeBytes(of: &zero) { checksum.update($0) }
        checksum.update(UnsafeRawBufferPointer(rebasing: bytes[(Layout.checksumOffset + 4)...]))
        return checksum.value
    }
}
