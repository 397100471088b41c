import Checkpoint
import Evaluation
import FloatGraph
import Foundation
import Quantization

/// A checkpoint with everything that its configuration and the options add.
struct Network {
    /// The architecture's name, or "onnx" where the file itself says the network.
    let architecture: String
    /// Batch normalisations are folded.
    let model: FloatModel
    let head: Head
    let classes: Classes
    /// What was passed over, one line each.
    let notes: [String]

    /// `alpha` is the strength of TDE that the user asks for, if any.
    init(checkpoint path: String, options: NetworkOptions, alpha: Float? = nil) throws {
        let configuration = try options.config.map(Configuration.init(contentsOf:)) ?? Configuration()
        var notes = configuration.notes
        let file = try inFile(path) { try WeightsFile(contentsOf: path) }
        let statedWeights = try configuration.weights()
        let source = try inFile(path) {
            try NetworkSource(
                file, named: options.architecture, weights: options.weights ?? statedWeights, output: options.onnxOutput
            )
        }
        architecture = source.architecture
        let input = try modelInput(options.picture, configuration, ofFile: source.imageSize)
        let contents = try inFile(path) { try source.contents(height: input.height, width: input.width) }
        let backbone = contents.backbone
        guard !backbone.takesGrey || input.preparesChannelsAlike else {
            throw UsageFailure(
                "\(path): is a network of grey pictures; give one mean and one deviation for all channels, as in "
                    + "--mean .5,.5,.5 --std .25,.25,.25")
        }
        let graph = backbone.graph.simplified()
        var classifier = try classifierHead(
            of: contents, checkpoint: path, dimensions: graph[graph.features].shape.channels,
            options: options.classifier,
            configuration: configuration, notes: &notes)
        notes += backbone.notes(contents.state, classifier)
        try configuration.check(classes: classifier.classes, dimensions: classifier.dimensions)
        classes = try Classes(count: classifier.classes, options: options, configuration: configuration)
        let estimate = try options.adjustment.estimateDirection.map { [classes] in
            try estimateDirection(from: $0, graph: graph, input: input, classes: classes)
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

extension ModelInput {
    /// Whether mean and standard deviation are the same for all channels.
    fileprivate var preparesChannelsAlike: Bool {
        mean == SIMD3(repeating: mean.x) && standardDeviation == SIMD3(repeating: standardDeviation.x)
    }
}

/// The mean feature vector of training images, drawn as evenly from the training part as it has them: frequent classes
/// count for more, as in the moving average that de-confounded training keeps, of which it is the expected value.
private func estimateDirection(
    from text: String, graph: FloatGraph, input: ModelInput, classes: Classes
) throws -> [Float] {
    // The mean of 2048 features is off by 1/45 of their standard deviation: its direction moves by about 1 degree.
    let limit = 2048
    let specification = try dataSpecification(text)
    let whole = try inFile(text) { try Dataset(specification, part: .training, classNames: nil) }
    let images = classes.trainingPart(of: whole).sample(of: limit)
    let bar = ProgressBar("estimating the direction")
    defer { bar.finish() }
    let mean = try inFile(text) {
        try CalibrationImages(images, input: input).meanFeature(of: graph, progress: bar.update)
    }
    guard let mean else { throw Failure("\(DataError.noImages(path: text))") }
    return mean
}

private func modelInput(
    _ options: PictureOptions, _ configuration: Configuration, ofFile size: (height: Int, width: Int)?
) throws -> ModelInput {
    let usual = try configuration.dataset().flatMap(UsualInput.init(ofDataset:))
    // Also what an option wins over is read: a mistake in the configuration must not go unnoticed.
    let (statedSize, statedResize) = (try configuration.inputSize(), try configuration.resize())
    let (statedMean, statedStd) = (try configuration.mean(), try configuration.standardDeviation())
    let stated = options.input.map { ($0.height, $0.width) } ?? statedSize ?? size
    guard let (height, width) = stated ?? usual.map({ ($0.side, $0.side) }) else {
        throw UsageFailure("the input size is not known; give --input 3xHxW, or --config with input.size")
    }
    guard let mean = options.mean ?? statedMean ?? usual?.mean,
        let std = options.std ?? statedStd ?? usual?.standardDeviation
    else {
        throw UsageFailure("mean and standard deviation are not known; give --mean and --std, or --config with both")
    }
    guard (1...4096).contains(height), (1...4096).contains(width) else {
        throw UsageFailure("an input of \(height) x \(width) is out of range; give 1 to 4096 pixels a side")
    }
    guard (0..<3).allSatisfy({ mean[$0].isFinite && std[$0] > 1e-6 && std[$0] < 1e6 }) else {
        throw UsageFailure("mean and standard deviation must be numbers, the latter above 0")
    }
    let usualResize = stated == nil ? usual?.resize : nil
    let resize = options.resize ?? statedResize ?? usualResize ?? max(height, width)
    guard (max(height, width)...16384).contains(resize) else {
        throw UsageFailure("--resize \(resize) is out of range; give \(max(height, width)) to 16384")
    }
    return ModelInput(
        height: height, width: width, resizeShorterSide: resize, mean: mean, standardDeviation: std)
}

/// How the reference prepares the pictures of a data set, which its configurations name and leave at that.
private struct UsualInput {
    let side: Int
    let resize: Int
    let mean: SIMD3<Float>
    let standardDeviation: SIMD3<Float>

    /// By the beginning of the name: "CIFAR100_LT", "ImageNet_LT", "Places_LT".
    init?(ofDataset name: String) {
        let name = name.lowercased()
        if name.hasPrefix("cifar") {
            (side, resize) = (32, 32)
            (mean, standardDeviation) = (SIMD3(0.4914, 0.4822, 0.4465), SIMD3(0.2023, 0.1994, 0.2010))
        } else if name.hasPrefix("imagenet") || name.hasPrefix("places") {
            (side, resize) = (224, 256)
            (mean, standardDeviation) = (SIMD3(0.485, 0.456, 0.406), SIMD3(0.229, 0.224, 0.225))
        } else {
            return nil
        }
    }
}
