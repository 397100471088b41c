import Evaluation
import Foundation
import Quantization

/// What is evaluated: a model file, a checkpoint's network, or both of one origin, each with its path.
struct Subject {
    let model: (path: String, file: ModelFile)?
    let float: (path: String, network: Network)?
    /// Training images per class; empty where unknown.
    let classCounts: [Int]

    /// `classCounts` overrides what model or network say.
    init(model: (String, ModelFile)?, float: (String, Network)?, classCounts: [Int]?) {
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
    }

    /// Of the test part of a data set. `alphas` are the table's; the plain classifier and the default where not given.
    func evaluation(
        of specification: DataSpecification, named name: String, alphas: [Float]?, choice: AlphaChoice?
    ) throws -> EvaluationReport {
        let whole = try inFile(name) { try Dataset(specification, part: .test, classNames: allClassNames) }
        let dataset = try restricted(whole, name)
        try checkLabels(of: dataset, name)
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
        let alphas = alphaSweep(around: defaultAlpha)
        let found =
            try int8Predictions(data.dataset, alphas)
            ?? float.map { path, network in
                try withProgress("choosing alpha", path) {
                    try predictions(of: network.model, on: data.dataset, alphas: alphas, progress: $0)
                }
            }
        return found.map {
            AlphaChoice(predictions: $0, alphas: alphas, labels: data.dataset.labels, data: data.name)
        }
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

    /// Pictures to choose alpha with: those of the training part that the network was not trained with, as far as its class
    /// counts tell; where they leave a class out, all of it. At most 5000, as evenly over the classes as they allow.
    func picturesForChoice(
        _ specification: DataSpecification, _ name: String, classNames: [String]
    ) throws -> (name: String, dataset: Dataset) {
        let limit = 5000
        let whole = try inFile(name) { try Dataset(specification, part: .training, classNames: classNames) }
        let rest = float?.network.classes.heldOutPart(of: whole) ?? whole.withoutFirst(classCounts)
        let isHeldOut = !classCounts.isEmpty && Set(rest.labels).count == Set(whole.labels).count
        let pictures = try restricted(isHeldOut ? rest : whole, name).balanced(over: limit)
        return (isHeldOut ? "\(name), held out from training," : name, pictures)
    }
}
