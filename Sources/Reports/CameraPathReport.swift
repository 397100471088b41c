import Camera
import Inference
import Platform
import Text

/// A part of the way of a frame from its source to the reader of its answer.
public enum PathStage: Int, Sendable {
    /// Taking the frame from its source and giving it back.
    case capture
    /// From the frame's pixels to the model's input.
    case convert
    /// From the input to a ranked answer: the network and what is made of its logits.
    case answer
    /// Writing the answer.
    case report
    /// All of the above.
    case whole
    /// The network alone, run once more.
    case inference
    /// `whole` less `inference`: what a camera costs beside the network.
    case added

    public static var count: Int { 7 }

    /// In text and as a member of JSON records.
    var name: StaticString {
        switch self {
        case .capture: "capture"
        case .convert: "convert"
        case .answer: "answer"
        case .report: "report"
        case .whole: "whole"
        case .inference: "inference"
        case .added: "added"
        }
    }
}

/// What the frames of one kind cost on their way to answers.
public struct CameraPathReport {
    /// The model file's path.
    public let model: CText
    /// Of the frames.
    public let fourcc: UInt32
    public let width: Int
    public let height: Int
    /// Of the largest frame.
    public private(set) var frameBytes = 0
    /// The kernels' name.
    public let kernels: CText
    public let threads: Int
    private var samples: InlineArray<7, LatencySamples>

    /// The memory for so many frames, bytes.
    public static func byteCount(frames: Int) -> Int { PathStage.count * 8 * frames }

    /// `memory`: 8-byte aligned, room for the frames that will be added, kept as long as the report is used.
    public init(
        model: CText, fourcc: UInt32, width: Int, height: Int,
        kernels: CText, threads: Int, memory: UnsafeMutableRawBufferPointer
    ) {
        self.model = model
        self.fourcc = fourcc
        self.width = width
        self.height = height
        self.kernels = kernels
        self.threads = threads
        let numbers = memory.bindMemory(to: UInt64.self)
        let share = numbers.count / PathStage.count
        samples = InlineArray { stage in
            LatencySamples(
                memory: UnsafeMutableBufferPointer(rebasing: numbers[(stage * share)..<((stage + 1) * share)]))
        }
    }

    public var count: Int { samples[0].count }

    /// Adds a frame: its size, when it was asked for and when each stage ended, and how long the network alone took,
    /// nanoseconds.
    public mutating func add(
        bytes: Int, start: UInt64, captured: UInt64, converted: UInt64, answered: UInt64, reported: UInt64,
        inference: UInt64
    ) {
        frameBytes = max(frameBytes, bytes)
        let whole = reported - start
        add(captured - start, to: .capture)
        add(converted - captured, to: .convert)
        add(answered - converted, to: .answer)
        add(reported - answered, to: .report)
        add(whole, to: .whole)
        add(inference, to: .inference)
        add(whole - min(inference, whole), to: .added)
    }

    private mutating func add(_ nanoseconds: UInt64, to stage: PathStage) {
        samples[stage.rawValue].add(nanoseconds: nanoseconds)
    }

    /// Forgets the frames, for a warm-up's.
    public mutating func clear() {
        for stage in 0..<PathStage.count {
            samples[stage].clear()
        }
    }

    /// See `LatencySamples.percentile`.
    public mutating func percentile(_ fraction: Double, of stage: PathStage) -> UInt64 {
        samples[stage.rawValue].percentile(fraction)
    }
}

extension TextWriter where Sink: ~Copyable {
    /// What the frames were, then a line for each stage.
    public mutating func write(_ report: CameraPathReport) {
        var report = report
        write(
            """
            frames      \(report.count) of \(report.width)x\(report.height) \(fourcc: report.fourcc), \
            \(report.frameBytes) bytes at most
            kernels     \(report.kernels), \(threads: report.threads)
            ms            median       p99

            """)
        for index in 0..<PathStage.count {
            let stage = PathStage(rawValue: index)!
            let (median, p99) = (report.percentile(0.5, of: stage), report.percentile(0.99, of: stage))
            write(
                """
                \(stage.name, columns: 12)\(Double(median) / 1e6, decimals: 3, columns: 8)  \
                \(Double(p99) / 1e6, decimals: 3, columns: 8)

                """)
        }
    }

    /// One JSON record.
    public mutating func writeRecord(of report: CameraPathReport) {
        var report = report
        record {
            $0.member("model", report.model)
            $0.member("format", "\(fourcc: report.fourcc)")
            $0.member("width", report.width)
            $0.member("height", report.height)
            $0.member("frame_bytes", report.frameBytes)
            $0.member("kernels", report.kernels)
            $0.member("threads", report.threads)
            $0.member("frames", report.count)
            for index in 0..<PathStage.count {
                let stage = PathStage(rawValue: index)!
                $0.object(stage.name) {
                    $0.member("median_ms", Double(report.percentile(0.5, of: stage)) / 1e6, decimals: 6)
                    $0.member("p99_ms", Double(report.percentile(0.99, of: stage)) / 1e6, decimals: 6)
                }
            }
        }
    }
}
