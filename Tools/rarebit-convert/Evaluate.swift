import ArgumentParser
import Evaluation
import Foundation
import ModelFormat
import Quantization

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure accuracy by class frequency, in int8 (a model) or float32 (a checkpoint).",
        discussion: """
            Classes are grouped by their training images: many (more than 100), medium (20 to 100), few (fewer than \
            20); a group's figure is the mean of its classes' accuracies. A model runs by the device's own code. With \
            --against a model is compared with the checkpoint it came from; the options from --architecture on are \
            about a checkpoint. With coco:FILE or lvis:FILE detections are measured that another program wrote as \
            COCO's results: average precision by frequency, and of all detections in one list.
            """)

    @Argument(help: "A model file or a checkpoint, or detections in COCO's format.")
    var file: String
    @Option(help: ArgumentHelp("The data set; its test part is used.", valueName: "spec"))
    var data: String
    @Option(
        help: ArgumentHelp("Strengths of the TDE adjustment; 0 and the default where not given.", valueName: "a,a,..."),
        transform: alphas)
    var alpha: [Float]?
    @Option(
        help: ArgumentHelp(
            "Say which alpha the training part of this data set speaks for; it should not be what the network was trained with.",
            valueName: "spec"))
    var chooseAlpha: String?
    @Option(help: ArgumentHelp("Compare the model with this checkpoint.", valueName: "checkpoint"))
    var against: String?
    @Option(
        name: [.customLong("report"), .customLong("json")],
        help: ArgumentHelp("Write the figures to a file too: JSON, or by its ending one HTML page.", valueName: "file"))
    var report: String?
    @OptionGroup var network: NetworkOptions

    func run() throws {
        if let report {
            try claimOutput(report)
        }
        if let (format, annotations) = annotations {
            return try measureDetections(against: annotations, as: format)
        }
        let specification = try dataSpecification(data)
        let choiceSpecification = try chooseAlpha.map(dataSpecification)
        let model = try isModelFile(file) ? loadModel(file) : nil
        guard model != nil || against == nil else {
            throw UsageFailure("\(file): is no model file; --against compares a model with a checkpoint")
        }
        let checkpoint = model == nil ? file : against
        let float = try checkpoint.map {
            try Network(checkpoint: $0, options: network, prepared: model.map { (file, $0.input) })
        }
        if checkpoint == nil {
            try checkPictureOptions()
        }
        float?.notes.forEach(note)
        let subject = Subject(
            model: model.map { (file, $0) }, float: zip(checkpoint, float),
            classCounts: try network.classes.classCounts.map(readCounts),
            ignoresEXIF: float?.ignoresEXIF ?? network.picture.ignoreExif)
        try subject.checkClasses()
        if let float, let checkpoint, float.model.head.adjustment == nil,
            (alpha ?? [subject.defaultAlpha]).contains(where: { $0 != 0 })
        {
            note("\(checkpoint): alpha changes nothing in float32: \(float.head.adjustment)")
        }

        let choice = try choiceSpecification.flatMap { specification in
            switch try subject.picturesForChoice(specification, chooseAlpha!, isMeantForIt: true) {
            case .pictures(let name, let pictures): return try subject.chooseAlpha(on: (name, pictures))
            case .none(let reason): throw Failure("alpha is not chosen on training images: \(reason)")
            }
        }
        let evaluation = try subject.evaluation(of: specification, named: data, alphas: alpha, choice: choice)
        print(evaluation.text)
        if let report {
            let page = ConversionReport(title: subject.title, conversion: nil, evaluation: evaluation)
            try writeReport(page, figures: evaluation, to: report)
        }
    }
}

extension Evaluate {
    /// A model file says itself how its pictures are prepared.
    private func checkPictureOptions() throws {
        let given = network.picture
        let isGiven: [(String, Bool)] = [
            ("--mean", given.mean != nil), ("--std", given.std != nil), ("--input", given.input != nil),
            ("--resize", given.resize != nil), ("--resize-mode", given.resizeMode != nil),
            ("--channel-order", given.channelOrder != nil),
        ]
        let names = isGiven.filter(\.1).map(\.0)
        guard names.isEmpty else {
            throw UsageFailure(
                "\(file): says itself how its pictures are prepared; leave \(names.joined(separator: ", ")) out")
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
    try checkInput(path)
    guard let data = FileManager.default.contents(atPath: path) else {
        throw Failure("\(path): cannot be read; check its permissions")
    }
    return try inFile(path) { try ModelFile([UInt8](data)) }
}

/// Writes a report in the form that the file's ending asks for: as a page, or `figures` in JSON.
func writeReport(_ report: ConversionReport, figures: some Encodable, to path: String) throws {
    try replaceFile(path, with: isPage(path) ? Array(report.html.utf8) : encoded(figures))
}

func isPage(_ path: String) -> Bool {
    ["html", "htm"].contains(URL(fileURLWithPath: path).pathExtension.lowercased())
}
