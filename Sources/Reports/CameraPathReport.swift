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
    /// The model file's path, NUL-terminated.
    public let model: UnsafePointer<CChar>
    /// Of the frames.
    public let fourcc: UInt32
    public let width: Int
    public let height: Int
    /// Of the largest frame.
    public private(set) var frameBytes = 0
    /// The kernels' name.
    public let kernels: UnsafePointer<CChar>
    public let threads: Int
    private var samples: InlineArray<7, LatencySamples>

    /// The memory for so many frames, bytes.
    public static func byteCount(frames: Int) -> Int { PathStage.count * 8 * frames }

    /// `memory`: 8-byte aligned, room for the frames that will be added, kept as long as the report is used.
    public init(
        model: UnsafePointer<CChar>, fourcc: UInt32, width: Int, height: Int,
        kernels: UnsafePointer<CChar>, threads: Int, memory: UnsafeMutableRawBufferPointer
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
    public mutating func append(_ report: CameraPathReport) {
        var report = report
        append("frames      ")
        append(report.count)
        append(" of ")
        append(report.width)
        append("x")
        append(report.height)
        append(" ")
        append(fourcc: report.fourcc)
        append(", ")
        append(report.frameBytes)
        append(" bytes at most\nkernels     ")
        append(cString: report.kernels)
        append(report.threads == 1 ? ", 1 thread\n" : ", ")
        if report.threads > 1 {
            append(report.threads)
            append(" threads\n")
        }
        append("ms            median       p99\n")
        for index in 0..<PathStage.count {
            let stage = PathStage(rawValue: index)!
            append(stage.name)
            for _ in stage.name.utf8CodeUnitCount..<12 {
                append(" ")
            }
            append(Double(report.percentile(0.5, of: stage)) / 1e6, decimals: 3, columns: 8)
            append("  ")
            append(Double(report.percentile(0.99, of: stage)) / 1e6, decimals: 3, columns: 8)
            append("\n")
        }
    }

    /// One JSON record.
    public mutating func append(jsonOf report: CameraPathReport) {
        var report = report
        append("{\"model\":")
        append(jsonString: report.model)
        append(",\"format\":\"")
        append(fourcc: report.fourcc)
        append("\",\"width\":")
        append(report.width)
        append(",\"height\":")
        append(report.height)
        append(",\"frame_bytes\":")
        append(report.frameBytes)
        append(",\"kernels\":\"")
        append(cString: report.kernels)
        append("\",\"threads\":")
        append(report.threads)
        append(",\"frames\":")
        append(report.count)
        for index in 0..<PathStage.count {
            let stage = PathStage(rawValue: index)!
            append(",\"")
            append(stage.name)
            append("\":{\"median_ms\":")
            append(Double(report.percentile(0.5, of: stage)) / 1e6, decimals: 6)
            append(",\"p99_ms\":")
            append(Double(report.percentile(0.99, of: stage)) / 1e6, decimals: 6)
            append("}")
        }
        append("}\n")
    }
}
