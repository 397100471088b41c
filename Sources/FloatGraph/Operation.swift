/// What a node computes. Pictures in the comments are of one image.
///
/// There is no operation for what changes nothing: a node of another format that copies its input, as Dropout does, is that
/// input; a softmax at the end is left away, since the device computes it.
public enum Operation: Sendable {
    /// The normalised image.
    case input
    /// Also a linear layer, as a 1x1 convolution of a 1x1 image.
    case convolution(Convolution)
    /// Also multiplying by, or adding, a number for each channel.
    case batchNorm(BatchNorm)
    case activation(Activation)
    /// The sum of two values of one shape.
    case add
    /// The product of two values of one shape, or of a value and a number for each of its channels: `[channels, 1, 1]`.
    case multiply
    /// The inputs' channels one after the other.
    case concat
    /// Padding with zeros, cutting, taking every second pixel.
    case select(Selection)
    /// The maximum over a window; positions outside the input do not take part.
    case maxPool(Window)
    /// The mean over a window; positions outside the input count as zeros or not at all.
    case averagePool(Window, countsPadding: Bool)
    /// The mean over all pixels: a feature vector.
    case globalAveragePool
    /// All values as channels of one pixel, in the order `[channels][height][width]`.
    case flatten
    /// Numbers that no image changes, `[channels][height][width]`. Has no input.
    case constant([Float], FeatureShape)
    case rearrange(Rearrangement)
    case resample(Resampling)
    /// exp(x) over its sum, over the channels of each of `groups` of neighbours.
    case softmax(groups: Int)
    case layerNorm(LayerNorm)
    /// x / max(|x|, epsilon), the norm taken over the channels of each of `groups` of neighbours.
    case l2Norm(groups: Int, epsilon: Float)
    /// Of two values, `[groups * inner, 1, columns]` and `[groups * inner, 1, rows]`: for each group the products of their
    /// pixels, `[groups * rows, 1, columns]`.
    case matrixProduct(groups: Int)
}

/// A two-dimensional convolution with a bias. Channels are cut into `groups` of neighbours; an output sees the inputs of its
/// own group.
public struct Convolution: Sendable {
    public var inputChannels: Int
    public var outputChannels: Int
    /// A divisor of both numbers of channels; as many as input channels make a depthwise convolution.
    public var groups: Int
    public var window: Window
    /// `[outputChannels][inputChannels / groups][window.y.size][window.x.size]`.
    public var weights: [Float]
    /// `[outputChannels]`.
    public var bias: [Float]

    public init(
        inputChannels: Int, outputChannels: Int, groups: Int = 1, window: Window, weights: [Float], bias: [Float]
    ) {
        precondition(groups > 0 && inputChannels % groups == 0 && outputChannels % groups == 0)
        precondition(weights.count == outputChannels * (inputChannels / groups) * window.count)
        precondition(bias.count == outputChannels)
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.groups = groups
        self.window = window
        self.weights = weights
        self.bias = bias
    }

    /// Input and output channels of one group.
    public var groupInputs: Int { inputChannels / groups }
    public var groupOutputs: Int { outputChannels / groups }
    /// Weights of one output channel.
    public var weightsPerOutput: Int { groupInputs * window.count }
}

/// Batch normalisation at inference, by the statistics of training: every array has one entry a channel.
public struct BatchNorm: Sendable {
    public var weight: [Float]
    public var bias: [Float]
    public var mean: [Float]
    public var variance: [Float]
    /// Added to the variance before its root is taken.
    public var epsilon: Double

    public init(
        weight: [Float], bias: [Float], mean: [Float], variance: [Float], epsilon: Double = defaultEpsilon
    ) {
        self.weight = weight
        self.bias = bias
        self.mean = mean
        self.variance = variance
        self.epsilon = epsilon
    }

    /// y = x * factor + offset, one of each a channel.
    public init(factors: [Float], offsets: [Float]) {
        let zeros = [Float](repeating: 0, count: factors.count)
        self.init(weight: factors, bias: offsets, mean: zeros, variance: zeros.map { _ in 1 }, epsilon: 0)
    }

    /// PyTorch's, which most networks keep.
    public static let defaultEpsilon = 1e-5

    /// The same thing as y = x * factor + offset, in double because the results are multiplied into weights.
    public func affine(_ channel: Int) -> (factor: Double, offset: Double) {
        let factor = Double(weight[channel]) / (Double(variance[channel]) + epsilon).squareRoot()
        return (factor, Double(bias[channel]) - Double(mean[channel]) * factor)
    }
}

