import FloatGraph
import Foundation

// The numbers that operations of networks with attention have in a file; kernels.h says what is computed from them.

extension AffineQuantization {
    /// With zero in the middle, as the device wants a factor of matrix products: its bytes become signed weights.
    init(centredOver range: ClosedRange<Float>) {
        let reach = Double(max(range.upperBound, -range.lowerBound, 0))
        self.init(scale: Float(reach > 0x1p-30 ? reach / 127 : 1 / 127), zeroPoint: 128)
    }

    /// `[channels][height][width]` as bytes `[height][width][channels]`.
    func pixels(of numbers: [Float], shape: FeatureShape) -> [Int8] {
        (0..<shape.pixels).flatMap { pixel in
            (0..<shape.channels).map { Int8(bitPattern: byte(of: numbers[$0 * shape.pixels + pixel])) }
        }
    }

    /// exp(-distance) of 0...255 steps, in parts of 65536.
    var exponentials: [UInt32] {
        (0...255).map { UInt32((65536 * exp(-Double(scale) * Double($0))).rounded()) }
    }

    /// In steps; above zero, so that nothing is divided by it.
    func leastLength(_ epsilon: Float) -> Float { Float(min(max(Double(epsilon) / Double(scale), 0x1p-20), 0x1p40)) }
}

extension LayerNorm {
    /// Epsilon, weights and biases, in the steps of input and output.
    func words(from input: AffineQuantization, to output: AffineQuantization) -> [UInt32] {
        let count = Double(weight.count)
        let steps = min(max(count * count * epsilon / (Double(input.scale) * Double(input.scale)), 0x1p-20), 0x1p100)
        func inSteps(_ values: [Float]) -> [UInt32] {
            values.map { Float(Double($0) / Double(output.scale)).bitPattern }
        }
        return [Float(steps).bitPattern] + inSteps(weight) + inSteps(bias)
    }
}

extension DeviceSteps {
    var words: [UInt32] {
        [UInt32(ofPixels.count), UInt32(ofChannels.count)]
            + (ofPixels + ofChannels).flatMap { [UInt32($0.count), UInt32($0.pixels), UInt32($0.channels)] }
    }
}

extension Resampling.Tap {
    /// First, second, and the second's weight in parts of 2048.
    var words: [UInt32] { [UInt32(first), UInt32(second), UInt32((Double(fraction) * 2048).rounded())] }
}
