import Camera
import Inference
import ModelFormat
import Text

/// What is reported of one frame besides the answer.
public struct FrameRecord {
    /// Counts the frames answered, from 0.
    public var number: Int
    /// The source's own count, dropped frames included.
    public var sequence: UInt32
    /// The name of the file that the frame is; nil of frames that have none of their own.
    public var image: CText?
    /// When the frame was taken, nanoseconds of the monotonic clock.
    public var timestamp: UInt64
    /// From then to the answer, nanoseconds.
    public var age: UInt64

    /// `answered`: when the answer was there, on the same clock.
    public init(number: Int, sequence: UInt32, image: CText? = nil, timestamp: UInt64, answered: UInt64) {
        self.number = number
        self.sequence = sequence
        self.image = image
        self.timestamp = timestamp
        age = frameAge(timestamp: timestamp, at: answered)
    }
}

extension FrameRecord {
    /// More than any record of a run takes, answers of `top` classes and events alike, bytes.
    public static func mostBytes(model: Model, top: Int) -> Int {
        var longestName = 0
        for index in 0..<Int(model.head.classes) {
            longestName = max(longestName, model.className(index).count)
        }
        // Names have no control characters: escaping doubles them at most. A summary names many classes.
        return 8192 + top * (512 + 2 * longestName) + ClassTally.mostClasses * (128 + 2 * longestName)
    }
}

extension TextWriter where Sink: ~Copyable {
    /// One JSON line.
    public mutating func writeRecord(of frame: FrameRecord, _ answer: Answer, smoothed: Bool) {
        record {
            $0.member("frame", frame.number)
            $0.member("sequence", frame.sequence)
            if let image = frame.image { $0.member("image", image) }
            $0.member("timestamp_ns", frame.timestamp)
            $0.member("age_ms", Double(frame.age) / 1e6, decimals: 3)
            $0.members(of: answer, smoothed: smoothed)
        }
    }

    /// "frame 12: Sneaker 93.1 %, Sandal 6.2 %"; of a frame that is a file, "frame 12, shoe.jpg: ..."
    public mutating func writeLine(of frame: FrameRecord, _ answer: Answer) {
        write("frame \(frame.number)")
        if let image = frame.image { write(", \(image)") }
        write(": ")
        write(answer)
        write("\n")
    }
}
