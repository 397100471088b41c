import Checkpoint

/// What tensors do not say of a network of inverted residuals, and how it is told from the others: by the sizes of its windows, and
/// by where it has squeeze and excitation.
struct MobileNetwork {
    let architecture: Architecture
    /// The same tensors, trained by TensorFlow, which pads and normalises in its own way.
    var tensorFlow: Architecture?
    /// Of each stage: the side of the windows, the first block's stride, whether there is squeeze and excitation.
    let windows: [Int]
    let strides: [Int]
    let squeezes: [Bool]
    /// Blocks of each stage where names do not tell stages; nil where a stage always has channels of its own.
    var blocks: [Int]?
    let activation: Activation
    /// So many stages, from the first on, have ReLU instead.
    var stagesOfReLU = 0
    /// In squeeze and excitation: between its two layers and behind them.
    var squeezed = Activation.relu
    var gate = Activation.sigmoid

    static let all = [
        // Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2.
        MobileNetwork(
            architecture: .mobileNetV2, windows: [3, 3, 3, 3, 3, 3, 3], strides: [1, 2, 2, 2, 1, 2, 1],
            squeezes: [Bool](repeating: false, count: 7), blocks: [1, 2, 3, 4, 3, 3, 1], activation: .relu6),
        // Howard et al., "Searching for MobileNetV3", tables 1 and 2.
        MobileNetwork(
            architecture: .mobileNetV3, tensorFlow: .tensorFlowMobileNetV3, windows: [3, 3, 5, 3, 3, 5],
            strides: [1, 2, 2, 2, 1, 2], squeezes: [false, false, true, false, true, true], blocks: [1, 2, 3, 4, 2, 3],
            activation: .hardSwish, stagesOfReLU: 3, gate: .hardSigmoid(slope: 1 / 6, offset: 0.5)),
        MobileNetwork(
            architecture: .mobileNetV3, tensorFlow: .tensorFlowMobileNetV3, windows: [3, 3, 5, 5, 5],
            strides: [2, 2, 2, 1, 2], squeezes: [true, false, true, true, true], blocks: [1, 2, 3, 2, 3],
            activation: .hardSwish, stagesOfReLU: 2, gate: .hardSigmoid(slope: 1 / 6, offset: 0.5)),
        // Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", figure 7, and the network that
        // torchvision and timm call B1.
        MobileNetwork(
            architecture: .mnasNet, windows: [3, 3, 5, 3, 3, 5, 3], strides: [1, 2, 2, 2, 1, 2, 1],
            squeezes: [false, false, true, false, true, true, false], activation: .relu),
        MobileNetwork(
            architecture: .mnasNet, windows: [3, 3, 5, 5, 3, 5, 3], strides: [1, 2, 2, 2, 1, 2, 1],
            squeezes: [Bool](repeating: false, count: 7), activation: .relu),
        // Tan and Le, "EfficientNet", table 1; without squeeze and excitation, and with ReLU6, it is EfficientNet-Lite.
        MobileNetwork(
            architecture: .efficientNet, tensorFlow: .tensorFlowEfficientNet, windows: [3, 3, 5, 3, 5, 5, 3],
            strides: [1, 2, 2, 2, 1, 2, 1], squeezes: [Bool](repeating: true, count: 7), activation: .silu,
            squeezed: .silu),
        MobileNetwork(
            architecture: .efficientNetLite, tensorFlow: .tensorFlowEfficientNetLite, windows: [3, 3, 5, 3, 5, 5, 3],
            strides: [1, 2, 2, 2, 1, 2, 1], squeezes: [Bool](repeating: false, count: 7), activation: .relu6),
        // Tan and Le, "EfficientNetV2", table 4; the larger ones have a seventh stage.
        MobileNetwork(
            architecture: .efficientNetV2, tensorFlow: .tensorFlowEfficientNetV2, windows: [3, 3, 3, 3, 3, 3],
            strides: [1, 2, 2, 2, 1, 2], squeezes: [false, false, false, true, true, true], activation: .silu,
            squeezed: .silu),
        MobileNetwork(
            architecture: .efficientNetV2, tensorFlow: .tensorFlowEfficientNetV2, windows: [3, 3, 3, 3, 3, 3, 3],
            strides: [1, 2, 2, 2, 1, 2, 1], squeezes: [false, false, false, true, true, true, true], activation: .silu,
            squeezed: .silu),
    ]

