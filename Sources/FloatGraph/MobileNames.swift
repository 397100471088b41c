import Checkpoint

/// A layer of an inverted residual, by the names of its tensors.
enum MobileLayer: Equatable {
    /// Without a bias, and normalised.
    case convolution(String, batchNorm: String)
    /// Squeeze and excitation (Hu et al., "Squeeze-and-Excitation Networks"): two 1x1 convolutions with biases over the mean of
    /// all pixels, whose result scales the channels.
    case squeeze(reduce: String, expand: String)
}

/// A block of convolutions, from fewer channels to fewer: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
/// Bottlenecks", and what came of it.
struct MobileBlock {
    let name: String
    let layers: [MobileLayer]
}

/// Who named the tensors of a network of inverted residuals.
enum MobileNames: CaseIterable {
    /// MobileNetV3 and EfficientNet.
    case torchvision
    case torchvisionMobileNetV2
    case torchvisionMNASNet
    /// Those of TensorFlow's networks as well, if `blocks` are in stages.
    case timm
    /// The package efficientnet_pytorch, which has TensorFlow's networks alone.
    case efficientNetPyTorch

    /// What the name of one tensor of a network of this kind ends with; no other network has it twice.
    var keys: [String] {
        switch self {
        case .torchvision: ["features.1.block.0.0.weight", "features.1.0.block.0.0.weight"]
        case .torchvisionMobileNetV2: ["features.1.conv.0.0.weight"]
        case .torchvisionMNASNet: ["layers.8.0.layers.0.weight"]
        case .timm: ["blocks.0.0.conv_dw.weight", "blocks.0.0.conv.weight"]
        case .efficientNetPyTorch: ["_blocks.0._depthwise_conv.weight"]
        }
    }

    /// The first layer, which sees the picture.
    var stem: MobileLayer {
        switch self {
        case .torchvision, .torchvisionMobileNetV2: .convolution("features.0.0", batchNorm: "features.0.1")
        case .torchvisionMNASNet: .convolution("layers.0", batchNorm: "layers.1")
        case .timm: .convolution("conv_stem", batchNorm: "bn1")
        case .efficientNetPyTorch: .convolution("_conv_stem", batchNorm: "_bn0")
        }
    }

    /// The 1x1 convolution in front of the mean, behind so many modules of `features`.
    func last(modules: Int) -> MobileLayer {
        switch self {
        case .torchvision, .torchvisionMobileNetV2:
            .convolution("features.\(modules).0", batchNorm: "features.\(modules).1")
        case .torchvisionMNASNet: .convolution("layers.14", batchNorm: "layers.15")
        case .timm: .convolution("conv_head", batchNorm: "bn2")
        case .efficientNetPyTorch: .convolution("_conv_head", batchNorm: "_bn1")
        }
    }

    /// The layer with a bias behind the mean, where a network has one.
    var hidden: String? {
        switch self {
        case .torchvision: "classifier.0"
        case .timm: "conv_head"
        case .torchvisionMobileNetV2, .torchvisionMNASNet, .efficientNetPyTorch: nil
        }
    }

    /// The blocks of each stage, in order; one list of all where names tell no stages.
    func stages(in tensors: [String: Tensor]) -> [[MobileBlock]] {
        switch self {
        case .torchvision:
            let flat = blocks(in: tensors) { "features.\($0 + 1)" }
            guard flat.isEmpty else { return [flat] }
            return stages(in: tensors) { "features.\($0 + 1).\($1)" }
        case .torchvisionMobileNetV2: return [blocks(in: tensors) { "features.\($0 + 1)" }]
        case .torchvisionMNASNet:
            let first = MobileBlock(
                name: "layers.3",
                layers: [
                    .convolution("layers.3", batchNorm: "layers.4"), .convolution("layers.6", batchNorm: "layers.7"),
                ])
            return [[first]] + stages(in: tensors) { "layers.\($0 + 8).\($1)" }
        case .timm: return stages(in: tensors) { "blocks.\($0).\($1)" }
        case .efficientNetPyTorch: return [blocks(in: tensors) { "_blocks.\($0)" }]
        }
    }

    private func stages(in tensors: [String: Tensor], name: (Int, Int) -> String) -> [[MobileBlock]] {
        var stages: [[MobileBlock]] = []
        while true {
            let stage = blocks(in: tensors) { name(stages.count, $0) }
            guard !stage.isEmpty else { return stages }
            stages.append(stage)
        }
    }

    private func blocks(in tensors: [String: Tensor], name: (Int) -> String) -> [MobileBlock] {
        var blocks: [MobileBlock] = []
        while true {
            let block = name(blocks.count)
            let layers = layers(of: block) { tensors["\(block).\($0).weight"] != nil }
            guard !layers.isEmpty else { return blocks }
            blocks.append(MobileBlock(name: block, layers: layers))
        }
    }

    /// The layers of a block in order, of those that it may have; `has` tells whether it has a weight of that name.
    private func layers(of block: String, has: (String) -> Bool) -> [MobileLayer] {
        func convolution(_ name: String, _ norm: String) -> MobileLayer? {
            has(name) ? .convolution("\(block).\(name)", batchNorm: "\(block).\(norm)") : nil
        }
        func squeeze(_ reduce: String, _ expand: String) -> MobileLayer? {
            has(reduce) ? .squeeze(reduce: "\(block).\(reduce)", expand: "\(block).\(expand)") : nil
        }
        switch self {
        case .torchvision:
            return (0..<4).compactMap { number in
                convolution("block.\(number).0", "block.\(number).1")
                    ?? squeeze("block.\(number).fc1", "block.\(number).fc2")
            }
        case .torchvisionMobileNetV2:
            let activated = (0..<3).prefix { has("conv.\($0).0") }
            let layers = activated.map { convolution("conv.\($0).0", "conv.\($0).1") }
            return (layers + [convolution("conv.\(layers.count)", "conv.\(layers.count + 1)")]).compactMap(\.self)
        case .torchvisionMNASNet:
            return [0, 3, 6].compactMap { convolution("layers.\($0)", "layers.\($0 + 1)") }
        case .timm:
            let squeeze = squeeze("se.conv_reduce", "se.conv_expand")
            let forms = [
                [
                    convolution("conv_pw", "bn1"), convolution("conv_dw", "bn2"), squeeze,
                    convolution("conv_pwl", "bn3"),
                ],
                [convolution("conv_exp", "bn1"), squeeze, convolution("conv_pwl", "bn2")],
                [convolution("conv_dw", "bn1"), squeeze, convolution("conv_pw", "bn2")],
                [convolution("conv", "bn1")],
            ]
            // The layers of a form have names that belong together.
            let form = has("conv_pwl") ? (has("conv_exp") ? 1 : 0) : has("conv_dw") ? 2 : 3
            return forms[form].compactMap(\.self)
        case .efficientNetPyTorch:
            return [
                convolution("_expand_conv", "_bn0"), convolution("_depthwise_conv", "_bn1"),
                squeeze("_se_reduce", "_se_expand"), convolution("_project_conv", "_bn2"),
            ].compactMap(\.self)
        }
    }
}
