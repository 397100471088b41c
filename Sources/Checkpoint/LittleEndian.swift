extension [UInt8] {
    /// The little-endian integer at `offset`, or nil where it does not lie wholly below `limit`.
    func integer<T: FixedWidthInteger>(_ type: T.Type, at offset: Int, below limit: Int) -> T? {
        let size = MemoryLayout<T>.size
        guard offset >= 0, limit <= count, offset <= limit - size else { return nil }
        return T(littleEndian: withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) })
    }
}
