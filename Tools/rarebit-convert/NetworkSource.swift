import Checkpoint
import FloatGraph

/// Where the network of a file of weights comes from.
enum NetworkSource {
    /// From the names of its tensors, or named by the user.
    case architecture(Architecture, ReferenceState)
    /// The file says it.
    case onnx(ONNXModel)

    init(_ file: WeightsFile, named architecture: Architecture?, weights: WeightKind?) throws {
        switch file {
        case .checkpoint(let checkpoint):
            let state = try checkpoint.referenceState(backbones: Architecture.keys, weights: weights)
            self = .architecture(try architecture ?? Architecture.recognise(state), state)
        case .onnx(let model):
            guard architecture == nil else {
                throw UsageFailure("an ONNX file says its network itself; leave --architecture out")
            }
            guard weights == nil else {
                throw UsageFailure("an ONNX file holds one network's weights; leave --weights out")
            }
            self = .onnx(model)
        }
    }

    /// The architecture's name, or "onnx".
    var architecture: String {
        switch self {
        case .architecture(let architecture, _): architecture.rawValue
        case .onnx: "onnx"
        }
    }

    /// Height and width of the images, where the file says them.
    var imageSize: (height: Int, width: Int)? {
        switch self {
        case .architecture: nil
        case .onnx(let model): ONNXNetwork.imageSize(of: model)
        }
    }

    /// The network up to the features, and the weights with the classifier among them.
    func network(height: Int, width: Int) throws(GraphError) -> (backbone: Backbone, state: ReferenceState) {
        switch self {
        case .architecture(let architecture, let state):
            return (try architecture.backbone(of: state, height: height, width: width), state)
        case .onnx(let model):
            let network = try ONNXNetwork(model, height: height, width: width)
            return (Backbone(graph: network.graph, takesGrey: false, passedOver: []), network.state)
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
