import Evaluation
import Foundation
import Quantization

/// What is evaluated: a model file, a checkpoint's network, or both of one origin, each with its path.
struct Subject {
    let model: (path: String, file: ModelFile)?
    let float: (path: String, network: Network)?
    /// Training images per class; empty where unknown.
    let classCounts: [Int]
    /// Whether pictures are taken as their files store them.
    let ignoresEXIF: Bool

    /// `classCounts` overrides what model or network say.
    init(
        model: (String, ModelFile)?, float: (String, Network)?, classCounts: [Int]?, ignoresEXIF: Bool? = nil
    ) {
        self.ignoresEXIF = ignoresEXIF ?? float?.1.ignoresEXIF ?? false
        self.model = model
        self.float = float
        let known = [float?.1.classes.counts, classCounts, model?.1.classCounts].compactMap(\.self)
        self.classCounts = known.first { !$0.isEmpty } ?? []
    }

    var title: String { URL(fileURLWithPath: model?.path ?? float?.path ?? "").lastPathComponent }
    var classNames: [String] { model?.file.classNames ?? float?.network.classes.names ?? [] }
    /// Also those that the network has and the model does not keep.
    var allClassNames: [String] { float?.network.classes.allNames ?? classNames }
    var defaultAlpha: Float { model?.file.defaultAlpha ?? float?.network.head.alpha ?? 0 }
    var hasAdjustment: Bool { model?.file.hasAdjustment ?? (float?.network.model.head.adjustment != nil) }

    func checkClasses() throws {
        if let float, let model, float.network.classes.names.count != model.file.classNames.count {
            throw Failure(
                "\(model.path): has \(model.file.classNames.count) classes, the checkpoint "
                    + "\(float.network.classes.names.count); give the checkpoint it was made from")
        }
        if let float, let model, let hash = model.file.provenance("source-sha256"),
            try sha256(ofFiles: float.network.sourceFiles) != hash
        {
            note(
                "\(float.path): is not the file that \(model.path) was made from "
                    + "(\(model.file.provenance("source") ?? "of another name"), by its SHA-256): what differs may be the weights, not int8"
            )
        }
    }

    /// Of the test part of a data set. `alphas` are the table's; the plain classifier and the default where not given.
    func evaluation(
        of specification: DataSpecification, named name: String, alphas: [Float]?, choice: AlphaChoice?
    ) throws -> EvaluationReport {
        let whole = try opened(specification, name, part: .test)
        let labelled = try restricted(whole, name)
        try checkLabels(of: labelled, name)
        let dataset = try usable(labelled, for: input, name)
        let plan = EvaluationPlan(
            name: name, dataset: dataset, alphas: alphas ?? (defaultAlpha == 0 ? [0] : [0, defaultAlpha]),
            alpha: alphas?.max() ?? defaultAlpha, hasAdjustment: hasAdjustment, classNames: classNames,
            classCounts: classCounts, choice: choice)
        let floatPredictions = try float.map { path, network in
            try withProgress("float32", path) {
                try predictions(of: network.model, on: dataset, alphas: plan.allAlphas, progress: $0)
            }
        }
        return EvaluationReport(plan, float: floatPredictions, int8: try int8Predictions(dataset, plan.allAlphas))
    }

    /// The alpha that some labelled pictures speak for, in int8 where there is a model; nil where there is no adjustment.
    func chooseAlpha(on data: (name: String, dataset: Dataset)) throws -> AlphaChoice? {
        guard hasAdjustment else { return nil }
        try checkLabels(of: data.dataset, data.name)
        let pictures = try usable(data.dataset, for: input, data.name)
        let alphas = alphaSweep(around: defaultAlpha)
        let found =
            try int8Predictions(pictures, alphas)
            ?? float.map { path, network in
                try withProgress("choosing alpha", path) {
                    try predictions(of: network.model, on: pictures, alphas: alphas, progress: $0)
                }
            }
        return found.map {
            AlphaChoice(predictions: $0, alphas: alphas, labels: pictures.labels, data: data.name)
        }
    }

    /// The temperatures that some labelled pictures speak for, at most a thousand of them: there is one number to find. `alpha`: in
    /// use.
    func chooseTemperatures(on data: (name: String, dataset: Dataset), alpha: Float) throws -> TemperatureChoice? {
        guard let model else { return nil }
        try checkLabels(of: data.dataset, data.name)
        let pictures = try usable(data.dataset.balanced(over: 1000), for: input, data.name)
        let bar = ProgressBar("finding temperatures")
        defer { bar.finish() }
        let found = try inFile(model.path) {
            try logits(of: model.file, on: pictures, alphas: [0, 1], progress: bar.update)
        }
        return TemperatureChoice(
            plain: found[0], unit: found[1], labels: pictures.labels,
            alphas: hasAdjustment ? temperatureAlphas(around: alpha) : [0], inUse: alpha, data: data.name)
    }

