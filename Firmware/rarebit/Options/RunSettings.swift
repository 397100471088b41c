import Camera
import Outputs
import Text

struct RunSettings {
    /// nil: /dev/video0.
    var camera: CText?
    var frames: CText?
    /// Either, or a stream of frames.
    var source: CText?
    /// Whether recorded frames come over and over.
    var loops = false
    /// What to ask the camera for; nil: what suits the model.
    var size: FrameSize?
    var format: UInt32?
    /// Frames a second; nil: 30 of a camera, and recorded ones as fast as they are answered.
    var captureRate: Double?
    /// How long the camera may be away, seconds; nil: see `RecoveringCamera`.
    var patience: Double?
    /// Where to write the frames.
    var recording: CText?
    var count = Int.max
    var output = OutputSettings()
    /// Where to serve metrics; nil: nowhere.
    var metrics: OptionValue?
    var page = PageSettings()
    var keep = KeepSettings()
    var configuration: CText?

    /// `confirms`: whether classes are confirmed.
    func check(confirms: Bool) throws(ProgramError) {
        guard (camera != nil ? 1 : 0) + (frames != nil ? 1 : 0) + (source != nil ? 1 : 0) <= 1 else {
            throw .usage(.twoSources)
        }
        guard !loops || frames != nil || source != nil else { throw .usage(.nothingToLoop) }
        try page.check()
        try keep.check(confirms: confirms)
        try output.check()
    }
}

/// Where `run` writes its answers.
enum OutputPlace {
    case standardOutput
    case file(CText)
    case socket(CText)
    /// A descriptor whose reader forgets everything, for measurements.
    case nobody(Int32)
}

struct OutputSettings {
    var place = OutputPlace.standardOutput
    /// Bytes; nil: a file grows for ever.
    var rotationSize: UInt64?
    /// nil: 5.
    var rotationCount: Int?
    /// nil: drops for a camera, waits for a recording.
    var pressure: OutputPressure?

    var isFile: Bool {
        if case .file = place { true } else { false }
    }

    var isStandard: Bool {
        if case .standardOutput = place { true } else { false }
    }

    var target: OutputTarget {
        switch place {
        case .standardOutput: .stream(1)
        case .file(let path): .file(path, limit: rotationSize, keep: rotationCount ?? 5)
        case .socket(let path): .socket(path)
        case .nobody(let descriptor): .stream(descriptor)
        }
    }

    func check() throws(ProgramError) {
        guard rotationSize == nil || isFile else { throw .usage(.needsFile("rotate-size")) }
        guard rotationCount == nil || rotationSize != nil else { throw .usage(.needsRotation) }
    }
}
