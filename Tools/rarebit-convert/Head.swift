import Checkpoint
import Evaluation
import FloatGraph
import Foundation

/// A classifier head with its adjustment, and what there is to say about how it came about.
struct Head {
    private(set) var folded: ClassifierHead
    /// The default strength of TDE: 0 where another adjustment was asked for or none can be had.
    private(set) var alpha: Float
    /// Whether pictures that were held out from training are to say how strong TDE is: along an estimated direction, where nobody
    /// gave an alpha. It is 0 until they do.
    let asksForAlpha: Bool
    /// "causal-norm, 2 heads, tau 16, gamma 0.03125, 3 of 10 classes"
    let classifier: String
    /// "TDE, alpha 1.5, direction of the checkpoint"
    private(set) var adjustment: String

    /// `alpha` is what the user wants for TDE; nil leaves it to the configuration. Then it is 1, the exact total direct effect,
    /// along the direction that training kept, and along an estimated one what pictures speak for.
    init(
        _ classifier: ClassifierHead, hasEstimate: Bool, alpha: Float?, classes: Classes, options: NetworkOptions,
        configuration: Configuration
    ) throws {
        folded = classifier
        let (fromFile, statedAlpha) = (try configuration.adjustment(), try configuration.alpha())
        let isPossible = classifier.adjustment != nil
        // To ask for a strength of TDE is to ask for TDE, whatever the configuration has switched off.
        let stated = fromFile == Adjustment.none && alpha ?? 0 > 0 ? nil : fromFile
        let wanted = options.adjustment.adjust ?? stated ?? (isPossible ? .tde : .none)
        let strength = try Self.strength(of: wanted, options: options, configuration: configuration)
        if wanted != .tde, let alpha, alpha != 0, isPossible {
            throw UsageFailure(
                "--alpha \(short(alpha)) is the strength of --adjust tde, not of \(wanted.rawValue); leave one out")
        }
        if options.adjustment.targetPrior != nil, wanted != .logitAdjustment {
            throw UsageFailure("--target-prior is for --adjust logit-adjustment; give both or leave it out")
        }
        if let subset = classes.subset {
            folded.keepClasses(subset)
        }
        switch wanted {
        case .tde, .none:
            break
        case .logitAdjustment:
            guard !classes.counts.isEmpty else {
                throw UsageFailure(
                    "logit-adjustment needs the training images of each class; give --class-counts, or --config with class_counts"
                )
            }
            try folded.adjustLogits(
                classCounts: classes.counts, strength: strength, targetPrior: classes.targetPrior)
        case .tauNorm:
            guard classifier.kind.hasFreeRowNorms else {
                throw UsageFailure(
                    "tau-norm is for linear classifiers, and the norms of \(classifier.kind.rawValue) are fixed already; "
                        + "give another --adjust")
            }
            try folded.normaliseRows(power: strength)
        }
        self.classifier =
            folded.description
            + (classes.subset == nil ? "" : ", \(folded.classes) of \(classifier.classes) classes")
        asksForAlpha = wanted == .tde && hasEstimate && isPossible && alpha == nil && statedAlpha == nil
        let (words, strengthOfTDE) = Self.describe(
            wanted, strength: strength, isPossible ? (hasEstimate ? "an estimated" : "the checkpoint's") : nil,
            alpha: alpha ?? statedAlpha ?? (hasEstimate ? 0 : 1), classifier.kind)
        (adjustment, self.alpha) = (words, strengthOfTDE)
    }

    /// Takes the alpha that pictures speak for.
    mutating func setAlpha(_ alpha: Float) {
        self.alpha = alpha
        adjustment = "TDE, alpha \(short(alpha)), along an estimated direction"
    }

    private static func strength(
        of adjustment: Adjustment, options: NetworkOptions, configuration: Configuration
    ) throws -> Float {
        let stated = try configuration.adjustmentStrength()
        if let strength = options.adjustment.adjustStrength {
            guard adjustment == .logitAdjustment || adjustment == .tauNorm else {
                throw UsageFailure(
                    "--adjust-strength is for logit-adjustment and tau-norm, not for \(adjustment.rawValue); "
                        + "the strength of tde is --alpha")
            }
            return strength
        }
        return stated ?? 1
    }

