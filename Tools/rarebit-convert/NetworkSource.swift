import Checkpoint
import FloatGraph

/// Where the network of a file of weights comes from.
enum NetworkSource {
    /// From the names of its tensors, or named by the user.
    case architecture(Architecture, ReferenceState)
    /// The file says it.
    case onnx(ONNXModel, output: String?)

    /// `output` names the output of an ONNX file that gives the logits.
    init(
        _ file: WeightsFile, named architecture: Architecture?, weights: WeightKind?, output: String?
    ) throws {
        switch file {
        case .checkpoint(let checkpoint):
            guard output == nil else {
                throw UsageFailure("--onnx-output is for ONNX files; leave it out")
            }
            let state = try checkpoint.referenceState(backbones: Architecture.keys, weights: weights)
            self = .architecture(try architecture ?? Architecture.recognise(state), state)
        case .onnx(let model):
            guard architecture == nil else {
                throw UsageFailure("an ONNX file says its network itself; leave --architecture out")
            }
            guard weights == nil else {
                throw UsageFailure("an ONNX file holds one network's weights; leave --weights out")
            }
            self = .onnx(model, output: output)
        }
    }

    /// The architecture's name, or "onnx".
    var architecture: String {
        switch self {
        case .architecture(let architecture, _): architecture.rawValue
        case .onnx: "onnx"
        }
    }

    /// Whether the file states how its numbers stand for bytes.
    var isQuantised: Bool {
        switch self {
        case .architecture: false
        case .onnx(let model, _):
            model.nodes.contains { ["QuantizeLinear", "QLinearConv", "QLinearMatMul"].contains($0.operation) }
        }
    }

    /// nil where the file itself says the network.
    var knownArchitecture: Architecture? {
        switch self {
        case .architecture(let architecture, _): architecture
        case .onnx: nil
        }
    }

    /// Height and width of the images, where the file says them.
    var imageSize: (height: Int, width: Int)? {
        switch self {
        case .architecture: nil
        case .onnx(let model, _): ONNXNetwork.imageSize(of: model)
        }
    }

    /// What a file of weights gives for one size of images.
    struct Contents {
        /// Up to the features.
        let backbone: Backbone
        /// The weights, with the classifier among them.
        let state: ReferenceState
        /// The classifier and its parameters where the file shows more than its tensors do.
        var classifier: ClassifierKind?
        var parameters = ClassifierParameters()
    }

    func contents(height: Int, width: Int) throws(GraphError) -> Contents {
        switch self {
        case .architecture(let architecture, var state):
            state.takeLastLayer(of: architecture)
            let experts = try state.joinExperts()
            return Contents(
                backbone: try architecture.backbone(of: state, height: height, width: width), state: state,
                classifier: experts?.kind, parameters: ClassifierParameters(heads: experts?.count, tau: experts?.tau))
        case .onnx(let model, let output):
            let network = try ONNXNetwork(model, output: output, height: height, width: width)
            return Contents(
                backbone: network.backbone, state: network.state, classifier: network.classifier,
                parameters: network.parameters)
        }
    }
}

extension Backbone {
    /// What a user should know of how the network came about, one line each.
    func notes(_ state: ReferenceState, _ head: ClassifierHead) -> [String] {
        let foreign = state.passedOver + passedOver
        return assumptions
            + (foreign.isEmpty ? [] : ["passed over what is no part of the network: \(list(foreign))"])
            + (graph.deadLayers.isEmpty ? [] : ["layers that compute nothing: \(list(graph.deadLayers))"])
            + (takesGrey ? ["the network is of grey pictures: it sees their luminance"] : [])
            + (head.isOfOneLogit
                ? ["a single logit: class 1 is its sigmoid, class 0 the complement"] : [])
    }

    /// The first of them, and how many more there are.
    private func list(_ names: [String]) -> String {
        let shown = names.prefix(12).map(printable).joined(separator: ", ")
        return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
    }
}