    /// How pictures are prepared for it.
    private var input: ModelInput {
        model?.file.input ?? float!.network.model.input
    }

    /// A part of a data set, labelled as the checkpoint numbers its classes, or else as the model does.
    private func opened(_ specification: DataSpecification, _ name: String, part: DataPart) throws -> Dataset {
        if let classes = float?.network.classes {
            return try classes.dataset(specification, name, part: part, ignoresEXIF: ignoresEXIF)
        }
        let areNamed = classNames != numberedClassNames(classNames.count)
        let data = try inFile(name) {
            try Dataset(
                specification, part: part, classNames: areNamed ? classNames : nil, classCount: classNames.count,
                ignoresEXIF: ignoresEXIF)
        }
        try data.files.forEach(checkInput)
        data.notes.forEach(note)
        return data
    }

    private func int8Predictions(_ dataset: Dataset, _ alphas: [Float]) throws -> [[Int]]? {
        try model.map { path, file in
            try withProgress("int8", path) { try predictions(of: file, on: dataset, alphas: alphas, progress: $0) }
        }
    }

    private func withProgress(
        _ title: String, _ path: String, _ body: (@escaping ProgressHandler) throws -> [[Int]]
    ) throws -> [[Int]] {
        let bar = ProgressBar(title)
        defer { bar.finish() }
        return try inFile(path) { try body(bar.update) }
    }

    private func checkLabels(of dataset: Dataset, _ name: String) throws {
        if let index = dataset.labels.firstIndex(where: { $0 >= classNames.count }) {
            let label = dataset.labels[index]
            throw Failure(
                "\(DataError.labelOutOfRange(path: name, index: index, label: label, classes: classNames.count))")
        }
    }

    /// Labelled as the checkpoint numbers its classes, then restricted to those that are kept.
    private func restricted(_ data: Dataset, _ name: String) throws -> Dataset {
        try float?.network.classes.restricting(data, name) ?? data
    }

    /// Pictures to choose alpha with, which the network was not trained with; at most 5000, as evenly over the classes as they
    /// allow. `isMeantForIt`: the user named the data set for this and nothing else.
    func picturesForChoice(
        _ specification: DataSpecification, _ name: String, isMeantForIt: Bool
    ) throws -> PicturesForChoice {
        let limit = 5000
        let counts = float?.network.classes.countsOfAll ?? classCounts
        let counted = counts.isEmpty ? classCounts : counts
        // What cannot be read was not trained with either, and does not count.
        func whole() throws -> Dataset { try usable(opened(specification, name, part: .training), for: input, name) }
        guard !counted.isEmpty else {
            guard isMeantForIt, !specification.hasParts else {
                return .none(
                    reason:
                        "nothing says which pictures of \(name) the network was trained with; give --class-counts, or "
                        + "evaluate --choose-alpha with pictures that were held out")
            }
            return .pictures(name, try restricted(whole(), name).balanced(over: limit))
        }
        let whole = try whole()
        // A folder with fewer pictures of some class than training had is not the one that it was trained with.
        let found = Dictionary(grouping: whole.labels) { $0 }.mapValues(\.count)
        let mayHoldTraining = counted.indices.allSatisfy { found[$0, default: 0] >= counted[$0] }
        guard mayHoldTraining || specification.hasParts else {
            guard isMeantForIt else {
                return .none(
                    reason: "\(name) has fewer pictures than the network was trained with, and any may be among those; "
                        + "choose it by evaluate --choose-alpha with pictures that were held out")
            }
            return .pictures(name, try restricted(whole, name).balanced(over: limit))
        }
        let rest = whole.withoutFirst(counted)
        guard rest.count > 0 else {
            return .none(
                reason:
                    "the network was trained with all \(whole.count) pictures of \(name); hold some of each class out, or "
                    + "choose it by evaluate --choose-alpha with others")
        }
        return .pictures("\(name), held out from training,", try restricted(rest, name).balanced(over: limit))
    }
}

/// What alpha may be chosen with.
enum PicturesForChoice {
    case pictures(_ name: String, Dataset)
    /// None that were held out from training, as far as can be told.
    case none(reason: String)
}

extension DataSpecification {
    /// Whether its training part is what networks are trained with, as of every published benchmark.
    fileprivate var hasParts: Bool {
        switch self {
        case .fashionMNIST, .cifar10, .cifar100: true
        case .imageFolders, .list: false
        }
    }
}
