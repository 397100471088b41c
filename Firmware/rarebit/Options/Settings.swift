import Inference
import Platform
import Text

/// What the options say, checked. Text lives as long as the program.
struct Settings {
    /// The model file; nil for commands that take none.
    var model: CText! = nil
    /// The file of trusted keys; nil: a model need not be signed.
    var trust: CText?
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
        try run.check(confirms: judging.confirmation != nil)
        try bench.check()
        try judging.check()
    }
}

/// What is made of the network's logits: see `Policy`. Lists are of classes by name or number.
struct JudgingSettings {
    /// nil: the model's own.
    var alpha: Float?
    var top = 3
    /// Probability below which a picture is unknown.
    var threshold: Float = 0
    /// Those of single classes: a list, or a file's name.
    var thresholds: OptionValue?
    /// nil: all.
    var classes: OptionValue?
    /// nil: those that the model names.
    var exempted: OptionValue?
    /// nil: the mix of classes is that of training.
    var prior: OptionValue?
    /// nil: all heads count alike.
    var headWeights: OptionValue?
    var smoothing: Float = 0
    var confirmation: Policy.Rules.Confirmation?

    /// Whether the mix of classes is to be estimated from what is seen.
    var estimatesPrior: Bool { prior.map { $0.text == "estimate" } ?? false }

    func check() throws(ProgramError) {
        if let prior, estimatesPrior, confirmation == nil { throw prior.error(.needsConfirmation) }
    }
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
