import Checkpoint

/// Evenly distributed values that depend on the name alone: those of `uniform` in Tools/training/fixtures/architectures.py.
public func values(named name: String, count: Int, in range: ClosedRange<Double>) -> [Float] {
    var seed: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 {
        seed = (seed ^ UInt64(byte)) &* 0x100_0000_01B3
    }
    return [Float](unsafeUninitializedCapacity: count) { values, initialized in
        for index in 0..<count {
            seed = seed &+ 0x9E37_79B9_7F4A_7C15
            var z = (seed ^ seed >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            let fraction = Double(z >> 40) / Double(1 << 24)
            values[index] = Float(range.lowerBound + (range.upperBound - range.lowerBound) * fraction)
        }
        initialized = count
    }
}

extension ReferenceState {
    /// Of a state dict of the whole network.
    public init(stateDict tensors: [String: Tensor]) {
        let layers = ["fc.", "_fc.", "linear.", "classifier.1.", "classifier."]
        let layer = layers.first { tensors["\($0)weight"] != nil } ?? "fc."
        self.init(features: tensors.filter { !$0.key.hasPrefix(layer) }, classifier: [:], direction: nil)
        for (name, tensor) in tensors where name.hasPrefix(layer) {
            classifier["fc.\(name.dropFirst(layer.count))"] = tensor
        }
        (featuresPrefix, classifierPrefix) = ("", "")
    }
}

/// A parameter or statistic by its name and shape: `sample` in Tools/training/fixtures/architectures.py.
private func sampleTensor(_ name: String, _ shape: [Int]) -> Tensor {
    var range = -0.2...0.2
    if shape.count > 1 {
        let reach = (6 / Double(shape[1...].reduce(1, *))).squareRoot()
        range = -reach...reach
    } else if name.hasSuffix(".weight") || name.hasSuffix(".running_var") {
        range = 0.5...1.5
    }
    return Tensor(shape: shape, values: values(named: name, count: shape.reduce(1, *), in: range))
}

/// Collects the tensors of a network under the names that public checkpoints use.
private struct StateDict {
    var tensors: [String: Tensor] = [:]

    mutating func add(_ name: String, _ shape: [Int]) {
        tensors[name] = sampleTensor(name, shape)
    }

    mutating func add(_ convolution: String, _ norm: String, _ shape: [Int]) {
        add("\(convolution).weight", shape)
        for parameter in ["weight", "bias", "running_mean", "running_var"] {
            add("\(norm).\(parameter)", [shape[0]])
        }
        tensors["\(norm).num_batches_tracked"] = Tensor(shape: [], values: [1000])
    }

    mutating func addLinear(_ name: String, inputs: Int, classes: Int) {
        add("\(name).weight", [classes, inputs])
        add("\(name).bias", [classes])
    }
}

/// A residual network with 10 classes: of three stages for small images, of four for large ones, under the names of
/// torchvision. `projection` names the convolutions of shortcuts; nil for shortcuts without parameters. `inputs` is 1 for grey
/// pictures.
public func sampleResNet(
    blocks: [Int], stem given: (channels: Int, size: Int)? = nil, inputs: Int = 3, bottlenecks: Bool = false,
    groups: Int = 1, projection: String? = "downsample", classifier: String = "fc"
) -> [String: Tensor] {
    var state = StateDict()
    let stem = given ?? (blocks.count == 3 ? (16, 3) : (64, 7))
    state.add("conv1", "bn1", [stem.channels, inputs, stem.size, stem.size])
    var inputs = stem.channels
    for (stage, count) in blocks.enumerated() {
        let width = stem.channels << stage
        let outputs = bottlenecks ? 4 * width : width
        for block in 0..<count {
            let name = "layer\(stage + 1).\(block)"
            if bottlenecks {
                let inner = groups == 1 ? width : width / 16 * groups
                state.add("\(name).conv1", "\(name).bn1", [inner, inputs, 1, 1])
                state.add("\(name).conv2", "\(name).bn2", [inner, inner / groups, 3, 3])
                state.add("\(name).conv3", "\(name).bn3", [outputs, inner, 1, 1])
            } else {
                state.add("\(name).conv1", "\(name).bn1", [outputs, inputs, 3, 3])
                state.add("\(name).conv2", "\(name).bn2", [outputs, outputs, 3, 3])
            }
            if let projection, inputs != outputs {
                state.add("\(name).\(projection).0", "\(name).\(projection).1", [outputs, inputs, 1, 1])
            }
            inputs = outputs
        }
    }
    state.addLinear(classifier, inputs: inputs, classes: 10)
    return state.tensors
}

/// MobileNetV2 with 10 classes under torchvision's names.
public func sampleMobileNetV2() -> [String: Tensor] {
    var state = StateDict()
    state.add("features.0.0", "features.0.1", [32, 3, 3, 3])
    var (inputs, number) = (32, 1)
    for (outputs, count) in [(16, 1), (24, 2), (32, 3), (64, 4), (96, 3), (160, 3), (320, 1)] {
        for _ in 0..<count {
            let name = "features.\(number)"
            let inner = number == 1 ? inputs : 6 * inputs
            let layer = number == 1 ? 0 : 1
            if number > 1 {
                state.add("\(name).conv.0.0", "\(name).conv.0.1", [inner, inputs, 1, 1])
            }
            state.add("\(name).conv.\(layer).0", "\(name).conv.\(layer).1", [inner, 1, 3, 3])
            state.add("\(name).conv.\(layer + 1)", "\(name).conv.\(layer + 2)", [outputs, inner, 1, 1])
            (inputs, number) = (outputs, number + 1)
        }
    }
    state.add("features.18.0", "features.18.1", [1280, 320, 1, 1])
    state.addLinear("classifier.1", inputs: 1280, classes: 10)
    return state.tensors
}

/// The tensors of a network by their names and shapes, a line each: `conv_stem.weight 32x3x3x3`.
public func sampleTensors(_ lines: [String]) -> [String: Tensor] {
    let tensors = lines.map { line in
        let parts = line.split(separator: " ")
        let name = String(parts[0])
        return (name, sampleTensor(name, parts[1].split(separator: "x").map { Int($0)! }))
    }
    return Dictionary(uniqueKeysWithValues: tensors)
}
