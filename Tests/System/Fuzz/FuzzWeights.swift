import Checkpoint
import FloatGraph

/// Reads a file of weights and makes a network of it; anything may be refused.
@Sendable func fuzzWeights(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: data, count: count))
    let weights = try? WeightsFile(bytes: bytes) { location, count throws(ExternalDataFault) in
        // What another file holds is as good as anything; it is as long as a small one.
        guard count <= 1 << 16 else { throw .tooShort(location: location, bytes: 1 << 16, needed: count) }
        return [UInt8](repeating: 0x3c, count: count)
    }
    switch weights {
    case .checkpoint(let checkpoint)?:
        _ = try? checkpoint.tensorList()
        _ = checkpoint.foreignNames
        guard let state = try? checkpoint.referenceState(backbones: Architecture.keys, weights: .raw) else { return 0 }
        for tensor in Array(state.features.values) + Array(state.classifier.values) { touch(tensor) }
        if let architecture = try? Architecture.recognise(state) {
            _ = try? architecture.graph(of: state, height: 32, width: 32)
        }
    case .onnx(let model)?:
        let size = ONNXNetwork.imageSize(of: model) ?? (13, 13)
        if size.height <= 64, size.width <= 64,
            let network = try? ONNXNetwork(model, height: size.height, width: size.width)
        {
            let graph = network.graph.simplified()
            let dimensions = graph[graph.features].shape.channels
            if let head = try? ClassifierHead(of: network.state, dimensions: dimensions), head.classes <= 64,
                isQuick(graph)
            {
                quantizeAndRun(graph, head, isOrdinary: false)
            }
        }
        for tensor in model.initializers.values { touch(tensor) }
    case nil:
        break
    }
    return 0
}

/// Converts the values of a tensor, unless there are so many that the time would say nothing.
private func touch(_ tensor: Tensor) {
    guard tensor.count < 1 << 16 else { return }
    precondition(tensor.values.count == tensor.count)
}
