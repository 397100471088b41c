import Platform
import Text

/// Text to a file descriptor. The first error sticks: nothing is written after it.
public struct DescriptorSink: TextSink {
    public static var standardOutput: DescriptorSink { DescriptorSink(descriptor: 1, waits: true) }
    public static var standardError: DescriptorSink { DescriptorSink(descriptor: 2, waits: true) }
    /// Standard error, for lines that must never hold up the program: where nobody reads them, they are lost.
    public static var log: DescriptorSink { DescriptorSink(descriptor: 2, waits: false) }

    private let descriptor: Int32
    private let waits: Bool
    /// 0, or the negative error number that ended the writing.
    public private(set) var status: Int32 = 0

    private init(descriptor: Int32, waits: Bool) {
        self.descriptor = descriptor
        self.waits = waits
    }

    public mutating func write(_ bytes: UnsafeRawBufferPointer) {
        if !waits {
            _ = rb_write_some(descriptor, bytes.baseAddress, bytes.count)
        } else if status == 0 {
            status = rb_write_all(descriptor, bytes.baseAddress, bytes.count)
        }
    }
}
