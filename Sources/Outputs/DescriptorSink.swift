import Platform
import Text

/// Text to a file descriptor. The first error sticks: nothing is written after it.
public struct DescriptorSink: TextSink {
    public static var standardOutput: DescriptorSink { DescriptorSink(descriptor: 1) }
    public static var standardError: DescriptorSink { DescriptorSink(descriptor: 2) }

    private let descriptor: Int32
    /// 0, or the negative error number that ended the writing.
    public private(set) var status: Int32 = 0

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    public mutating func write(_ bytes: UnsafeRawBufferPointer) {
        if status == 0 {
            status = rb_write_all(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}

/// Lines to standard error that never hold up the program: where nobody reads them, they are lost.
public struct LogSink: TextSink {
    public init() {}

    public mutating func write(_ bytes: UnsafeRawBufferPointer) {
        _ = rb_write_some(2, bytes.baseAddress, bytes.count)
    }
}
