/// Numbers at a fixed address, 64-byte aligned, for kernels that take pointers.
final class Memory<Element> {
    let elements: UnsafeMutableBufferPointer<Element>
    var start: UnsafeMutablePointer<Element>? { elements.baseAddress }

    init(_ values: [Element]) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(values.count, 1) * MemoryLayout<Element>.stride, alignment: 64)
        elements = bytes.bindMemory(to: Element.self)
        _ = elements.initialize(from: values)
    }

    deinit { UnsafeMutableRawBufferPointer(elements).deallocate() }
}

/// Reproducible test numbers (SplitMix64).
struct Numbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// Uniform in -1 ..< 1.
    mutating func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(next() >> 40) / Float(1 << 23) - 1 }
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
