import Checkpoint

/// Why a checkpoint's tensors do not make a network.
public enum GraphError: Error, Equatable, Sendable {
    /// The tensors' names are of no backbone that this module knows.
    case unknownArchitecture
    /// The names are of each of these, and only the one who trained the network knows which it is.
    case severalArchitectures([Architecture])
    /// The tensors are not of the architecture that was asked for.
    case otherArchitecture(Architecture, found: [Architecture])
    /// The tensors are those of a detector: it finds boxes, and is no classifier.
    case detector
    case missingTensor(name: String, expected: [Int])
    case wrongShape(name: String, expected: [Int], found: [Int])
    /// NaN or an infinity at `index`, in row-major order.
    case notFinite(name: String, index: Int, value: Float)
    case negativeVariance(name: String, index: Int, value: Float)
    /// The backbone has no place for this tensor: the checkpoint is of another network.
    case unexpectedTensor(name: String)
    /// The classifier is of several linear layers, and no tensor says what is computed between them.
    case severalClassifierLayers(names: [String])
    /// The head's `heads` do not divide the `dimensions` of the feature vector.
    case headsDoNotDivide(heads: Int, dimensions: Int)
    /// A parameter of the classifier's formula that makes no sense.
    case parameterOutOfRange(ClassifierKind.Parameter, value: Float)
    /// tau, gamma or a power make the classifier's rows infinite.
    case foldedRowsNotFinite
    /// Logit adjustment takes the logarithm of each class's share of the training images.
    case classWithoutImages(index: Int)
    case classWithoutPrior(index: Int, value: Double)
    /// The nodes up to this one hold more numbers than are computed with.
    case tooManyWeights(node: String, limit: Int)
    /// A node cannot take inputs of these shapes.
    case shapesDisagree(node: String, inputs: [FeatureShape])
    /// An ONNX file has a node of an operation that is not known here.
    case unsupportedOperation(node: String, operation: String)
    /// An ONNX file uses a known operation in a way that is not known here.
    case unsupportedNode(node: String, operation: String, reason: String)
    /// No output of an ONNX file is made by a linear layer; the node and its operation are what makes the first one.
    case noLinearLayer(output: String, node: String, operation: String)
    /// An output of an ONNX file that it has not.
    case noSuchOutput(String, outputs: [String])
    /// Several outputs of an ONNX file may be the logits.
    case severalOutputs([String])
    /// A node of an ONNX file computes with quantised numbers.
    case quantised(node: String, operation: String)
    /// What an ONNX file takes is not one image with three channels of the size that was asked for.
    case unsupportedInput(String)
}

extension GraphError: CustomStringConvertible {
    /// One line: what is wrong and what to do, without the file's path, which the caller knows.
    public var description: String {
        switch self {
        case .unknownArchitecture:
            "the tensors are of no architecture known here (\(Architecture.list(Architecture.allCases, ", "))); "
                + "give a checkpoint of one of these, or export the model: \(wayThroughONNX)"
        case .severalArchitectures(let candidates):
            "the tensors may be of \(Architecture.list(candidates)), which differ in how they pad and normalise; say which with "
                + "--architecture (networks that TensorFlow trained, which timm calls tf_, are those with tf-)"
        case .otherArchitecture(let wanted, let found):
            "the tensors are not of \(wanted.rawValue) but of \(Architecture.list(found)); correct --architecture"
        case .detector:
            "is a detector, and only classifiers are converted; its answers in COCO's format can be measured: evaluate RESULTS --data coco:FILE"
        case .missingTensor(let name, let expected):
            "tensor \(name), expected with shape \(expected), is missing; save the whole state dict, or export the model: \(wayThroughONNX)"
        case .wrongShape(let name, let expected, let found):
            "tensor \(name) has shape \(found), expected \(expected); give the checkpoint of this architecture, "
                + "or export the model: \(wayThroughONNX)"
        case .notFinite(let name, let index, let value):
            "tensor \(name) holds \(value) at index \(index); the training has diverged, give an earlier checkpoint"
        case .negativeVariance(let name, let index, let value):
            "tensor \(name) holds the negative variance \(value) at index \(index); the checkpoint is damaged, copy it again"
        case .unexpectedTensor(let name):
            "tensor \(printable(name)) has no place in this architecture; give the checkpoint of this architecture, "
                + "or export the model: \(wayThroughONNX)"
        case .severalClassifierLayers(let names):
            "the classifier has several layers (\(printable(names.joined(separator: ", ")))), and the file does not say what is "
                + "computed between them; export the model: \(wayThroughONNX)"
        case .headsDoNotDivide(let heads, let dimensions):
            "num_head \(heads) does not divide the \(dimensions) features; correct the configuration"
        case .parameterOutOfRange(let parameter, let value):
            "the classifier's \(parameter.rawValue) is \(value); give a number in its range"
        case .foldedRowsNotFinite:
            "the classifier's numbers are not finite once tau, gamma, power and adjustment are in them; choose milder ones"
        case .classWithoutImages(let index):
            "class \(index) has no training images, and logit adjustment needs the logarithm of their number; "
                + "leave it out with --class-subset"
        case .classWithoutPrior(let index, let value):
            "class \(index) has the target prior \(value), which must be above 0; leave it out with --class-subset"
        case .unsupportedOperation(let node, let operation):
            "node \(printable(node)) is of the operation \(printable(operation)), which cannot be converted; "
                + "replace it and export again"
        case .unsupportedNode(let node, let operation, let reason):
            "node \(printable(node)) (\(printable(operation))) cannot be converted: \(reason); change it and export again"
        case .noLinearLayer(let output, let node, let operation):
            "output \(printable(output)) is not made by a linear layer but by node \(printable(node)) "
                + "(\(printable(operation))); export the classifier with its last linear layer"
        case .noSuchOutput(let name, let outputs):
            "there is no output \(printable(name)); give --onnx-output \(outputs.map(printable).joined(separator: " or "))"
        case .severalOutputs(let outputs):
            "the ONNX file has \(outputs.count) outputs that may be the logits; give --onnx-output "
                + outputs.map(printable).joined(separator: " or ")
        case .quantised(let node, let operation):
            "node \(printable(node)) (\(printable(operation))) computes with numbers that are quantised already in a way "
                + "that cannot be kept; give the float network it was made from"
        case .unsupportedInput(let what):
            "the ONNX file takes \(what); export it for one image of 3 channels or 1, or give --input as the file has it"
        case .tooManyWeights(let node, let limit):
            "the network has more than \(limit) weights, from \(printable(node)) on; choose a smaller one"
        case .shapesDisagree(let node, let inputs):
            "\(printable(node)) cannot take \(inputs.map { "\($0.channels)x\($0.height)x\($0.width)" }.joined(separator: ", ")); "
                + "choose another input size"
        }
    }
}
