import FloatGraph
import FloatKernels
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
    /// Biases that did not fit 32 bits and were cut off.
    private(set) var clampedBiases = 0
    /// Sums of squares of the weights and of what rounding changed in them.
    private var signal = 0.0
    private var noise = 0.0

    /// Decibels; nil where nothing was lost.
    var signalToNoise: Double? { noise > 0 && signal > 0 ? 10 * log10(signal / noise) : nil }

    /// Symmetric, one scale an output channel. `meanInputs` are the means, on the calibration images, of what each weight
    /// of an output is multiplied with, `[inputs][window]`: rounded weights shift an output's mean by these times
    /// their errors, and the bias takes that back (Nagel et al., "Data-Free Quantization Through Weight Equalization and
    /// Bias Correction", section 4.2). With `keepsWeights` those of an output that are multiples of one step keep it: they
    /// come from a file that is quantised already.
    init(
        _ convolution: Convolution, layer: String, input: AffineQuantization, meanInputs: [Double],
        output: AffineQuantization, keepsWeights: Bool = false
    ) throws(QuantizationError) {
        // The accumulator must hold |bias| + 512 * sum |w| (kernels.h); what the largest weights leave is the bias's.
        let largestBias = Double(Int32.max) - 512 * 127 * Double(convolution.weightsPerOutput)
        guard largestBias > 0x1p24 else {
            throw .tooManyInputs(layer: layer, weightsPerOutput: convolution.weightsPerOutput)
        }
        let perOutput = convolution.weightsPerOutput
        weights = [Int8](repeating: 0, count: convolution.weights.count)
        for channel in 0..<convolution.outputChannels {
            let own = channel * perOutput..<(channel + 1) * perOutput
            let channelBias = Double(convolution.bias[channel])
            // Two floors: the bias must fit, and the multiplier must be at least 2^-100, or the device's verifier
            // refuses it; 2^-90 leaves room for rounding.
            let step = keepsWeights ? commonStep(of: convolution.weights[own]) : nil
            let ownScale =
                step
                ?? convolution.weights.withUnsafeBufferPointer {
                    rb_best_weight_scale($0.baseAddress! + own.lowerBound, perOutput)
                }
            let floor = max(
                abs(channelBias) / (Double(input.scale) * largestBias),
                0x1p-90 * Double(output.scale) / Double(input.scale))
            let scale = max(ownScale, floor)
            coarsenedChannels += ownScale < floor ? 1 : 0
            let group = channel / convolution.groupOutputs
            let shift = round(convolution, own, meanInputs[group * perOutput..<(group + 1) * perOutput], scale: scale)
            let integerBias = ((channelBias - shift) / (Double(input.scale) * scale)).rounded(.toNearestOrEven)
            bias.append(Int32(min(max(integerBias, -largestBias), largestBias)))
            clampedBiases += abs(integerBias) > largestBias ? 1 : 0
            multipliers.append(Float(Double(input.scale) * scale / Double(output.scale)))
        }
    }

    /// Rounds the weights of one output and returns what that adds to the output's mean.
    private mutating func round(
        _ convolution: Convolution, _ own: Range<Int>, _ meanInputs: ArraySlice<Double>, scale: Double
    ) -> Double {
        let error = convolution.weights.withUnsafeBufferPointer { floats in
            meanInputs.withUnsafeBufferPointer { means in
                weights.withUnsafeMutableBufferPointer { integers in
                    rb_quantize_weights(
                        floats.baseAddress! + own.lowerBound, means.baseAddress!, convolution.groupInputs,
                        convolution.window.count, scale, integers.baseAddress! + own.lowerBound)
                }
            }
        }
        signal += error.signal
        noise += error.noise
        return error.mean_shift
    }
}

/// The largest step of which all weights are multiples, -127...127, but for the rounding of float32; nil where there is none.
private func commonStep(of weights: ArraySlice<Float>) -> Double? {
    let largest = weights.reduce(0) { max($0, abs($1)) }
    guard largest > 0 else { return nil }
    return (1...127).lazy.map { Double(largest) / Double($0) }.first { step in
        weights.allSatisfy { weight in
            let multiple = Double(weight) / step
            return abs(multiple - multiple.rounded()) < 1e-4
        }
    }
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
