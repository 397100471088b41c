import Checkpoint

/// The classifiers that fold into a `ClassifierHead`; the raw value is the name on the command line. x is the feature
/// vector, w_i the row of class i in the checkpoint, x_k and w_ki their parts in head k of K.
public enum ClassifierKind: String, CaseIterable, Sendable, CustomStringConvertible {
    /// w_i . x + b_i, the bias where there is one.
    case linear
    /// (tau / K) * sum over k of (x_k / |x_k|) . w_ki / (|w_ki| + gamma): Tang, Huang, Zhang, NeurIPS 2020.
    case causalNorm = "causal-norm"
    /// (tau / K) * sum over k of (x_k / |x_k|) . w_ki / |w_ki|
    case cosine
    /// tau * (x / (1 + |x|)) . w_i / |w_i|: Liu et al., "Large-Scale Long-Tailed Recognition in an Open World", CVPR 2019.
    case capsule
    /// s_i * (w_i . x + b_i), learnable weight scaling: Kang et al., "Decoupling Representation and Classifier for
    /// Long-Tailed Recognition", ICLR 2020, as are the next three.
    case lws
    /// (w_i / |w_i|^p) . x, the bias dropped.
    case tauNorm = "tau-norm"
    /// Classifier re-training: a linear layer.
    case crt
    /// -tau * |n - m_i|^2 but for what all classes share: the nearest class mean m_i to n = (x - c) / |x - c|.
    case ncm
    /// tau * cosine, the weight stored `[dimensions][classes]`: Cao et al., "Learning Imbalanced Datasets with
    /// Label-Distribution-Aware Margin Loss", NeurIPS 2019, where tau is s.
    case ldam

    public var description: String { rawValue }

    /// What a user may choose, and the checkpoint does not say.
    public enum Parameter: String, Sendable {
        case heads, tau, gamma, power
    }

    /// The parameters that the formula has. K heads also split the direction of TDE, so every kind that can have one
    /// takes them.
    public var parameters: Set<Parameter> {
        switch self {
        case .linear, .crt, .lws: [.heads]
        case .causalNorm: [.heads, .tau, .gamma]
        case .cosine, .capsule, .ldam: [.heads, .tau]
        case .tauNorm: [.heads, .power]
        case .ncm: [.tau]
        }
    }

    /// Whether the TDE adjustment applies: centred features have lost the direction that it takes out.
    public var canHaveDirection: Bool { self != .ncm }

    /// Whether tau-norm, which divides each row by a power of its norm, says anything about this classifier: not where
    /// the rows have a fixed norm already.
    public var hasFreeRowNorms: Bool { [.linear, .crt, .lws].contains(self) }

    /// Whether a bias of the checkpoint is added: beside normalised products it would have no meaning.
    var hasBias: Bool { hasFreeRowNorms }

    var featureNorm: FeatureNorm {
        switch self {
        case .linear, .crt, .lws, .tauNorm: .none
        case .causalNorm, .cosine, .ldam, .ncm: .perHead
        case .capsule: .capsule
        }
    }

    /// What a checkpoint's classifier tensors look like, for feature vectors of `dimensions`. A weight by itself, without
    /// the name of a layer around it, is how the Causal Norm classifier is saved; the cosine and capsule classifiers are
    /// saved alike and must be named.
    public static func recognise(_ tensors: [String: Tensor], dimensions: Int) -> ClassifierKind {
        let names = ClassifierTensorNames(tensors)
        if tensors[names.scales] != nil {
            return .lws
        }
        if let shape = tensors[names.weight]?.shape, shape.count == 2, shape[0] == dimensions, shape[1] != dimensions {
            return .ldam
        }
        return names.weight == "weight" && tensors[names.bias] == nil ? .causalNorm : .linear
    }
}

/// The parameters of a classifier's formula; `nil` stands for the default of the kind.
public struct ClassifierParameters: Equatable, Sendable {
    /// K
    public var heads: Int?
    /// The factor before normalised products: tau, or s.
    public var tau: Float?
    /// Added to the norm of a row.
    public var gamma: Float?
    /// p of tau-norm.
    public var power: Float?

    public init(heads: Int? = nil, tau: Float? = nil, gamma: Float? = nil, power: Float? = nil) {
        self.heads = heads
        self.tau = tau
        self.gamma = gamma
        self.power = power
    }

    /// With the kind's defaults, those of the papers, and without what it has no use for.
    func completed(for kind: ClassifierKind) -> ClassifierParameters {
        let used = kind.parameters
        let defaultTau: Float = kind == .ldam ? 30 : kind == .ncm ? 1 : 16
        return ClassifierParameters(
            heads: used.contains(.heads) ? heads ?? (kind == .causalNorm ? 2 : 1) : 1,
            tau: used.contains(.tau) ? tau ?? defaultTau : nil,
            gamma: used.contains(.gamma) ? gamma ?? 1 / 32 : nil,
            power: used.contains(.power) ? power ?? 1 : nil)
    }

    func check(dimensions: Int) throws(GraphError) {
        guard let heads, heads > 0, dimensions % heads == 0 else {
            throw .headsDoNotDivide(heads: heads ?? 0, dimensions: dimensions)
        }
        if let tau, !(tau.isFinite && tau > 0) {
            throw .parameterOutOfRange(.tau, value: tau)
        }
        if let gamma, !(gamma.isFinite && gamma >= 0) {
            throw .parameterOutOfRange(.gamma, value: gamma)
        }
        if let power, !power.isFinite {
            throw .parameterOutOfRange(.power, value: power)
        }
    }
}

/// Where a linear layer's tensors stand: `weight` and `bias` by themselves or below the name of a layer, `scales` there or
/// beside.
struct ClassifierTensorNames {
    let weight: String
    let bias: String
    let scales: String

    init(_ tensors: [String: Tensor]) {
        let names = tensors.keys.filter { $0 == "weight" || $0.hasSuffix(".weight") }
        weight = names.min { ($0.count, $0) < ($1.count, $1) } ?? "weight"
        let layer = weight.dropLast("weight".count)
        bias = layer + "bias"
        scales = tensors["scales"] == nil ? layer + "scales" : "scales"
    }
}
