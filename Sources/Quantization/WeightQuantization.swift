import FloatGraph
import Foundation

/// A convolution's numbers in int8, and what was lost on the way.
struct QuantizedConvolution {
    /// `[outputs][window][inputs of the group]`: the order of the model file.
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

    /// Symmetric, one scale an output channel. `meanInputs` are the means, on the calibration images, of what each weight
    /// of an output is multiplied with, `[inputs][window]`: rounded weights shift an output's mean by these times
    /// their errors, and the bias takes that back (Nagel et al., "Data-Free Quantization Through Weight Equalization and
    /// Bias Correction", section 4.2).
    init(
        _ convolution: Convolution, layer: String, input: AffineQuantization, meanInputs: [Double],
        output: AffineQuantization
    ) throws(QuantizationError) {
        // The accumulator must hold |bias| + 512 * sum |w| (kernels.h); what the largest weights leave is the bias's.
        let largestBias = Double(Int32.max) - 512 * 127 * Double(convolution.weightsPerOutput)
        guard largestBias > 0x1p24 else {
            throw .tooManyInputs(layer: layer, weightsPerOutput: convolution.weightsPerOutput)
        }
        let perOutput = convolution.weightsPerOutput
        for channel in 0..<convolution.outputChannels {
            let floats = convolution.weights[channel * perOutput..<(channel + 1) * perOutput].map(Double.init)
            let group = channel / convolution.groupOutputs
            var channelBias = Double(convolution.bias[channel])
            // Two floors: the bias must fit, and the multiplier must be at least 2^-100, or the device's verifier
            // refuses it; 2^-90 leaves room for rounding.
            let ownScale = bestScale(floats)
            let floor = max(
                abs(channelBias) / (Double(input.scale) * largestBias),
                0x1p-90 * Double(output.scale) / Double(input.scale))
            let scale = max(ownScale, floor)
            coarsenedChannels += ownScale < floor ? 1 : 0
            let integers = floats.map { quantized($0, scale: scale) }
            for ((float, integer), meanInput) in zip(
                zip(floats, integers), meanInputs[group * perOutput..<(group + 1) * perOutput])
            {
                let error = integer * scale - float
                channelBias -= error * meanInput
                signal += float * float
                noise += error * error
            }
            append(integers, positions: convolution.window.count)
            let integerBias = (channelBias / (Double(input.scale) * scale)).rounded(.toNearestOrEven)
            bias.append(Int32(min(max(integerBias, -largestBias), largestBias)))
            multipliers.append(Float(Double(input.scale) * scale / Double(output.scale)))
        }
    }

    /// Appends the weights of one output, given as `[inputs][positions]`, with the inputs last.
    private mutating func append(_ integers: [Double], positions: Int) {
        for position in 0..<positions {
            for index in stride(from: position, to: integers.count, by: positions) {
                weights.append(Int8(integers[index]))
            }
        }
    }
}

private func quantized(_ weight: Double, scale: Double) -> Double {
    min(max((weight / scale).rounded(.toNearestOrEven), -127), 127)
}

/// The scale with the smallest square error: of those that make 127 of the largest weight or of 1 to 30 % less, where
/// the few largest weights are cut off for finer steps; 0 where all weights are 0.
private func bestScale(_ weights: [Double]) -> Double {
    let largest = weights.reduce(0) { max($0, abs($1)) }
    // Below this scale the verifier's floor decides in any case, and errors would underflow.
    guard largest > 0x1p-100 else { return largest / 127 }
    var best = (scale: largest / 127, error: Double.infinity)
    for percent in 0...30 {
        let scale = largest / 127 * (1 - Double(percent) / 100)
        var error = 0.0
        for weight in weights {
            let difference = quantized(weight, scale: scale) * scale - weight
            error += difference * difference
        }
        if error < best.error {
            best = (scale, error)
        }
    }
    return best.scale
}

extension Convolution {
    /// The mean of what each weight is multiplied with, `[inputs][window]`, from the means of the input's channels: a
    /// window's border lies outside the image, where the input is 0, for some of the outputs.
    func meanInputs(channelMeans: [Double], input: FeatureShape, output: FeatureShape) -> [Double] {
        func inside(_ axis: Window.Axis, _ inputEdge: Int, _ outputEdge: Int) -> [Double] {
            (0..<axis.size).map { position in
                Double(axis.steps(of: position, inside: inputEdge, count: outputEdge).count) / Double(outputEdge)
            }
        }
        let rows = inside(window.y, input.height, output.height)
        let columns = inside(window.x, input.width, output.width)
        return channelMeans.flatMap { mean in rows.flatMap { row in columns.map { mean * row * $0 } } }
    }
}
