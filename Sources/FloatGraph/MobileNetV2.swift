import Checkpoint

/// MobileNetV2 of width 1 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2) under
/// torchvision's names.
func makeMobileNetV2(_ state: ReferenceState, height: Int, width: Int) throws(GraphError) -> Backbone {
    var network = BackboneBuilder(state, height: height, width: width)
    var value = try network.convolution(
        "features.0.0", batchNorm: "features.0.1", of: network.graph.input, channels: 32, size: 3, stride: 2,
        activation: .relu6)
    let stages: [(expansion: Int, channels: Int, blocks: Int, stride: Int)] = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]
    var number = 1
    for stage in stages {
        for block in 0..<stage.blocks {
            value = try network.invertedResidual(
                "features.\(number)", of: value, expansion: stage.expansion, channels: stage.channels,
                stride: block == 0 ? stage.stride : 1)
            number += 1
        }
    }
    value = try network.convolution(
        "features.\(number).0", batchNorm: "features.\(number).1", of: value, channels: 1280, size: 1,
        activation: .relu6)
    return try network.finished(value)
}

extension BackboneBuilder {
    /// 1x1 to `expansion` times the channels, depthwise 3x3, 1x1 without activation; added to the input where shapes allow.
    fileprivate mutating func invertedResidual(
        _ name: String, of input: Value, expansion: Int, channels: Int, stride: Int
    ) throws(GraphError) -> Value {
        var value = input
        let inner = graph[input].shape.channels * expansion
        var layer = 0
        if expansion > 1 {
            value = try convolution(
                "\(name).conv.0.0", batchNorm: "\(name).conv.0.1", of: value, channels: inner, size: 1,
                activation: .relu6)
            layer = 1
        }
        value = try convolution(
            "\(name).conv.\(layer).0", batchNorm: "\(name).conv.\(layer).1", of: value, channels: inner, size: 3,
            stride: stride, groups: inner, activation: .relu6)
        value = try convolution(
            "\(name).conv.\(layer + 1)", batchNorm: "\(name).conv.\(layer + 2)", of: value, channels: channels, size: 1,
            activation: nil)
        guard graph[value].shape == graph[input].shape else { return value }
        return try append(.add, value, input, name: "\(name).add")
    }
}
