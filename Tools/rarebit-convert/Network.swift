import Checkpoint
import Evaluation
import FloatGraph
import Foundation
import Quantization

/// A checkpoint with everything that its configuration and the options add.
struct Network {
    /// The architecture's name, or "onnx" where the file itself says the network.
    let architecture: String
    /// The file of weights, and those that it has numbers in.
    let sourceFiles: [String]
    /// Batch normalisations are folded.
    let model: FloatModel
    var head: Head
    let classes: Classes
    /// Whether pictures are taken as their files store them.
    let ignoresEXIF: Bool
    /// What was assumed or passed over, one line each.
    let notes: [String]
    /// What the first batch normalisation was trained to see, where it follows the first convolution.
    let firstNorm: FirstNorm?

    /// `alpha` is the strength of TDE that the user asks for, if any. `prepared` is how the model file that the network is compared
    /// with prepares its pictures. Throws `missing` in one line with what is not known of the pictures.
    init(
        checkpoint path: String, options: NetworkOptions, alpha: Float? = nil, missing: [MissingOption] = [],
        prepared: (path: String, input: ModelInput)? = nil
    ) throws {
        let configuration = try options.config.map(Configuration.init(contentsOf:)) ?? Configuration()
        var notes = configuration.notes
        try checkInput(path)
        let file = try inFile(path) { try WeightsFile(contentsOf: path) }
        sourceFiles = [path] + file.externalFiles(of: path)
        try sourceFiles.forEach(checkInput)
        let statedWeights = try configuration.weights()
        let source = try inFile(path) {
            try NetworkSource(
                file, named: options.architecture, weights: options.weights ?? statedWeights, output: options.onnxOutput
            )
        }
        architecture = source.architecture
        let preparation =
            try prepared.map {
                try Preparation($0.input, of: $0.path, options: options.picture, configuration: configuration)
            }
            ?? Preparation(
                options.picture, configuration, size: source.imageSize, architecture: source.knownArchitecture,
                missing: missing.filter { !$0.isForFloatNetworks || !source.isQuantised })
        notes += preparation.notes
        let input = preparation.input
        ignoresEXIF = preparation.ignoresEXIF
        let contents = try inFile(path) { try source.contents(height: input.height, width: input.width) }
        let backbone = contents.backbone
        guard !backbone.takesGrey || input.preparesChannelsAlike else {
            throw UsageFailure(
                "\(path): is a network of grey pictures; give one mean and one deviation for all channels, as in "
                    + "--mean .5,.5,.5 --std .25,.25,.25")
        }
        firstNorm = FirstNorm(of: backbone.graph)
        let graph = backbone.graph.simplified()
        var classifier = try classifierHead(
            of: contents, checkpoint: path, dimensions: graph[graph.features].shape.channels,
            options: options.classifier,
            configuration: configuration, notes: &notes)
        notes += backbone.notes(contents.state, classifier)
        try configuration.check(classes: classifier.classes, dimensions: classifier.dimensions)
        classes = try Classes(count: classifier.classes, options: options, configuration: configuration)
        let estimate = try options.adjustment.estimateDirection.map { [classes, ignoresEXIF] in
            try estimateDirection(
                from: $0, graph: graph, input: input, classes: classes, ignoresEXIF: ignoresEXIF)
        }
        if let estimate {
            try inFile(path) { try classifier.setDirection(estimate) }
        }
        head = try inFile(path) { [classes] in
            try Head(
                classifier, hasEstimate: estimate != nil, alpha: alpha, classes: classes, options: options,
                configuration: configuration)
        }
        self.notes = notes
        model = FloatModel(graph: graph, head: head.folded, input: input)
    }
}

extension WeightsFile {
    /// The files, beside this one at `path`, that it has numbers in.
    fileprivate func externalFiles(of path: String) -> [String] {
        guard case .onnx(let model) = self else { return [] }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        return model.externalFiles.map { folder.appendingPathComponent($0).path }
    }
}

extension ModelInput {
    /// Whether mean and standard deviation are the same for all channels.
    fileprivate var preparesChannelsAlike: Bool {
        mean == SIMD3(repeating: mean.x) && standardDeviation == SIMD3(repeating: standardDeviation.x)
    }
}

/// The mean feature vector of training images, drawn as evenly from the training part as it has them: frequent classes
/// count for more, as in the moving average that de-confounded training keeps, of which it is the expected value.
private func estimateDirection(
    from text: String, graph: FloatGraph, input: ModelInput, classes: Classes, ignoresEXIF: Bool
) throws -> [Float] {
    // The mean of 2048 features is off by 1/45 of their standard deviation: its direction moves by about 1 degree.
    let limit = 2048
    let specification = try dataSpecification(text)
    let whole = try classes.dataset(specification, text, part: .training, ignoresEXIF: ignoresEXIF)
    let images = try usable(classes.trainingPart(of: whole).sample(of: limit), for: input, text)
    let bar = ProgressBar("estimating the direction")
    defer { bar.finish() }
    let mean = try inFile(text) {
        try CalibrationImages(images, input: input).meanFeature(of: graph, progress: bar.update)
    }
    guard let mean else { throw Failure("\(DataError.noImages(path: text))") }
    return mean
}
