/// Where text goes: a file descriptor on the device, memory in tests and in the converter.
public protocol TextSink: ~Copyable {
    mutating func write(_ bytes: UnsafeRawBufferPointer)
}

/// Collects text in a fixed buffer and hands it to the sink when the buffer is full and at `flush`.
///
/// A line of up to 4,096 bytes that starts on an empty buffer reaches the sink in one piece.
public struct TextWriter<Sink: TextSink & ~Copyable>: ~Copyable {
    static var capacity: Int { 4096 }

    public var sink: Sink
    private var buffer = InlineArray<4096, UInt8>(repeating: 0)
    private var count = 0
    /// Whether what is written next is the first of its JSON object or array.
    var isFirstMember = true

    public init(_ sink: consuming Sink) {
        self.sink = sink
    }

    /// Ends the writer, flushed, and gives its sink back.
    public consuming func finish() -> Sink {
        flush()
        return sink
    }

    public mutating func flush() {
        guard count > 0 else { return }
        let count = self.count
        withUnsafeBytes(of: &buffer) { sink.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        self.count = 0
    }

    /// One byte of UTF-8 text.
    @inline(never)
    public mutating func write(byte: UInt8) {
        if count == Self.capacity {
            flush()
        }
        buffer[count] = byte
        count += 1
    }

    @inline(never)
    public mutating func write(_ message: Message) {
        for index in 0..<message.count {
            write(message.pieces[index])
        }
    }

    public mutating func write(_ value: some TextConvertible) {
        write(value.text)
    }
}

#if !hasFeature(Embedded)
    /// Collects the text in memory.
    public struct MemorySink: TextSink {
        public private(set) var bytes: [UInt8] = []

        public init() {}

        public var text: String { String(decoding: bytes, as: UTF8.self) }

        public mutating func write(_ bytes: UnsafeRawBufferPointer) {
            self.bytes.append(contentsOf: bytes)
        }
    }

    extension String {
        /// What a writer would write.
        public init(_ message: Message) {
            var writer = TextWriter(MemorySink())
            writer.write(message)
            self = writer.finish().text
        }
    }
#endif
