import ArgumentParser
import Checkpoint
import FloatGraph

extension Architecture: ExpressibleByArgument {}
extension ClassifierKind: ExpressibleByArgument {}
extension WeightKind: ExpressibleByArgument {}
extension ResizeMode: ExpressibleByArgument {}
extension ChannelOrder: ExpressibleByArgument {}

/// The options that say what a checkpoint leaves open. Each overrides the configuration.
struct NetworkOptions: ParsableArguments {
    @Option(help: "The backbone; recognised by the names of the tensors where not given.")
    var architecture: Architecture?
    @Option(help: "Which weights are meant where the file has both: their moving average (ema) or themselves (raw).")
    var weights: WeightKind?
    @Option(
        help: ArgumentHelp(
            "The YAML configuration of the checkpoint, as the reference's training has it. Options win over it.",
            valueName: "yaml"))
    var config: String?
    @Option(
        help: ArgumentHelp("The output of an ONNX file that gives the logits, where several may.", valueName: "name"))
    var onnxOutput: String?
    @OptionGroup(title: "Input") var picture: PictureOptions
    @OptionGroup(title: "Classes") var classes: ClassOptions
    @OptionGroup(title: "Classifier") var classifier: ClassifierOptions
    @OptionGroup(title: "Adjustment for rare classes") var adjustment: AdjustmentOptions
}

struct PictureOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What is subtracted from R, G and B of 0 to 1; numbers for 0 to 255 are taken as such, which is said.",
            valueName: "r,g,b"),
        transform: channelNumbers)
    var mean: SIMD3<Float>?
    @Option(help: ArgumentHelp("What R, G and B are then divided by.", valueName: "r,g,b"), transform: channelNumbers)
    var std: SIMD3<Float>?
    @Option(help: ArgumentHelp("Size of the network's input.", valueName: "cxhxw"), transform: inputSize)
    var input: InputSize?
    @Option(
        help: """
            How a picture of another shape becomes one of the input's: the centre is cut out (crop), the shape is given up \
            (squash), or black is put around it (pad).
            """)
    var resizeMode: ResizeMode?
    @Option(
        help: ArgumentHelp(
            "Resize the shorter side, or with squash the larger, to this, then crop the centre.", valueName: "n"))
    var resize: Int?
    @Option(help: "The order of the channels that the network was trained with.")
    var channelOrder: ChannelOrder?
    @Flag(
        help: "Take pictures as their files store them, also where their EXIF block says that they lie on their side.")
    var ignoreExif = false
}

/// All files are about the checkpoint's classes, in its order, also where a subset is kept.
struct ClassOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Class names, one a line.", valueName: "file"))
    var labels: String?
    @Option(help: ArgumentHelp("Training images of each class, one number a line.", valueName: "file"))
    var classCounts: String?
    @Option(
        help: ArgumentHelp(
            "Keep these classes only, in this order: names or numbers from 0, one a line.", valueName: "file"))
    var classSubset: String?
}

struct ClassifierOptions: ParsableArguments {
    @Option(
        help: """
            What computes the logits from the features; recognised by the tensors where not given, but for cosine, capsule, \
            tau-norm and ncm, which they do not show.
            """)
    var classifier: ClassifierKind?
    @Option(
        help: ArgumentHelp(
            "K, the parts of the feature vector that are normalised, and adjusted by tde, one by one.", valueName: "k"),
        transform: headCount)
    var heads: Int?
    @Option(
        name: [.customLong("tau"), .customLong("scale")], parsing: .unconditional,
        help: ArgumentHelp("The factor of normalised classifiers; s of ldam.", valueName: "tau"),
        transform: positiveNumber)
    var tau: Float?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What causal-norm adds to the norm of a class's weights.", valueName: "gamma"),
        transform: numberFromZero)
    var gamma: Float?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "p of the classifier tau-norm, which divides by the norm to the power of p.", valueName: "p"),
        transform: finiteNumber)
    var power: Float?
    @Option(
        help: ArgumentHelp(
            """
            For ncm: a checkpoint file of the tensors mean, of all training features, and means, of each class's features \
            centred by it and normalised.
            """, valueName: "file"))
    var classMeans: String?
}

/// What is done to the logits for the sake of rare classes.
enum Adjustment: String, CaseIterable, ExpressibleByArgument {
    /// Total Direct Effect: takes out what the mean direction of the features adds, times alpha.
    case tde
    case logitAdjustment = "logit-adjustment"
    case tauNorm = "tau-norm"
    case none
}

struct AdjustmentOptions: ParsableArguments {
    @Option(
        help: """
            tde where the direction of the training features is known, else none; logit-adjustment takes the logarithm of \
            each class's frequency off; tau-norm divides a class's weights by a power of their norm and drops the bias.
            """)
    var adjust: Adjustment?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The factor of logit-adjustment, or the power of tau-norm; 1 where not given. tde has --alpha.",
            valueName: "t"),
        transform: finiteNumber)
    var adjustStrength: Float?
    @Option(
        help: ArgumentHelp(
            "For logit-adjustment: how frequent each class is where the model will be used, one number a line.",
            valueName: "file"))
    var targetPrior: String?
    @Option(
        help: ArgumentHelp(
            """
            Compute the direction of the training features for tde, from 2048 images of the training part of a data set. It \
            wins over the checkpoint's.
            """,
            valueName: "spec"))
    var estimateDirection: String?
}
