import Checkpoint

/// The CIFAR ResNet-32 of "Long-Tailed Classification by Keeping the Good and Removing the Bad Momentum Causal Effect":
/// a 3x3 stem of 16 channels; stages of 5, 5 and 4 basic blocks with 16, 32 and 64 channels, the later two halving the
/// image; then two basic blocks side by side on the same input, their 64 channels each concatenated to 128 features.
func makeTwoBranchResNet32(
    _ tensors: [String: Tensor], height: Int, width: Int
) throws(GraphError) -> FloatGraph {
    var network = BackboneBuilder(tensors, input: FeatureShape(channels: 3, height: height, width: width))
    var value = try network.convolution("conv1", batchNorm: "bn1", of: network.graph.input, channels: 16, stride: 1)
    value = try network.graph.append(.relu, value, name: "relu")
    for (stage, blocks, channels) in [("layer1", 5, 16), ("layer2", 5, 32), ("layer3", 4, 64)] {
        for block in 0..<blocks {
            let stride = block == 0 && channels > 16 ? 2 : 1
            value = try network.basicBlock("\(stage).\(block)", of: value, channels: channels, stride: stride)
        }
    }
    let first = try network.basicBlock("cb_block", of: value, channels: 64, stride: 1)
    let second = try network.basicBlock("rb_block", of: value, channels: 64, stride: 1)
    value = try network.graph.append(.concat, first, second, name: "concat")
    try network.graph.append(.globalAveragePool, value, name: "features")
    try network.parameters.expectAllTaken()
    return network.graph
}

/// Adds the blocks that residual networks are made of, with a checkpoint's parameters.
private struct BackboneBuilder {
    var graph: FloatGraph
    var parameters: Parameters

    init(_ tensors: [String: Tensor], input: FeatureShape) {
        graph = FloatGraph(input: input)
        parameters = Parameters(tensors, group: "feat_model.")
    }

    /// A 3x3 convolution without bias and its batch normalisation.
    mutating func convolution(
        _ name: String, batchNorm: String, of input: FloatGraph.Value, channels: Int, stride: Int
    ) throws(GraphError) -> FloatGraph.Value {
        let inputChannels = graph[input].shape.channels
        let convolution = Convolution(
            inputChannels: inputChannels, outputChannels: channels,
            window: Window(size: 3, stride: stride, padding: 1),
            weights: try parameters.take("\(name).weight", shape: [channels, inputChannels, 3, 3]),
            bias: [Float](repeating: 0, count: channels))
        let value = try graph.append(.convolution(convolution), input, name: name)
        let norm = try parameters.takeBatchNorm(batchNorm, channels: channels)
        return try graph.append(.batchNorm(norm), value, name: batchNorm)
    }

    /// Two 3x3 convolutions and a shortcut: the identity where the shape stays, option A where it does not.
    mutating func basicBlock(
        _ name: String, of input: FloatGraph.Value, channels: Int, stride: Int
    ) throws(GraphError) -> FloatGraph.Value {
        var value = try convolution(
            "\(name).conv1", batchNorm: "\(name).bn1", of: input, channels: channels, stride: stride)
        value = try graph.append(.relu, value, name: "\(name).relu1")
        value = try convolution("\(name).conv2", batchNorm: "\(name).bn2", of: value, channels: channels, stride: 1)
        var shortcut = input
        if stride != 1 {
            shortcut = try graph.append(.optionAShortcut(channels: channels), input, name: "\(name).shortcut")
        }
        value = try graph.append(.add, value, shortcut, name: "\(name).add")
        return try graph.append(.relu, value, name: name)
    }
}
