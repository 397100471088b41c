extension FloatGraph {
    /// Layers that compute nothing, one line each: weights that are all zero, channels that never varied in training. To be
    /// asked before batch normalisations are folded.
    public var deadLayers: [String] {
        nodes.compactMap { node in
            switch node.operation {
            case .convolution(let convolution) where convolution.weights.allSatisfy { $0 == 0 }:
                return "all weights of \(node.name) are zero"
            case .batchNorm(let norm):
                // A channel that is always the same leaves its running variance to decay, down to the smallest numbers.
                let dead = norm.variance.count { $0 < 1e-30 }
                return dead == 0
                    ? nil : "\(dead) of \(norm.variance.count) channels before \(node.name) never varied in training"
            default:
                return nil
            }
        }
    }
}
