import FloatGraph
import ModelFormat

/// What became of the network, layer by layer.
public struct QuantizationReport: Encodable, Sendable {
    public struct Layer: Encodable, Sendable {
        public let name: String
        /// Channels, height and width of the output.
        public let outputShape: [Int]
        public let multiplyAdds: UInt64
        /// Of the output; 0 for the feature vector, which is float.
        public let scale: Float
        public let zeroPoint: UInt32
        /// Of the output; nil where nothing was measured.
        public internal(set) var range: CalibratedRange?
        /// Signal to quantisation noise of the weights, dB; nil where there are no weights, or nothing was lost.
        public let weightSignalToNoise: Double?
        /// Channels whose weights got a coarser scale because of their bias.
        public let coarsenedChannels: Int

        init(
            _ step: FusedNetwork.Step, shape: FeatureShape, record: OperationRecord,
            _ convolution: QuantizedConvolution?
        ) {
            name = step.name
            outputShape = [shape.channels, shape.height, shape.width]
            multiplyAdds = record.multiplyAccumulates
            scale = record.output.scale
            zeroPoint = record.output.zeroPoint
            weightSignalToNoise = convolution?.signalToNoise
            coarsenedChannels = convolution?.coarsenedChannels ?? 0
        }
    }

    public let layers: [Layer]
    public let fileBytes: Int
    /// Activations and scratch.
    public let activationBytes: Int
    /// The most that is alive in one step: no plan could do with less.
    public let leastActivationBytes: Int

    /// One line each.
    public var warnings: [String] {
        layers.filter { $0.coarsenedChannels > 0 }.map {
            "\($0.name): \($0.coarsenedChannels) channels have weights too small beside their bias and lose precision"
        }
    }
}
