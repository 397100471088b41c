import Inference
import Platform
import Text

/// What the options say, checked. Text lives as long as the program.
struct Settings {
    /// The model file; nil for commands that take none.
    var model: CText! = nil
    var isJSON = false
    var judging = JudgingSettings()
    var computing = ComputingSettings()
    /// Which part of every picture is looked at.
    var view = FrameView()

    // What belongs to one command.
    var run = RunSettings()
    var classify = ClassifySettings()
    var bench = BenchSettings()
    var info = InfoSettings()

    /// What no option by itself can tell.
    func check() throws(ProgramError) {
        try run.check()
        try bench.check()
    }
}

/// What is made of the network's logits: see `Policy`.
struct JudgingSettings {
    /// nil: the model's own.
    var alpha: Float?
    var top = 3
    /// Probability below which a picture is unknown.
    var threshold: Float = 0
    /// nil: all.
    var classes: OptionValue?
    /// In place of them, as the page gives them: a list of numbers, with at least one class's.
    var classNumbers: CText?
    var smoothing: Float = 0
    var confirmation: Policy.Rules.Confirmation?
}

/// What the network runs on; nil: the program's choice.
struct ComputingSettings {
    var threads: Int?
    var cpus: rb_cpus?
    var executionPath: ExecutionPath?
}

struct ClassifySettings {
    /// Operands behind the model are the arguments from here on.
    var firstImage: Int32 = 0
    /// Whether pictures are taken as their files store them.
    var ignoresEXIF = false
}

struct InfoSettings {
    var showsMemory = false
}
