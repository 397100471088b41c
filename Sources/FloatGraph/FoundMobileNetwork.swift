import Checkpoint

/// A network of inverted residuals among a state dict's tensors: its layers by their names, and what is known of such networks. Its
/// channels, and how many blocks its stages have, the tensors say.
struct FoundMobileNetwork {
    let names: MobileNames
    let network: MobileNetwork
    let stages: [[MobileBlock]]
    /// In front of the mean.
    let last: MobileLayer
    /// Behind it, where there is one.
    let hidden: String?

    /// nil where the tensors are of no such network.
    init?(in tensors: [String: Tensor]) {
        let candidates = MobileNames.allCases.lazy.filter { tensors.has($0.stem) }.map { ($0, $0.stages(in: tensors)) }
        guard case (let names, var stages)? = candidates.first(where: { !$0.1.isEmpty }) else { return nil }
        // What stands behind the stages has the next number, or behind the blocks where there are no stages.
        var last = names.last(modules: (stages.count > 1 ? stages.count : stages[0].count) + 1)
        var hidden = names.hidden.flatMap { tensors["\($0).bias"] == nil ? nil : $0 }
        if names == .timm, !tensors.has(last) {
            // MobileNetV3's convolution in front of the mean is a stage there, and conv_head stands behind it.
            guard stages.count > 1, let layer = stages.removeLast().first?.layers.first else { return nil }
            last = layer
        } else if names == .timm {
            hidden = nil
        }
        guard tensors.has(last) else { return nil }
        let found = MobileNetwork.all.lazy.compactMap { network in
            network.stages(of: stages, in: tensors).map { (network, $0) }
        }
        guard let (network, stages) = found.first else { return nil }
        self.names = names
        self.network = network
        self.stages = stages
        self.last = last
        self.hidden = hidden
    }

    /// What it may be: tensors of timm's names may be those of a network that TensorFlow trained.
    var architectures: [Architecture] {
        switch (names, network.tensorFlow) {
        case (.timm, let tensorFlow?): [network.architecture, tensorFlow]
        case (.efficientNetPyTorch, let tensorFlow?): [tensorFlow]
        default: [network.architecture]
        }
    }

    /// Of its batch normalisations, where TensorFlow did not train it.
    var epsilon: Double {
        guard names == .torchvision else { return BatchNorm.defaultEpsilon }
        // torchvision's EfficientNet-B5 to B7, whose first stage has three blocks or more, have it as their originals.
        let isLarge = stages[0].count > 2
        return network.architecture == .efficientNet && !isLarge ? BatchNorm.defaultEpsilon : 1e-3
    }
}

extension [String: Tensor] {
    fileprivate func has(_ layer: MobileLayer) -> Bool {
        guard case .convolution(let name, let norm) = layer else { return false }
        return self["\(name).weight"] != nil && self["\(norm).weight"] != nil
    }
}

extension MobileNetwork {
    /// The stages of this network that the blocks are, given in stages or all in one list; nil where they are of another.
    fileprivate func stages(of given: [[MobileBlock]], in tensors: [String: Tensor]) -> [[MobileBlock]]? {
        let found = given.count > 1 ? given : split(given[0], in: tensors)
        guard found.count == windows.count else { return nil }
        for (number, stage) in found.enumerated() {
            let fits = stage.allSatisfy { block in
                let hasSqueeze = block.layers.contains { if case .squeeze = $0 { true } else { false } }
                return hasSqueeze == squeezes[number] && block.window(in: tensors) == windows[number]
            }
            guard fits else { return nil }
        }
        return found
    }

    /// By the usual numbers of blocks, where there are; else a stage ends where the next block has other channels.
    private func split(_ all: [MobileBlock], in tensors: [String: Tensor]) -> [[MobileBlock]] {
        if let blocks, blocks.reduce(0, +) == all.count {
            var rest = all[...]
            return blocks.map { count in
                defer { rest = rest.dropFirst(count) }
                return Array(rest.prefix(count))
            }
        }
        var stages: [[MobileBlock]] = []
        var channels: Int?
        for block in all {
            let outputs = block.outputs(in: tensors)
            if outputs != channels { stages.append([]) }
            stages[stages.count - 1].append(block)
            channels = outputs
        }
        return stages
    }
}

extension MobileBlock {
    private func shapes(in tensors: [String: Tensor]) -> [[Int]] {
        layers.compactMap { layer in
            if case .convolution(let name, _) = layer { tensors["\(name).weight"]?.shape } else { nil }
        }
    }

    /// The side of its largest window.
    fileprivate func window(in tensors: [String: Tensor]) -> Int { shapes(in: tensors).compactMap(\.last).max() ?? 0 }

    fileprivate func outputs(in tensors: [String: Tensor]) -> Int? { shapes(in: tensors).last?.first }
}

extension ReferenceState {
    /// torchvision's MobileNetV3 has two linear layers below `classifier`: the last one is the classifier, the other belongs to
    /// the features. Changes nothing of other networks.
    public mutating func takeLastLayer(of architecture: Architecture) {
        guard architecture == .mobileNetV3, classifier.isEmpty, features["classifier.0.weight"] != nil else { return }
        for name in features.keys where name.hasPrefix("classifier.3.") {
            classifier["fc.\(name.dropFirst("classifier.3.".count))"] = features.removeValue(forKey: name)
        }
    }
}
