extension QuantizationReport {
    /// A layer that loses much, and what may help.
    public struct Advice: Encodable, Sendable {
        public let layer: String
        /// One sentence.
        public let text: String
    }

    /// Below this signal to noise ratio, in dB, a layer's output carries an error of a tenth of its values.
    private static let lowSignalToNoise = 20.0
    /// A layer that loses 3 dB against its inputs adds as much noise as it was given; one that loses 6, three times as much.
    private static let ownLoss = 3.0
    private static let highLoss = 6.0
    private static let highSaturation = 0.01

    /// For the layers whose error is high, in the order of execution.
    public var advice: [Advice] {
        layers.compactMap { layer in
            guard let ratio = layer.signalToNoise else { return nil }
            let loss = layer.inputSignalToNoise.map { $0 - ratio }
            let isItsOwn = ratio < Self.lowSignalToNoise && (loss ?? .infinity) >= Self.ownLoss
            guard isItsOwn || (loss ?? 0) > Self.highLoss else { return nil }
            return Advice(layer: layer.name, text: Self.text(for: layer, ratio, loss: loss))
        }
    }

    private static func text(for layer: Layer, _ ratio: Double, loss: Double?) -> String {
        let state =
            "\(decibels(ratio)) dB" + (loss.map { $0 > highLoss ? ", \(decibels($0)) dB below its input" : "" } ?? "")
        if layer.saturation > highSaturation {
            return
                "\(state); \(percent(layer.saturation)) of its values are cut off: try --calibration-method min-max, or more "
                + "varied calibration images"
        }
        if let weights = layer.weightSignalToNoise, weights < ratio + 10 {
            return
                "\(state); its weights have \(decibels(weights)) dB: their channels hold few large values; fine-tune the network "
                + "with fake quantisation or stronger weight decay"
        }
        if let range = layer.range, range.observed.upperBound > 2 * range.chosen.upperBound {
            return
                "\(state); its values reach far beyond the range that was chosen: compare --calibration-method percentile and mse"
        }
        if let loss, loss > highLoss {
            return
                "\(state); its sum cancels most of its inputs: more calibration images, or fine-tuning with fake quantisation, helps"
        }
        return "\(state): other calibration images, or fine-tuning with fake quantisation, may help"
    }

    private static func decibels(_ value: Double) -> String { String(format: "%.1f", value) }
    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    /// One line each.
    public var warnings: [String] {
        layers.filter { $0.coarsenedChannels > 0 || $0.clampedBiases > 0 }.map { layer in
            let parts = [
                layer.coarsenedChannels > 0
                    ? "\(layer.coarsenedChannels) channels have weights too small beside their bias and lose precision"
                    : nil,
                layer.clampedBiases > 0 ? "\(layer.clampedBiases) biases do not fit 32 bits and were cut off" : nil,
            ]
            return "\(layer.name): \(parts.compactMap(\.self).joined(separator: "; "))"
        }
    }
}
