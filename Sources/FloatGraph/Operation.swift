/// What a node computes. Pictures in the comments are of one image.
public enum Operation: Sendable {
    /// The normalised image.
    case input
    case convolution(Convolution)
    case batchNorm(BatchNorm)
    case relu
    /// The sum of two values of one shape.
    case add
    /// The parameter-free shortcut of CIFAR ResNets ("option A"): every second pixel, from the first, with zero channels
    /// on both sides, equally many, up to `channels`.
    case optionAShortcut(channels: Int)
    /// The inputs' channels one after the other.
    case concat
    /// The maximum over a square window; positions outside the input do not take part.
    case maxPool(Window)
    /// The mean over all pixels: a feature vector.
    case globalAveragePool
}

/// A square window that slides over an image: side, step and the zeros around the image, in pixels.
public struct Window: Equatable, Sendable {
    public var size: Int
    public var stride: Int
    public var padding: Int

    public init(size: Int, stride: Int, padding: Int) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    /// How many steps fit along an edge; nil where not one does.
    func steps(along edge: Int) -> Int? {
        let room = edge + 2 * padding - size
        return room < 0 ? nil : room / stride + 1
    }
}

/// A two-dimensional convolution with a bias.
public struct Convolution: Sendable {
    public var inputChannels: Int
    public var outputChannels: Int
    public var window: Window
    /// `[outputChannels][inputChannels][window.size][window.size]`.
    public var weights: [Float]
    /// `[outputChannels]`.
    public var bias: [Float]

    public init(inputChannels: Int, outputChannels: Int, window: Window, weights: [Float], bias: [Float]) {
        precondition(weights.count == outputChannels * inputChannels * window.size * window.size)
        precondition(bias.count == outputChannels)
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.window = window
        self.weights = weights
        self.bias = bias
    }

    /// Weights of one output channel.
    public var weightsPerOutput: Int { inputChannels * window.size * window.size }
}

/// Batch normalisation at inference, by the statistics of training: every array has one entry a channel.
public struct BatchNorm: Sendable {
    public var weight: [Float]
    public var bias: [Float]
    public var mean: [Float]
    public var variance: [Float]

    public init(weight: [Float], bias: [Float], mean: [Float], variance: [Float]) {
        self.weight = weight
        self.bias = bias
        self.mean = mean
        self.variance = variance
    }

    /// PyTorch's default, which every backbone of the reference keeps.
    public static let epsilon = 1e-5

    /// The same thing as y = x * factor + offset, in double because the results are multiplied into weights.
    func affine(_ channel: Int) -> (factor: Double, offset: Double) {
        let factor = Double(weight[channel]) / (Double(variance[channel]) + Self.epsilon).squareRoot()
        return (factor, Double(bias[channel]) - Double(mean[channel]) * factor)
    }
}

extension Operation {
    /// The shape this computes from inputs of these shapes, or nil where it cannot take them.
    func outputShape(of inputs: [FeatureShape]) -> FeatureShape? {
        guard let first = inputs.first else { return nil }
        switch self {
        case .input:
            return nil
        case .convolution(let convolution):
            guard inputs.count == 1, first.channels == convolution.inputChannels else { return nil }
            return first.slid(over: convolution.window, channels: convolution.outputChannels)
        case .batchNorm(let norm):
            return inputs.count == 1 && norm.weight.count == first.channels ? first : nil
        case .relu:
            return inputs.count == 1 ? first : nil
        case .add:
            return inputs.count == 2 && inputs[1] == first ? first : nil
        case .optionAShortcut(let channels):
            guard inputs.count == 1, channels >= first.channels, (channels - first.channels) % 2 == 0 else {
                return nil
            }
            return FeatureShape(channels: channels, height: (first.height + 1) / 2, width: (first.width + 1) / 2)
        case .concat:
            guard inputs.allSatisfy({ $0.height == first.height && $0.width == first.width }) else { return nil }
            let channels = inputs.reduce(0) { $0 + $1.channels }
            return FeatureShape(channels: channels, height: first.height, width: first.width)
        case .maxPool(let window):
            // A window that could lie in the padding alone would have no maximum.
            guard inputs.count == 1, window.padding < window.size else { return nil }
            return first.slid(over: window, channels: first.channels)
        case .globalAveragePool:
            return inputs.count == 1 ? FeatureShape(channels: first.channels, height: 1, width: 1) : nil
        }
    }
}

extension FeatureShape {
    fileprivate func slid(over window: Window, channels: Int) -> FeatureShape? {
        guard let rows = window.steps(along: height), let columns = window.steps(along: width) else { return nil }
        return FeatureShape(channels: channels, height: rows, width: columns)
    }
}
