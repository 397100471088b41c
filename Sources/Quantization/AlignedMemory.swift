/// Zeroed memory on a 64-byte boundary, as arenas, workspaces and model files need it.
public final class AlignedMemory {
    public let bytes: UnsafeMutableRawBufferPointer

    public init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        bytes.deallocate()
    }
}
