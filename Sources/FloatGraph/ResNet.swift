import Checkpoint

/// What tells one residual network from another (He et al., "Deep Residual Learning for Image Recognition"; Xie et al.,
/// "Aggregated Residual Transformations for Deep Neural Networks").
struct ResNetPlan: Equatable {
    /// Blocks of each stage: three stages for small images (CIFAR), four for large ones.
    let blocks: [Int]
    /// 1x1, 3x3, 1x1 instead of 3x3, 3x3.
    var hasBottlenecks = false
    /// Of a bottleneck's 3x3 convolution; more than one makes it a ResNeXt of 4 channels a group.
    var groups = 1

    var isForSmallImages: Bool { blocks.count == 3 }

    /// The plan that the names and shapes of a state dict's tensors are of; nil where they are of no residual network.
    init?(of tensors: [String: Tensor]) {
        guard tensors["conv1.weight"] != nil, let first = tensors["layer1.0.conv2.weight"] else { return nil }
        let counts = (1...4).map { stage in
            var count = 0
            while tensors["layer\(stage).\(count).conv1.weight"] != nil {
                count += 1
            }
            return count
        }
        blocks = counts.last == 0 ? counts.dropLast() : counts
        hasBottlenecks = tensors["layer1.0.conv3.weight"] != nil
        guard first.shape.count == 4, first.shape[1] > 0 else { return nil }
        groups = first.shape[0] / first.shape[1]
    }

    init(_ blocks: [Int], hasBottlenecks: Bool = false, groups: Int = 1) {
        self.blocks = blocks
        self.hasBottlenecks = hasBottlenecks
        self.groups = groups
    }

    /// 6n + 2 layers: the stem, n blocks of two in each of three stages, the classifier.
    static func small(layers: Int) -> ResNetPlan { ResNetPlan([Int](repeating: (layers - 2) / 6, count: 3)) }
}

func makeResNet(
    _ plan: ResNetPlan, lastReLU: Bool = true, _ state: ReferenceState, height: Int, width: Int
) throws(GraphError) -> Backbone {
    var network = BackboneBuilder(state, height: height, width: width)
    let stem = try network.stem(plan)
    var value = stem.value
    for stage in plan.blocks.indices {
        let isLast = stage == plan.blocks.count - 1
        value = try network.stage(
            stage, "layer\(stage + 1)", plan, of: value, channels: stem.channels << stage,
            lastActivation: isLast && !lastReLU ? nil : .relu)
    }
    var backbone = try network.finished(value)
    if stem.isForSmallImages, !plan.isForSmallImages {
        backbone.assumptions.append(
            "conv1 of \(stem.size)x\(stem.size) was taken for one of stride 1 without max pooling behind it, as for small "
                + "images; if the network has it otherwise, \(wayThroughONNX)")
    }
    return backbone
}

/// The first layer, which has a size of its own.
private struct ResNetStem {
    let channels: Int
    let size: Int
    /// 3x3 without max pooling, for images of some 32 pixels a side.
    let isForSmallImages: Bool

    init(of network: BackboneBuilder, _ plan: ResNetPlan) {
        let shape = network.shape(of: "conv1.weight") ?? []
        isForSmallImages = plan.isForSmallImages || shape.dropFirst(2) == [3, 3]
        size = isForSmallImages ? 3 : 7
        // A ResNeXt's groups are of 4 channels where it has 64.
        let usual = plan.isForSmallImages ? 16 : 64
        let isOfOwnWidth = plan.groups == 1 && (1...1024).contains(shape.first ?? 0)
        channels = isOfOwnWidth ? shape[0] : usual
    }
}

