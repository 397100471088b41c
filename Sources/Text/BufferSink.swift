/// Collects text in memory of a fixed size; what does not fit is left out.
public struct BufferSink: TextSink {
    private let memory: UnsafeMutableRawBufferPointer
    public private(set) var count = 0

    /// `memory` is the caller's, and kept as long as the sink.
    public init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count])
    }

    public mutating func clear() { count = 0 }

    public mutating func write(_ bytes: UnsafeRawBufferPointer) {
        let taken = min(bytes.count, memory.count - count)
        guard taken > 0 else { return }
        memory.baseAddress!.advanced(by: count).copyMemory(from: bytes.baseAddress!, byteCount: taken)
        count += taken
    }
}
