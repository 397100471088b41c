import Checkpoint

/// The CIFAR ResNet-32 of "Long-Tailed Classification by Keeping the Good and Removing the Bad Momentum Causal Effect":
/// a 3x3 stem of 16 channels; stages of 5, 5 and 4 basic blocks with 16, 32 and 64 channels, the later two halving the
/// image; then two basic blocks side by side on the same input, their 64 channels each concatenated to 128 features.
func makeTwoBranchResNet32(_ state: ReferenceState, height: Int, width: Int) throws(GraphError) -> Backbone {
    var network = BackboneBuilder(state, height: height, width: width)
    var value = try network.convolution("conv1", batchNorm: "bn1", of: network.graph.input, channels: 16, size: 3)
    for (stage, blocks, channels) in [("layer1", 5, 16), ("layer2", 5, 32), ("layer3", 4, 64)] {
        for block in 0..<blocks {
            let stride = block == 0 && channels > 16 ? 2 : 1
            value = try network.basicBlock("\(stage).\(block)", of: value, channels: channels, stride: stride)
        }
    }
    let first = try network.basicBlock("cb_block", of: value, channels: 64, stride: 1)
    let second = try network.basicBlock("rb_block", of: value, channels: 64, stride: 1)
    value = try network.append(.concat, first, second, name: "concat")
    return try network.finished(value)
}