extension BackboneBuilder {
    /// The first layer, with its pooling where it has one.
    mutating func stem(
        _ plan: ResNetPlan
    ) throws(GraphError) -> (value: Value, channels: Int, size: Int, isForSmallImages: Bool) {
        let stem = ResNetStem(of: self, plan)
        var value = try convolution(
            "conv1", batchNorm: "bn1", of: graph.input, channels: stem.channels, size: stem.size,
            stride: stem.isForSmallImages ? 1 : 2)
        if !stem.isForSmallImages {
            value = try append(.maxPool(Window(size: 3, stride: 2, padding: 1)), value, name: "maxpool")
        }
        return (value, stem.channels, stem.size, stem.isForSmallImages)
    }

    /// Stage 0, 1, ... with its blocks `name`.0, `name`.1, ...; all but stage 0 halve the image.
    mutating func stage(
        _ stage: Int, _ name: String, _ plan: ResNetPlan, of input: Value, channels: Int,
        lastActivation: Activation? = .relu
    ) throws(GraphError) -> Value {
        var value = input
        for block in 0..<plan.blocks[stage] {
            let stride = stage > 0 && block == 0 ? 2 : 1
            let activation = block == plan.blocks[stage] - 1 ? lastActivation : .relu
            value =
                plan.hasBottlenecks
                ? try bottleneck(
                    "\(name).\(block)", of: value, channels: channels, groups: plan.groups, stride: stride,
                    activation: activation)
                : try basicBlock(
                    "\(name).\(block)", of: value, channels: channels, stride: stride, activation: activation)
        }
        return value
    }

    /// Two 3x3 convolutions and a shortcut.
    mutating func basicBlock(
        _ name: String, of input: Value, channels: Int, stride: Int, activation: Activation? = .relu
    ) throws(GraphError) -> Value {
        var value = try convolution(
            "\(name).conv1", batchNorm: "\(name).bn1", of: input, channels: channels, size: 3, stride: stride)
        value = try convolution(
            "\(name).conv2", batchNorm: "\(name).bn2", of: value, channels: channels, size: 3, activation: nil)
        return try adding(shortcut: input, to: value, name, stride: stride, activation: activation)
    }

    /// 1x1 to `channels` (doubled in a ResNeXt), 3x3 with the stride, 1x1 to 4 * `channels`, and a shortcut.
    mutating func bottleneck(
        _ name: String, of input: Value, channels: Int, groups: Int, stride: Int, activation: Activation? = .relu
    ) throws(GraphError) -> Value {
        // 4 channels a group where the image is largest.
        let inner = groups == 1 ? channels : channels * 4 / 64 * groups
        var value = try convolution(
            "\(name).conv1", batchNorm: "\(name).bn1", of: input, channels: inner, size: 1)
        value = try convolution(
            "\(name).conv2", batchNorm: "\(name).bn2", of: value, channels: inner, size: 3, stride: stride,
            groups: groups)
        value = try convolution(
            "\(name).conv3", batchNorm: "\(name).bn3", of: value, channels: 4 * channels, size: 1, activation: nil)
        return try adding(shortcut: input, to: value, name, stride: stride, activation: activation)
    }

    /// The identity where the shape stays; where it does not, a 1x1 convolution if the checkpoint has one ("option B"), else
    /// the shortcut without parameters ("option A").
    private mutating func adding(
        shortcut input: Value, to value: Value, _ name: String, stride: Int, activation: Activation?
    ) throws(GraphError) -> Value {
        let channels = graph[value].shape.channels
        var shortcut = input
        if stride != 1 || graph[input].shape.channels != channels {
            let projection = ["downsample", "shortcut"].first { has("\(name).\($0).0.weight") }
            if let projection {
                shortcut = try convolution(
                    "\(name).\(projection).0", batchNorm: "\(name).\(projection).1", of: input, channels: channels,
                    size: 1, stride: stride, activation: nil)
            } else {
                shortcut = try append(
                    .select(Selection(optionAShortcutOf: graph[input].shape, channels: channels)), input,
                    name: "\(name).shortcut")
            }
        }
        let sum = try append(.add, value, shortcut, name: "\(name).add")
        guard let activation else { return sum }
        return try append(.activation(activation), sum, name: name)
    }
}