    func activation(ofStage stage: Int) -> Activation { stage < stagesOfReLU ? .relu : activation }
}

func makeMobileNetwork(
    _ found: FoundMobileNetwork, as architecture: Architecture, _ state: ReferenceState, height: Int, width: Int
) throws(GraphError) -> Backbone {
    let isTensorFlows = architecture == found.network.tensorFlow
    var builder = BackboneBuilder(
        state, height: height, width: width, epsilon: isTensorFlows ? 1e-3 : found.epsilon,
        padsLikeTensorFlow: isTensorFlows)
    let activation = found.network.activation
    var value = try builder.layer(
        found.names.stem, of: builder.graph.input, stride: 2, activation: activation, in: found.network)
    for (number, stage) in found.stages.enumerated() {
        for block in stage.indices {
            value = try builder.block(
                stage[block], of: value, stride: block == 0 ? found.network.strides[number] : 1,
                activation: found.network.activation(ofStage: number), in: found.network)
        }
    }
    value = try builder.layer(found.last, of: value, activation: activation, in: found.network)
    guard let hidden = found.hidden else { return try builder.finished(value) }
    value = try builder.append(.globalAveragePool, value, name: "\(hidden).mean")
    value = try builder.pointwise(hidden, of: value)
    value = try builder.append(.activation(activation), value, name: "\(hidden).activation")
    return try builder.finished(value)
}

extension BackboneBuilder {
    /// The layers of a block, the last one without activation where there are several; added to the input where shapes allow.
    fileprivate mutating func block(
        _ block: MobileBlock, of input: Value, stride: Int, activation: Activation, in network: MobileNetwork
    ) throws(GraphError) -> Value {
        // The one with a window moves it.
        let moving = block.layers.firstIndex { windowSize(of: $0) > 1 } ?? 0
        var value = input
        for (number, layer) in block.layers.enumerated() {
            let isLinear = number > 0 && number == block.layers.count - 1
            value = try self.layer(
                layer, of: value, stride: number == moving ? stride : 1, activation: isLinear ? nil : activation,
                in: network)
        }
        guard stride == 1, graph[value].shape == graph[input].shape else { return value }
        return try append(.add, value, input, name: "\(block.name).add")
    }

    fileprivate mutating func layer(
        _ layer: MobileLayer, of input: Value, stride: Int = 1, activation: Activation?, in network: MobileNetwork
    ) throws(GraphError) -> Value {
        switch layer {
        case .convolution(let name, let batchNorm):
            let inputs = graph[input].shape.channels
            let weights = try squareWeights(name)
            // One input channel an output makes it depthwise, or of a picture one for its luminance.
            let isDepthwise = weights.groupInputs == 1 && input != graph.input
            return try convolution(
                name, batchNorm: batchNorm, of: input, channels: weights.outputs, size: weights.side, stride: stride,
                groups: isDepthwise ? inputs : 1, activation: activation)
        case .squeeze(let reduce, let expand):
            var gate = try append(.globalAveragePool, input, name: "\(reduce).mean")
            gate = try pointwise(reduce, of: gate)
            gate = try append(.activation(network.squeezed), gate, name: "\(reduce).activation")
            gate = try pointwise(expand, of: gate)
            gate = try append(.activation(network.gate), gate, name: "\(expand).activation")
            return try append(.multiply, input, gate, name: "\(expand).scale")
        }
    }

    private func windowSize(of layer: MobileLayer) -> Int {
        guard case .convolution(let name, _) = layer else { return 1 }
        return shape(of: "\(name).weight")?.last ?? 1
    }
}