extension Operation {
    /// Weights and what else it holds of a number a channel.
    var numberCount: Int {
        switch self {
        case .convolution(let convolution): convolution.weights.count + convolution.bias.count
        case .batchNorm(let norm): 4 * norm.weight.count
        default: 0
        }
    }

    /// The shape this computes from inputs of these shapes, or nil where it cannot take them.
    func outputShape(of inputs: [FeatureShape]) -> FeatureShape? {
        if case .constant(let values, let shape) = self {
            return inputs.isEmpty && values.count == shape.count ? shape : nil
        }
        guard let first = inputs.first else { return nil }
        switch self {
        case .input, .constant:
            return nil
        case .convolution(let convolution):
            guard inputs.count == 1, first.channels == convolution.inputChannels else { return nil }
            return first.slid(over: convolution.window, channels: convolution.outputChannels)
        case .batchNorm(let norm):
            return inputs.count == 1 && norm.weight.count == first.channels ? first : nil
        case .activation:
            return inputs.count == 1 ? first : nil
        case .add:
            return inputs.count == 2 && inputs[1] == first ? first : nil
        case .multiply:
            guard inputs.count == 2 else { return nil }
            return inputs[1] == first || inputs[1].isGate(of: first)
                ? first : first.isGate(of: inputs[1]) ? inputs[1] : nil
        case .select(let selection):
            let makesSense = [selection.channels, selection.y, selection.x].allSatisfy(\.makesSense)
            return inputs.count == 1 && makesSense ? selection.shape : nil
        case .concat:
            guard inputs.allSatisfy({ $0.height == first.height && $0.width == first.width }) else { return nil }
            let channels = inputs.reduce(0) { $0 + $1.channels }
            return FeatureShape(channels: channels, height: first.height, width: first.width)
        case .maxPool(let window), .averagePool(let window, countsPadding: false):
            guard inputs.count == 1, let shape = first.slid(over: window, channels: first.channels) else { return nil }
            // A window that lies in the padding alone has no maximum and no mean.
            return window.alwaysMeets(first, steps: shape) ? shape : nil
        case .averagePool(let window, countsPadding: true):
            return inputs.count == 1 ? first.slid(over: window, channels: first.channels) : nil
        case .globalAveragePool:
            return inputs.count == 1 ? FeatureShape(channels: first.channels, height: 1, width: 1) : nil
        case .flatten:
            return inputs.count == 1 ? FeatureShape(channels: first.count, height: 1, width: 1) : nil
        case .rearrange(let rearrangement):
            return inputs.count == 1 && rearrangement.canTake(first) ? rearrangement.shape : nil
        case .resample(let resampling):
            return inputs.count == 1 ? resampling.outputShape(of: first) : nil
        case .softmax(let groups), .l2Norm(let groups, _):
            return inputs.count == 1 && groups > 0 && first.channels % groups == 0 ? first : nil
        case .layerNorm(let norm):
            return inputs.count == 1 && norm.weight.count == first.channels ? first : nil
        case .matrixProduct(let groups):
            guard inputs.count == 2, groups > 0, first.channels == inputs[1].channels, first.channels % groups == 0,
                first.height == 1, inputs[1].height == 1, groups <= 1 << 24, inputs[1].width <= 1 << 24
            else { return nil }
            return FeatureShape(channels: groups * inputs[1].width, height: 1, width: first.width)
        }
    }
}

extension FeatureShape {
    /// Whether this is one number for each channel of another shape.
    func isGate(of other: FeatureShape) -> Bool {
        channels == other.channels && height == 1 && width == 1
    }
}

extension FeatureShape {
    fileprivate func slid(over window: Window, channels: Int) -> FeatureShape? {
        guard let rows = window.y.steps(along: height), let columns = window.x.steps(along: width) else { return nil }
        return FeatureShape(channels: channels, height: rows, width: columns)
    }
}

extension Window {
    /// Whether every step sees at least one pixel.
    fileprivate func alwaysMeets(_ image: FeatureShape, steps: FeatureShape) -> Bool {
        y.alwaysMeets(image.height, steps: steps.height) && x.alwaysMeets(image.width, steps: steps.width)
    }
}

extension Window.Axis {
    /// A step that begins inside the edge sees its first pixel; of those that begin before it each is looked at, of which
    /// padding allows no more than 65536.
    fileprivate func alwaysMeets(_ edge: Int, steps: Int) -> Bool {
        let stepsInPadding = min(steps, (before + stride - 1) / stride)
        return (steps - 1) * stride - before < edge
            && (0..<stepsInPadding).allSatisfy { !positions(at: $0, along: edge).isEmpty }
    }
}
