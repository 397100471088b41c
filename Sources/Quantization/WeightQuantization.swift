import FloatGraph
import Foundation

/// A convolution's numbers in int8, and what was lost on the way.
struct QuantizedConvolution {
    /// `[outputs][size][size][inputs]`: the order of the model file.
    private(set) var weights: [Int8] = []
    /// `[outputs]`, in units of input scale * weight scale.
    private(set) var bias: [Int32] = []
    /// `[outputs]`: input scale * weight scale / output scale.
    private(set) var multipliers: [Float] = []
    /// Channels whose weights are so small beside their bias that they get a coarser scale than their own: mostly dead
    /// channels, whose weights become 0.
    private(set) var coarsenedChannels = 0
    /// Sums of squares of the weights and of what rounding changed in them.
    private var signal = 0.0
    private var noise = 0.0

    /// Decibels; nil where nothing was lost.
    var signalToNoise: Double? { noise > 0 && signal > 0 ? 10 * log10(signal / noise) : nil }

    /// Symmetric, one scale an output channel: the largest weight becomes 127.
    init(
        _ convolution: Convolution, layer: String, input: AffineQuantization, output: AffineQuantization
    ) throws(QuantizationError) {
        // The accumulator must hold |bias| + 512 * sum |w| (kernels.h); what the largest weights leave is the bias's.
        let largestBias = Double(Int32.max) - 512 * 127 * Double(convolution.weightsPerOutput)
        guard largestBias > 0x1p24 else {
            throw .tooManyInputs(layer: layer, weightsPerOutput: convolution.weightsPerOutput)
        }
        for channel in 0..<convolution.outputChannels {
            let start = channel * convolution.weightsPerOutput
            let floats = convolution.weights[start..<start + convolution.weightsPerOutput].map(Double.init)
            let channelBias = Double(convolution.bias[channel])
            // Two floors: the bias must fit, and the multiplier must be at least 2^-100, or the device's verifier refuses
            // it; 2^-90 leaves room for rounding.
            let ownScale = floats.reduce(0) { max($0, abs($1)) } / 127
            let floor = max(
                abs(channelBias) / (Double(input.scale) * largestBias),
                0x1p-90 * Double(output.scale) / Double(input.scale))
            let scale = max(ownScale, floor)
            coarsenedChannels += ownScale < floor ? 1 : 0
            append(floats, scale: scale, window: convolution.window.size)
            bias.append(Int32((channelBias / (Double(input.scale) * scale)).rounded(.toNearestOrEven)))
            multipliers.append(Float(Double(input.scale) * scale / Double(output.scale)))
        }
    }

    /// Appends one output channel, given as `[inputs][size][size]`, with its inputs last.
    private mutating func append(_ floats: [Double], scale: Double, window: Int) {
        let positions = window * window
        for position in 0..<positions {
            for input in 0..<floats.count / positions {
                let float = floats[input * positions + position]
                let integer = (float / scale).rounded(.toNearestOrEven)
                weights.append(Int8(integer))
                signal += float * float
                noise += (float - integer * scale) * (float - integer * scale)
            }
        }
    }
}