    /// In words, and the alpha that it comes down to.
    private static func describe(
        _ adjustment: Adjustment, strength: Float, _ direction: String?, alpha: Float, _ kind: ClassifierKind
    ) -> (String, Float) {
        switch (adjustment, direction) {
        case (.tde, let direction?):
            return ("TDE, alpha \(short(alpha)), along \(direction) direction", alpha)
        case (.tde, nil), (.none, nil):
            let reason =
                kind.canHaveDirection
                ? "the direction of the training features is not known; give --estimate-direction SPEC"
                : "\(kind.rawValue) centres its features, which leaves TDE nothing to take out"
            return ("none; alpha is 0: \(reason)", 0)
        case (.none, _?):
            return ("none; alpha is 0", 0)
        case (.logitAdjustment, _), (.tauNorm, _):
            return ("\(adjustment.rawValue), strength \(short(strength)); alpha is 0", 0)
        }
    }
}

/// The classifier of a checkpoint, or of a file of class means, without what the options add to it. `notes` hears where an
/// option wins over the configuration.
func classifierHead(
    of contents: NetworkSource.Contents, checkpoint path: String, dimensions: Int, options: ClassifierOptions,
    configuration: Configuration, notes: inout [String]
) throws -> ClassifierHead {
    let stated = try configuration.classifierKind()
    let kind =
        choose(options.classifier, over: stated, "classifier", &notes)
        ?? contents.classifier ?? ClassifierKind.recognise(contents.state.classifier, dimensions: dimensions)
    try checkOptions(options, of: kind)
    let other = try configuration.classifierParameters()
    let parameters = ClassifierParameters(
        heads: choose(options.heads, over: other.heads, "heads", &notes) ?? contents.parameters.heads,
        tau: choose(options.tau, over: other.tau, "tau", &notes) ?? contents.parameters.tau,
        gamma: choose(options.gamma, over: other.gamma, "gamma", &notes),
        power: choose(options.power, over: other.power, "power", &notes))
    guard kind == .ncm else {
        return try inFile(path) {
            try ClassifierHead(of: contents.state, as: kind, parameters: parameters, dimensions: dimensions)
        }
    }
    guard let file = try options.classMeans ?? configuration.file("class_means") else {
        throw UsageFailure("the classifier ncm needs the means of the classes; give --class-means FILE")
    }
    try checkInput(file)
    return try inFile(file) {
        let tensors = try Checkpoint(contentsOf: file).referenceState().features
        guard let centre = tensors["mean"], let means = tensors["means"] else {
            throw Failure("\(file): must hold the tensors mean and means; save both with torch.save")
        }
        return try ClassifierHead(
            nearest: ClassMeans(centre: centre, means: means), parameters: parameters, dimensions: dimensions)
    }
}

private func choose<Value: Equatable>(
    _ option: Value?, over stated: Value?, _ name: String, _ notes: inout [String]
) -> Value? {
    if let option, let stated, option != stated {
        notes.append("--\(name) \(option) wins over \(stated) of the configuration")
    }
    return option ?? stated
}

/// Throws where an option is about another kind of classifier.
private func checkOptions(_ options: ClassifierOptions, of kind: ClassifierKind) throws {
    let given: [(ClassifierKind.Parameter, Bool)] = [
        (.heads, options.heads != nil), (.tau, options.tau != nil), (.gamma, options.gamma != nil),
        (.power, options.power != nil),
    ]
    for (parameter, isGiven) in given where isGiven && !kind.parameters.contains(parameter) {
        throw UsageFailure(
            "--\(parameter.rawValue) is no parameter of the classifier \(kind.rawValue); leave it out")
    }
    guard options.classMeans == nil || kind == .ncm else {
        throw UsageFailure("--class-means is for the classifier ncm, not for \(kind.rawValue); give --classifier ncm")
    }
}

extension ClassifierHead {
    /// The classifier and its parameters.
    var description: String {
        let numbers = [
            heads > 1 ? "\(heads) heads" : nil, parameters.tau.map { "tau \(short($0))" },
            parameters.gamma.map { "gamma \(short($0))" }, parameters.power.map { "power \(short($0))" },
            hasDroppedBias ? "bias dropped" : nil,
        ]
        return ([kind.rawValue] + numbers.compactMap(\.self)).joined(separator: ", ")
    }
}

/// 16, 0.03125
func short(_ number: Float) -> String {
    String(format: "%g", number)
}
