import Checkpoint

/// A source of the same pseudo-random values on every run.
public struct SampleValues {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    /// Evenly distributed, by the high bits of a linear congruential generator (Knuth's MMIX constants).
    public mutating func next(in range: ClosedRange<Float> = -1...1) -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + (range.upperBound - range.lowerBound) * Float(state >> 40) / Float(1 << 24)
    }

    public mutating func array(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in next(in: range) }
    }

    public mutating func tensor(_ shape: [Int], in range: ClosedRange<Float> = -1...1) -> Tensor {
        Tensor(shape: shape, values: array(shape.reduce(1, *), in: range))
    }
}

/// A two-branch ResNet-32 whose weights are random, of the size that keeps activations near 1.
public func sampleState(classes: Int = 10) -> ReferenceState {
    var values = SampleValues(seed: 1)
    var features: [String: Tensor] = [:]
    func add(_ convolution: String, _ norm: String, inputs: Int, outputs: Int) {
        let reach = (6 / Float(9 * inputs)).squareRoot()
        features["\(convolution).weight"] = values.tensor([outputs, inputs, 3, 3], in: -reach...reach)
        features["\(norm).weight"] = values.tensor([outputs], in: 0.5...1.5)
        features["\(norm).bias"] = values.tensor([outputs], in: -0.2...0.2)
        features["\(norm).running_mean"] = values.tensor([outputs], in: -0.5...0.5)
        features["\(norm).running_var"] = values.tensor([outputs], in: 0.5...1.5)
        features["\(norm).num_batches_tracked"] = Tensor(shape: [], values: [1000])
    }
    func addBlock(_ name: String, inputs: Int, outputs: Int) {
        add("\(name).conv1", "\(name).bn1", inputs: inputs, outputs: outputs)
        add("\(name).conv2", "\(name).bn2", inputs: outputs, outputs: outputs)
    }
    add("conv1", "bn1", inputs: 3, outputs: 16)
    for (stage, blocks, inputs, outputs) in [("layer1", 5, 16, 16), ("layer2", 5, 16, 32), ("layer3", 4, 32, 64)] {
        for block in 0..<blocks {
            addBlock("\(stage).\(block)", inputs: block == 0 ? inputs : outputs, outputs: outputs)
        }
    }
    addBlock("cb_block", inputs: 64, outputs: 64)
    addBlock("rb_block", inputs: 64, outputs: 64)
    return ReferenceState(
        features: features, classifier: ["weight": values.tensor([classes, 128])], direction: values.array(128))
}
