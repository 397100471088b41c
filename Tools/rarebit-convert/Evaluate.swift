import ArgumentParser
import Evaluation
import Foundation
import ModelFormat

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure accuracy by class frequency, in int8 (a model) or float32 (a checkpoint).",
        discussion: """
            Classes are grouped by their training images: many (more than 100), medium (20 to 100), few (fewer than \
            20); a group's figure is the mean of its classes' accuracies. A model runs by the device's own code. With \
            --against a model is compared with the checkpoint it came from; the options below the first three are \
            about a checkpoint.
            """)

    @Argument(help: "A model file or a PyTorch checkpoint.")
    var file: String
    @Option(help: ArgumentHelp("The data set; its test part is used.", valueName: "spec"))
    var data: String
    @Option(
        help: ArgumentHelp("Strengths of the TDE adjustment; 0 and the default where not given.", valueName: "a,a,..."),
        transform: alphas)
    var alpha: [Float]?
    @Option(help: ArgumentHelp("Compare the model with this checkpoint.", valueName: "checkpoint"))
    var against: String?
    @Option(help: ArgumentHelp("Write the figures to a file too.", valueName: "file.json"))
    var json: String?
    @OptionGroup var network: NetworkOptions

    func run() throws {
        let specification = try dataSpecification(data)
        if let json {
            try checkWritable(json)
        }
        let model = try isModelFile(file) ? loadModel(file) : nil
        guard model != nil || against == nil else {
            throw UsageFailure("\(file): is no model file; --against compares a model with a checkpoint")
        }
        let checkpoint = model == nil ? file : against
        let float = try checkpoint.map { try Network(checkpoint: $0, options: network) }
        float?.notes.forEach(note)
        let classNames = model?.classNames ?? float?.classes.names ?? []
        let dataset = try testPart(of: specification, classNames: classNames, float)
        try check(dataset, classes: classNames.count, float: float, model: model)

        let counts =
            try float?.classes.counts ?? network.classes.classCounts.map(readCounts) ?? model?.classCounts ?? []
        let alphas = alpha ?? defaultAlphas(model?.defaultAlpha ?? float?.head.alpha ?? 0)
        if let float, let checkpoint, float.model.head.adjustment == nil, alphas.contains(where: { $0 != 0 }) {
            note("\(checkpoint): alpha changes nothing in float32: \(float.head.adjustment)")
        }
        var rows: [AccuracyRow] = []
        if let float, let checkpoint {
            rows += try measure("float32", .float32, dataset, alphas, counts) { progress in
                try inFile(checkpoint) {
                    try predictions(of: float.model, on: dataset, alphas: alphas, progress: progress)
                }
            }
        }
        if let model {
            rows += try measure("int8", .int8, dataset, alphas, counts) { progress in
                try inFile(file) { try predictions(of: model, on: dataset, alphas: alphas, progress: progress) }
            }
        }
        let report = EvaluationReport(data: data, images: dataset.count, rows: rows)
        print(report.text)
        if let json {
            try replaceFile(json, with: encoded(report))
        }
    }

    /// Labelled as the checkpoint numbers its classes, then restricted to those that are kept.
    private func testPart(
        of specification: DataSpecification, classNames: [String], _ float: Network?
    ) throws -> Dataset {
        let names = float?.classes.allNames ?? classNames
        let whole = try inFile(data) { try Dataset(specification, part: .test, classNames: names) }
        return try float?.classes.restricting(whole, data) ?? whole
    }

    private func measure(
        _ title: String, _ numbers: AccuracyRow.Numbers, _ dataset: Dataset, _ alphas: [Float], _ counts: [Int],
        predict: (@escaping ProgressHandler) throws -> [[Int]]
    ) throws -> [AccuracyRow] {
        let bar = ProgressBar(title)
        defer { bar.finish() }
        return zip(alphas, try predict(bar.update)).map { alpha, predictions in
            let accuracy = Accuracy(predictions: predictions, labels: dataset.labels, classCounts: counts)
            return AccuracyRow(numbers: numbers, alpha: alpha, accuracy: accuracy)
        }
    }

    private func defaultAlphas(_ alpha: Float) -> [Float] {
        alpha == 0 ? [0] : [0, alpha]
    }

    private func check(_ dataset: Dataset, classes: Int, float: Network?, model: ModelFile?) throws {
        if let float, let model, float.classes.names.count != model.classNames.count {
            throw Failure(
                "\(file): has \(model.classNames.count) classes, the checkpoint \(float.classes.names.count); "
                    + "give the checkpoint it was made from")
        }
        if let index = dataset.labels.firstIndex(where: { $0 >= classes }) {
            let label = dataset.labels[index]
            throw Failure("\(DataError.labelOutOfRange(path: data, index: index, label: label, classes: classes))")
        }
    }
}

/// Whether a file begins like a model file; one that cannot be read does not.
func isModelFile(_ path: String) throws -> Bool {
    guard let handle = FileHandle(forReadingAtPath: path) else {
        throw Failure("\(path): no such file, or not readable; check the path")
    }
    let start = (try? handle.read(upToCount: 4)) ?? Data()
    return start == Data("RBIT".utf8)
}

func loadModel(_ path: String) throws -> ModelFile {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw Failure("\(path): cannot be read; check its permissions")
    }
    return try inFile(path) { try ModelFile([UInt8](data)) }
}
