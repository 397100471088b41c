import FloatGraph
import ModelFormat

/// What became of the network, layer by layer.
public struct QuantizationReport: Encodable, Sendable {
    public struct Layer: Encodable, Sendable {
        public let name: String
        /// "convolution", "max pool", ...
        public let kind: String
        /// Channels, height and width of the output.
        public let outputShape: [Int]
        public let multiplyAdds: UInt64
        public let weightBytes: UInt64
        /// Activations and scratch alive while the layer runs.
        public internal(set) var arenaBytes = 0
        /// Of the output; 0 for the feature vector, which is float.
        public let scale: Float
        public let zeroPoint: UInt32
        /// Of the output; nil where nothing was measured.
        public internal(set) var range: CalibratedRange?
        /// Signal to quantisation noise of the output, dB: int8 by the device's code against float32, with everything that
        /// earlier layers lost; nil where nothing was lost.
        public internal(set) var signalToNoise: Double?
        /// The lowest of the layer's inputs'; nil where they lost nothing.
        public internal(set) var inputSignalToNoise: Double?
        /// The share of output values at an end of the range that bytes can stand for, 0...1.
        public internal(set) var saturation = 0.0
        /// Signal to quantisation noise of the weights, dB; nil where there are no weights, or nothing was lost.
        public let weightSignalToNoise: Double?
        /// Channels whose weights got a coarser scale because of their bias.
        public let coarsenedChannels: Int
        /// Channels whose bias did not fit beside their weights and was cut off.
        public let clampedBiases: Int

        init(
            _ step: FusedNetwork.Step, shape: FeatureShape, record: OperationRecord,
            _ convolution: QuantizedConvolution?
        ) {
            name = step.name
            kind = "\(record.kind.name)"
            outputShape = [shape.channels, shape.height, shape.width]
            multiplyAdds = record.multiplyAccumulates
            weightBytes = UInt64(convolution?.weights.count ?? 0)
            scale = record.output.scale
            zeroPoint = record.output.zeroPoint
            weightSignalToNoise = convolution?.signalToNoise
            coarsenedChannels = convolution?.coarsenedChannels ?? 0
            clampedBiases = convolution?.clampedBiases ?? 0
        }
    }

    public struct Section: Encodable, Sendable {
        public let name: String
        public let bytes: Int
    }

    public internal(set) var layers: [Layer]
    public internal(set) var fileBytes: Int
    /// In the file's order; the rest of the file is its header and gaps.
    public internal(set) var fileSections: [Section]
    /// Activations and scratch.
    public let activationBytes: Int
    /// The most that is alive in one step: no plan could do with less.
    public let leastActivationBytes: Int
    /// What the head's vectors take while it runs.
    public let headArenaBytes: Int
    /// How many calibration images the signal to noise ratios were measured on.
    public let measuredImages: Int

    public var multiplyAdds: UInt64 { layers.reduce(0) { $0 + $1.multiplyAdds } }

    /// The layer during which most of the arena is alive.
    public var peakLayer: Layer? { layers.max { $0.arenaBytes < $1.arenaBytes } }
}
