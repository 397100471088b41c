import Checkpoint
import FloatGraph

/// Where the network of a file of weights comes from.
enum NetworkSource {
    /// From the names of its tensors, or named by the user.
    case architecture(Architecture, ReferenceState)
    /// The file says it.
    case onnx(ONNXModel)

    init(_ file: WeightsFile, named architecture: Architecture?) throws {
        switch file {
        case .checkpoint(let checkpoint):
            let state = try checkpoint.referenceState()
            self = .architecture(try architecture ?? Architecture.recognise(state), state)
        case .onnx(let model):
            guard architecture == nil else {
                throw UsageFailure("an ONNX file says its network itself; leave --architecture out")
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
    func network(height: Int, width: Int) throws(GraphError) -> (graph: FloatGraph, state: ReferenceState) {
        switch self {
        case .architecture(let architecture, let state):
            return (try architecture.graph(of: state, height: height, width: width), state)
        case .onnx(let model):
            let network = try ONNXNetwork(model, height: height, width: width)
            return (network.graph, network.state)
        }
    }
}
