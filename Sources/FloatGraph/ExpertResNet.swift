import Checkpoint

/// What the names of a multi-expert residual network's tensors say: a shared stem and first stages, `layer1`; then every expert's
/// own later ones, stage 2 of expert 0 being `layer2s.0`, as RIDE (Wang et al., ICLR 2021), SADE (Zhang et al., NeurIPS 2022) and
/// BalPoE (Aimar et al., CVPR 2023) have it. Each expert's features are pooled by themselves and stand one after the other.
struct ExpertResNetPlan: Equatable {
    /// Blocks of each stage and their kind, for one expert.
    let network: ResNetPlan
    /// Stages that all experts share, from the first on.
    let sharedStages: Int
    let experts: Int

    /// nil where the tensors are of no such network.
    init?(of tensors: [String: Tensor]) {
        guard let shared = ResNetPlan(of: tensors) else { return nil }
        sharedStages = shared.blocks.prefix { $0 > 0 }.count
        var blocks = Array(shared.blocks.prefix(sharedStages))
        while case let count = Self.blocks(of: "layer\(blocks.count + 1)s.0", in: tensors), count > 0 {
            blocks.append(count)
        }
        guard blocks.count > sharedStages else { return nil }
        network = ResNetPlan(blocks, hasBottlenecks: shared.hasBottlenecks, groups: shared.groups)
        var experts = 1
        while tensors["layer\(blocks.count)s.\(experts).0.conv1.weight"] != nil {
            experts += 1
        }
        self.experts = experts
    }

    /// Throws where the tensors are of no such network.
    init(required state: ReferenceState) throws(GraphError) {
        guard let plan = ExpertResNetPlan(of: state.features) else { throw .unknownArchitecture }
        self = plan
    }

    private static func blocks(of stage: String, in tensors: [String: Tensor]) -> Int {
        var count = 0
        while tensors["\(stage).\(count).conv1.weight"] != nil {
            count += 1
        }
        return count
    }
}

func makeExpertResNet(
    _ plan: ExpertResNetPlan, _ state: ReferenceState, height: Int, width: Int
) throws(GraphError) -> Backbone {
    var network = BackboneBuilder(state, height: height, width: width)
    let shared = try network.stem(plan.network)
    var value = shared.value
    for stage in 0..<plan.sharedStages {
        value = try network.stage(
            stage, "layer\(stage + 1)", plan.network, of: value, channels: shared.channels << stage)
    }
    var features: [FloatGraph.Value] = []
    for expert in 0..<plan.experts {
        var own = value
        for stage in plan.sharedStages..<plan.network.blocks.count {
            let name = "layer\(stage + 1)s.\(expert)"
            // Experts are narrower than a network by itself, by as much as their makers chose.
            let channels = network.planes(of: "\(name).0", plan.network) ?? shared.channels << stage
            own = try network.stage(stage, name, plan.network, of: own, channels: channels)
        }
        features.append(own)
    }
    let joined = try network.append(.concat, features, name: "experts")
    return try network.finished(joined)
}

extension BackboneBuilder {
    /// The channels that a block is named by: a bottleneck's output has four times as many.
    fileprivate func planes(of block: String, _ plan: ResNetPlan) -> Int? {
        let last = shape(of: "\(block).conv\(plan.hasBottlenecks ? 3 : 2).weight")?.first
        return last.flatMap { (1...4096).contains($0) ? plan.hasBottlenecks ? $0 / 4 : $0 : nil }
    }
}

extension ReferenceState {
    /// The classifiers of the experts, as one over all their features: the mean of their logits.
    public struct Experts: Sendable {
        public let count: Int
        public let kind: ClassifierKind
        /// The factor before the cosines; nil where the classifiers are linear.
        public let tau: Float?
    }

    /// RIDE's scale of cosines, which SADE and BalPoE have kept.
    private static let scale: Float = 30

    /// Joins classifiers that stand for themselves, `linears.0.weight` and so on, to one. Those without a bias are cosines, their
    /// weights stored `[inputs][classes]`; those with one are linear layers, whose weights are divided by the number of experts here.
    /// nil where there are none.
    public mutating func joinExperts() throws(GraphError) -> Experts? {
        var count = 0
        while features["linears.\(count).weight"] != nil {
            count += 1
        }
        guard count > 0 else { return nil }
        let isLinear = features["linears.0.bias"] != nil
        var tensors = Parameters(features, group: featuresPrefix)
        var rows: [[Float]] = []
        var bias: [Float] = []
        for expert in 0..<count {
            let name = "linears.\(expert)"
            let shape = features["\(name).weight"]!.shape
            guard shape.count == 2, shape.allSatisfy({ $0 > 0 }) else {
                throw .wrongShape(name: "\(featuresPrefix)\(name).weight", expected: [1, 1], found: shape)
            }
            let (classes, width) = isLinear ? (shape[0], shape[1]) : (shape[1], shape[0])
            if rows.isEmpty {
                rows = [[Float]](repeating: [], count: classes)
                bias = [Float](repeating: 0, count: classes)
            }
            let wanted = isLinear ? [rows.count, width] : [width, rows.count]
            let weight = try tensors.take("\(name).weight", shape: wanted)
            for row in rows.indices {
                rows[row] += (0..<width).map { column in
                    isLinear ? weight[row * width + column] / Float(count) : weight[column * classes + row]
                }
            }
            guard isLinear else { continue }
            for (row, value) in try tensors.take("\(name).bias", shape: [rows.count]).enumerated() {
                bias[row] += value / Float(count)
            }
        }
        for name in features.keys where name.hasPrefix("linears.") { features[name] = nil }
        classifier = ["weight": Tensor(shape: [rows.count, rows[0].count], values: rows.flatMap(\.self))]
        if isLinear { classifier["bias"] = Tensor(shape: [bias.count], values: bias) }
        return Experts(count: count, kind: isLinear ? .linear : .cosine, tau: isLinear ? nil : Self.scale)
    }
}
