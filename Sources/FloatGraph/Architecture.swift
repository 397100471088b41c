import Checkpoint

/// The backbones that can be built from a checkpoint; the raw value is the name on the command line.
public enum Architecture: String, CaseIterable, Sendable {
    case twoBranchResNet32 = "two-branch-resnet32"
    case cifarResNet20 = "cifar-resnet20"
    case cifarResNet32 = "cifar-resnet32"
    case cifarResNet44 = "cifar-resnet44"
    case cifarResNet56 = "cifar-resnet56"
    case cifarResNet110 = "cifar-resnet110"
    case resNet10 = "resnet10"
    case resNet18 = "resnet18"
    case resNet34 = "resnet34"
    case resNet50 = "resnet50"
    case resNet101 = "resnet101"
    case resNet152 = "resnet152"
    case resNeXt50 = "resnext50-32x4d"
    case resNeXt101 = "resnext101-32x4d"
    case resNeXt152 = "resnext152-32x4d"
    // The same tensors, so these must be named: some feature extractors leave the last ReLU away.
    case resNeXt50WithoutLastReLU = "resnext50-32x4d-no-last-relu"
    case resNeXt101WithoutLastReLU = "resnext101-32x4d-no-last-relu"
    case resNeXt152WithoutLastReLU = "resnext152-32x4d-no-last-relu"
    // Several experts behind a shared beginning; how many, of what depth and width, their tensors say.
    case expertCIFARResNet = "cifar-resnet-experts"
    case expertResNet = "resnet-experts"
    // Of every width and depth. Those of TensorFlow have the same tensors, but pad and normalise otherwise.
    case mobileNetV2 = "mobilenetv2"
    case mobileNetV3 = "mobilenetv3"
    case tensorFlowMobileNetV3 = "tf-mobilenetv3"
    case mnasNet = "mnasnet"
    case efficientNet = "efficientnet"
    case tensorFlowEfficientNet = "tf-efficientnet"
    case efficientNetLite = "efficientnet-lite"
    case tensorFlowEfficientNetLite = "tf-efficientnet-lite"
    case efficientNetV2 = "efficientnetv2"
    case tensorFlowEfficientNetV2 = "tf-efficientnetv2"

    /// The architecture that the names of a checkpoint's tensors are of. Throws `GraphError.unknownArchitecture`,
    /// `GraphError.severalArchitectures` where the names leave it open, and `GraphError.detector` for a network that finds boxes,
    /// whose backbone would be known.
    public static func recognise(_ state: ReferenceState) throws(GraphError) -> Architecture {
        let tensors = state.features
        if (state.passedOver + tensors.keys).contains(where: isOfDetector) {
            throw .detector
        }
        if tensors["cb_block.conv1.weight"] != nil || tensors["rb_block.conv1.weight"] != nil {
            return .twoBranchResNet32
        }
        if let found = FoundMobileNetwork(in: tensors) {
            guard found.architectures.count == 1 else { throw .severalArchitectures(found.architectures) }
            return found.architectures[0]
        }
        if let plan = ExpertResNetPlan(of: tensors) {
            return plan.network.isForSmallImages ? .expertCIFARResNet : .expertResNet
        }
        guard let plan = ResNetPlan(of: tensors),
            let architecture = allCases.first(where: { $0.resNet?.plan == plan })
        else { throw .unknownArchitecture }
        return architecture
    }

    /// By the names of mmdet, which `Tools/training/detect.py` has too, and of torchvision.
    private static func isOfDetector(_ key: String) -> Bool {
        ["roi_head", "roi_heads", "rpn_head", "bbox_head"].contains { key.split(separator: ".").contains($0[...]) }
    }

    static func list(_ architectures: [Architecture], _ separator: String = " or ") -> String {
        architectures.map(\.rawValue).joined(separator: separator)
    }

    /// What the key of one tensor of each family ends with: where in a file it stands says where the network stands.
    public static let keys = ["layer1.0.conv1.weight"] + MobileNames.allCases.flatMap(\.keys)

    /// The network alone: see `backbone`.
    public func graph(of state: ReferenceState, height: Int, width: Int) throws(GraphError) -> FloatGraph {
        try backbone(of: state, height: height, width: width).graph
    }

    /// The network with this checkpoint's parameters, for images of `height` by `width` pixels.
    public func backbone(of state: ReferenceState, height: Int, width: Int) throws(GraphError) -> Backbone {
        if let resNet {
            return try makeResNet(resNet.plan, lastReLU: resNet.lastReLU, state, height: height, width: width)
        }
        return switch self {
        case .expertCIFARResNet, .expertResNet:
            try makeExpertResNet(.init(required: state), state, height: height, width: width)
        case .mobileNetV2, .mobileNetV3, .tensorFlowMobileNetV3, .mnasNet, .efficientNet, .tensorFlowEfficientNet,
            .efficientNetLite, .tensorFlowEfficientNetLite, .efficientNetV2, .tensorFlowEfficientNetV2:
            try mobileBackbone(of: state, height: height, width: width)
        default:
            try makeTwoBranchResNet32(state, height: height, width: width)
        }
    }

    private func mobileBackbone(of state: ReferenceState, height: Int, width: Int) throws(GraphError) -> Backbone {
        guard let found = FoundMobileNetwork(in: state.features) else { throw .unknownArchitecture }
        guard [found.network.architecture, found.network.tensorFlow].contains(self) else {
            throw .otherArchitecture(self, found: found.architectures)
        }
        return try makeMobileNetwork(found, as: self, state, height: height, width: width)
    }

    /// Height and width of the pictures that it is usually trained with.
    public var usualSide: Int {
        [.twoBranchResNet32, .expertCIFARResNet].contains(self) || resNet?.plan.isForSmallImages == true ? 32 : 224
    }

    private var resNet: (plan: ResNetPlan, lastReLU: Bool)? {
        switch self {
        case .cifarResNet20: (.small(layers: 20), true)
        case .cifarResNet32: (.small(layers: 32), true)
        case .cifarResNet44: (.small(layers: 44), true)
        case .cifarResNet56: (.small(layers: 56), true)
        case .cifarResNet110: (.small(layers: 110), true)
        case .resNet10: (ResNetPlan([1, 1, 1, 1]), true)
        case .resNet18: (ResNetPlan([2, 2, 2, 2]), true)
        case .resNet34: (ResNetPlan([3, 4, 6, 3]), true)
        case .resNet50: (ResNetPlan([3, 4, 6, 3], hasBottlenecks: true), true)
        case .resNet101: (ResNetPlan([3, 4, 23, 3], hasBottlenecks: true), true)
        case .resNet152: (ResNetPlan([3, 8, 36, 3], hasBottlenecks: true), true)
        case .resNeXt50: (ResNetPlan([3, 4, 6, 3], hasBottlenecks: true, groups: 32), true)
        case .resNeXt101: (ResNetPlan([3, 4, 23, 3], hasBottlenecks: true, groups: 32), true)
        case .resNeXt152: (ResNetPlan([3, 8, 36, 3], hasBottlenecks: true, groups: 32), true)
        case .resNeXt50WithoutLastReLU: (Self.resNeXt50.resNet!.plan, false)
        case .resNeXt101WithoutLastReLU: (Self.resNeXt101.resNet!.plan, false)
        case .resNeXt152WithoutLastReLU: (Self.resNeXt152.resNet!.plan, false)
        default: nil
        }
    }
}
