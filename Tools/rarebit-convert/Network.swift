import ArgumentParser
import Checkpoint
import Evaluation
import FloatGraph
import Foundation
import Quantization

extension Architecture: ExpressibleByArgument {}

/// The options that say what a checkpoint leaves open. Each overrides the configuration.
struct NetworkOptions: ParsableArguments {
    @Option(help: "The backbone; recognised by the names of the tensors where not given.")
    var architecture: Architecture?
    @Option(help: ArgumentHelp("The YAML configuration of the checkpoint.", valueName: "yaml"))
    var config: String?
    @Option(help: ArgumentHelp("Class names, one a line.", valueName: "file"))
    var labels: String?
    @Option(help: ArgumentHelp("Training images of each class, one number a line.", valueName: "file"))
    var classCounts: String?
    @Option(
        help: ArgumentHelp("What is subtracted from R, G and B, each 0 to 1.", valueName: "r,g,b"),
        transform: channelNumbers)
    var mean: SIMD3<Float>?
    @Option(help: ArgumentHelp("What R, G and B are then divided by.", valueName: "r,g,b"), transform: channelNumbers)
    var std: SIMD3<Float>?
    @Option(help: ArgumentHelp("Size of the network's input.", valueName: "cxhxw"), transform: inputSize)
    var input: InputSize?
    @Option(help: ArgumentHelp("Resize the shorter side to this, then crop the centre.", valueName: "n"))
    var resize: Int?
}

/// A checkpoint with everything that its configuration and the options add.
struct Network {
    let architecture: Architecture
    /// Batch normalisations are folded.
    let model: FloatModel
    let classNames: [String]
    /// Training images per class; empty where unknown.
    let classCounts: [Int]
    /// Where the user gives none: 0, the plain classifier, unless the configuration says otherwise.
    let alpha: Float

    init(checkpoint path: String, options: NetworkOptions) throws {
        let configuration = try options.config.map(Configuration.init(contentsOf:)) ?? Configuration()
        let state = try inFile(path) { try Checkpoint(contentsOf: path).referenceState() }
        architecture = try inFile(path) { try options.architecture ?? Architecture.recognise(state) }
        let input = try modelInput(options, configuration)
        let graph = try inFile(path) { [architecture] in
            try architecture.graph(of: state, height: input.height, width: input.width).foldingBatchNorms()
        }
        let parameters = configuration.classifier
        let head = try inFile(path) {
            try ClassifierHead(
                of: state,
                parameters: ClassifierParameters(heads: parameters.heads, tau: parameters.tau, gamma: parameters.gamma),
                dimensions: graph[graph.features].shape.channels)
        }
        model = FloatModel(graph: graph, head: head, input: input)
        alpha = parameters.alpha ?? 0

        // Paths in a configuration are relative to its folder.
        let folder = options.config.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } ?? "."
        let namesFile = options.labels ?? configuration.classNamesFile.map { "\(folder)/\($0)" }
        classNames = try namesFile.map(readLines) ?? (0..<head.classes).map { "class \($0)" }
        try check(classNames.count, classes: head.classes, file: namesFile ?? "")
        let countsFile = options.classCounts ?? configuration.classCountsFile.map { "\(folder)/\($0)" }
        classCounts = try countsFile.map(readCounts) ?? []
        if let countsFile {
            try check(classCounts.count, classes: head.classes, file: countsFile)
        }
    }
}

/// One number of images a line.
func readCounts(_ path: String) throws -> [Int] {
    try readLines(path).enumerated().map { number, line in
        guard let count = Int(line), (0...Int(Int32.max)).contains(count) else {
            throw Failure("\(path): line \(number + 1) is not a number of images; correct it")
        }
        return count
    }
}

private func check(_ lines: Int, classes: Int, file: String) throws {
    guard lines == classes else {
        throw Failure("\(file): has \(lines) lines, but the classifier has \(classes) classes; give one line a class")
    }
}

private func modelInput(_ options: NetworkOptions, _ configuration: Configuration) throws -> ModelInput {
    let input = configuration.input
    let size = options.input.map { ($0.height, $0.width) } ?? input?.size.map { ($0, $0) }
    guard let (height, width) = size else {
        throw UsageFailure("the input size is not known; give --input 3xHxW, or --config with input.size")
    }
    guard let mean = options.mean ?? input?.mean.flatMap(channels),
        let std = options.std ?? input?.std.flatMap(channels)
    else {
        throw UsageFailure("mean and standard deviation are not known; give --mean and --std, or --config with both")
    }
    guard (1...4096).contains(height), (1...4096).contains(width) else {
        throw UsageFailure("an input of \(height) x \(width) is out of range; give 1 to 4096 pixels a side")
    }
    guard (0..<3).allSatisfy({ mean[$0].isFinite && std[$0] > 1e-6 && std[$0] < 1e6 }) else {
        throw UsageFailure("mean and standard deviation must be numbers, the latter above 0")
    }
    let resize = options.resize ?? max(height, width)
    guard (max(height, width)...16384).contains(resize) else {
        throw UsageFailure("--resize \(resize) is out of range; give \(max(height, width)) to 16384")
    }
    return ModelInput(
        height: height, width: width, resizeShorterSide: resize, mean: mean, standardDeviation: std)
}

private func channels(_ numbers: [Float]) -> SIMD3<Float>? {
    numbers.count == 3 ? SIMD3(numbers) : nil
}
