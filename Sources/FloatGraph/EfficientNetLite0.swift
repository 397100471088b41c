import Checkpoint

/// EfficientNet-Lite0 under timm's names: EfficientNet-B0 (Tan and Le, "EfficientNet", table 1) without squeeze and excitation,
/// with ReLU6 instead of SiLU.
///
/// Networks that TensorFlow trained pad as it does and normalise with another epsilon; nothing in their tensors shows it.
func makeEfficientNetLite0(
    _ state: ReferenceState, trainedByTensorFlow: Bool, height: Int, width: Int
) throws(GraphError) -> Backbone {
    var network = BackboneBuilder(
        state, height: height, width: width, epsilon: trainedByTensorFlow ? 1e-3 : BatchNorm.defaultEpsilon,
        padsLikeTensorFlow: trainedByTensorFlow)
    var value = try network.convolution(
        "conv_stem", batchNorm: "bn1", of: network.graph.input, channels: 32, size: 3, stride: 2, activation: .relu6)
    let stages: [(expansion: Int, size: Int, channels: Int, blocks: Int, stride: Int)] = [
        (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    ]
    for (number, stage) in stages.enumerated() {
        for block in 0..<stage.blocks {
            value = try network.mobileBlock(
                "blocks.\(number).\(block)", of: value, expansion: stage.expansion, channels: stage.channels,
                size: stage.size, stride: block == 0 ? stage.stride : 1)
        }
    }
    value = try network.convolution(
        "conv_head", batchNorm: "bn2", of: value, channels: 1280, size: 1, activation: .relu6)
    return try network.finished(value)
}

extension BackboneBuilder {
    /// 1x1 to `expansion` times the channels, depthwise, 1x1 without activation; added to the input where shapes allow.
    fileprivate mutating func mobileBlock(
        _ name: String, of input: Value, expansion: Int, channels: Int, size: Int, stride: Int
    ) throws(GraphError) -> Value {
        var value = input
        let inner = graph[input].shape.channels * expansion
        var norm = 1
        if expansion > 1 {
            value = try convolution(
                "\(name).conv_pw", batchNorm: "\(name).bn1", of: value, channels: inner, size: 1, activation: .relu6)
            norm = 2
        }
        value = try convolution(
            "\(name).conv_dw", batchNorm: "\(name).bn\(norm)", of: value, channels: inner, size: size, stride: stride,
            groups: inner, activation: .relu6)
        value = try convolution(
            expansion > 1 ? "\(name).conv_pwl" : "\(name).conv_pw", batchNorm: "\(name).bn\(norm + 1)", of: value,
            channels: channels, size: 1, activation: nil)
        guard graph[value].shape == graph[input].shape else { return value }
        return try append(.add, value, input, name: "\(name).add")
    }
}
