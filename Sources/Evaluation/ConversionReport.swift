import Quantization

/// All there is to say about a model: what it was made of, what int8 cost, and how well it recognises pictures. Parts that
/// were not asked for are nil.
public struct ConversionReport: Encodable, Sendable {
    /// What became of a checkpoint.
    public struct Conversion: Encodable, Sendable {
        public var architecture: String
        public var source: String
        /// Height and width, pixels.
        public var inputSize: [Int]
        public var classes: [Class]
        public var calibration: Calibration
        public var quantization: QuantizationReport
        /// For the layers whose error is high.
        public var advice: [QuantizationReport.Advice]
        public var warnings: [String]
        /// By labelled calibration pictures, where the head can be adjusted.
        public var alphaChoice: AlphaChoice?
        /// The same, in whichever head.
        public var temperatureChoice: TemperatureChoice?

        public init(
            architecture: String, source: String, inputSize: [Int], classes: [Class], calibration: Calibration,
            quantization: QuantizationReport, alphaChoice: AlphaChoice?, temperatureChoice: TemperatureChoice?
        ) {
            self.architecture = architecture
            self.source = source
            self.inputSize = inputSize
            self.classes = classes
            self.calibration = calibration
            self.quantization = quantization
            self.alphaChoice = alphaChoice
            self.temperatureChoice = temperatureChoice
            advice = quantization.advice
            warnings = quantization.warnings
        }
    }

    public struct Class: Encodable, Sendable {
        public var name: String
        public var trainingImages: Int?

        public init(name: String, trainingImages: Int?) {
            self.name = name
            self.trainingImages = trainingImages
        }
    }

    public struct Calibration: Encodable, Sendable {
        public var data: String
        public var images: Int
        public var method: CalibrationMethod

        public init(data: String, images: Int, method: CalibrationMethod) {
            self.data = data
            self.images = images
            self.method = method
        }
    }

    /// The file that the report is about.
    public let title: String
    public let conversion: Conversion?
    public let evaluation: EvaluationReport?

    public init(title: String, conversion: Conversion?, evaluation: EvaluationReport?) {
        self.title = title
        self.conversion = conversion
        self.evaluation = evaluation
    }
}
