/// What is reported of one frame besides the answer.
public struct FrameRecord {
    /// Counts the frames answered, from 0.
    public var number: Int
    /// The source's own count, dropped frames included.
    public var sequence: UInt32
    /// When the frame was taken, nanoseconds of the monotonic clock.
    public var timestamp: UInt64
    /// From then to the answer, nanoseconds.
    public var age: UInt64

    public init(number: Int, sequence: UInt32, timestamp: UInt64, age: UInt64) {
        self.number = number
        self.sequence = sequence
        self.timestamp = timestamp
        self.age = age
    }
}

extension TextWriter where Sink: ~Copyable {
    /// One JSON line.
    public mutating func append(jsonOf record: FrameRecord, _ answer: Answer) {
        append("{\"frame\":")
        append(record.number)
        append(",\"sequence\":")
        append(record.sequence)
        append(",\"timestamp_ns\":")
        append(record.timestamp)
        append(",\"age_ms\":")
        append(milliseconds: record.age)
        append(",")
        append(jsonMembersOf: answer)
        append("}\n")
    }

    /// "frame 12: Sneaker 93.1 %, Sandal 6.2 %"
    public mutating func append(lineOf record: FrameRecord, _ answer: Answer) {
        append("frame ")
        append(record.number)
        append(": ")
        append(answer)
        append("\n")
    }
}
