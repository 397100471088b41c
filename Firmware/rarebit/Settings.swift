import Camera
import Inference
import Outputs
import Platform

/// Where `run` writes its answers.
enum OutputPlace: Equatable {
    case standardOutput
    case file(UnsafePointer<CChar>)
    case socket(UnsafePointer<CChar>)
    /// A descriptor whose reader forgets everything, for measurements.
    case nobody(Int32)

    var isFile: Bool {
        if case .file = self { true } else { false }
    }
}

/// What the options say, checked. Text lives as long as the program.
struct Settings {
    static var longestSeconds: Double { 86_400 }

    /// The model file; nil for commands that take none.
    var model: UnsafePointer<CChar>! = nil
    /// nil: /dev/video0.
    var camera: UnsafePointer<CChar>?
    var frames: UnsafePointer<CChar>?
    /// Whether recorded frames come over and over.
    var loops = false
    /// What to ask the camera for; nil: what suits the model.
    var size: FrameSize?
    var format: UInt32?
    /// Frames a second.
    var captureRate = 30.0
    /// How long the camera may be away, seconds; nil: see `RecoveringCamera`.
    var patience: Double?
    /// Where to write the frames.
    var recording: UnsafePointer<CChar>?
    /// nil: the model's own.
    var alpha: Float?
    var top = 3
    /// Which part of every picture is looked at.
    var view = FrameView()
    /// Probability below which a picture is unknown.
    var threshold: Float = 0
    /// nil: all.
    var classes: OptionValue?
    var smoothing: Float = 0
    var confirmation: Policy.Rules.Confirmation?
    var output = OutputPlace.standardOutput
    /// Bytes; nil: a file grows for ever.
    var rotationSize: UInt64?
    /// nil: 5.
    var rotationCount: Int?
    /// Where to serve metrics; nil: nowhere.
    var metrics: OptionValue?
    /// nil: drops for a camera, waits for a recording.
    var pressure: OutputPressure?
    var isJSON = false
    var count = Int.max
    /// nil: the program's choice.
    var executionPath: ExecutionPath?
    /// nil: the program's choice.
    var threads: Int?
    /// Where to run; nil: the program's choice.
    var cpus: rb_cpus?
    /// nil: 1000, or until the seconds are over.
    var runs: Int?
    /// nil: 5, or until the runs are done.
    var seconds: Double?
    /// Frames a second; nil: back to back.
    var frameRate: Double?
    var measuresCameraPath = false
    var showsLayers = false
    var showsCeiling = false
    var showsMemory = false
    /// The record of an earlier benchmark.
    var comparison: UnsafePointer<CChar>?
    /// Ratio of medians; nil: 1.05.
    var ratioThreshold: Double?
    var configuration: UnsafePointer<CChar>?

    /// Of `classify`: operands behind the model are the arguments from here on.
    var firstImage: Int32 = 0

    /// Runs and seconds each end a benchmark; where only one is given, the other does not.
    var runLimit: Int { runs ?? (seconds == nil ? 1000 : LatencySamples.maximumCount) }
    var timeLimit: Double { seconds ?? (runs == nil ? 5 : Self.longestSeconds) }
    /// Of a warm-up, nanoseconds: a tenth of the time, at most half a second.
    var warmUpTime: UInt64 { UInt64(min(timeLimit, 5) * 1e8) }

    /// `output` with what belongs to it.
    var outputTarget: OutputTarget {
        switch output {
        case .standardOutput: .stream(1)
        case .file(let path): .file(path, limit: rotationSize, keep: rotationCount ?? 5)
        case .socket(let path): .socket(path)
        case .nobody(let descriptor): .stream(descriptor)
        }
    }

    /// What no option by itself can tell.
    func check() throws(ProgramError) {
        guard camera == nil || frames == nil else { throw .twoSources }
        guard !loops || frames != nil else { throw .nothingToLoop }
        guard rotationSize == nil || output.isFile else { throw .needsFile("rotate-size") }
        guard rotationCount == nil || rotationSize != nil else { throw .needsRotation }
        if measuresCameraPath {
            guard frameRate == nil && comparison == nil && !showsLayers && !showsCeiling else { throw .onlyCameraPath }
        }
        guard ratioThreshold == nil || comparison != nil else { throw .nothingToCompare }
    }
}
