import ModelFormat

/// What a picture must become before the network sees it.
public struct ModelInput: Equatable, Sendable {
    /// Of the network's input, in pixels.
    public var height: Int
    public var width: Int
    /// How a picture of another shape becomes one of this.
    public var fit: InputFit
    /// What a picture is resized to, pixels, as `fit` takes it: at least the larger side; see `rb_pixels_model_view`.
    public var resizeSide: Int
    /// Whether the network's first channel is blue, not red.
    public var isBGR: Bool
    /// Of the picture / 255, for R, G and B.
    public var mean: SIMD3<Float>
    public var standardDeviation: SIMD3<Float>

    public init(
        height: Int, width: Int, fit: InputFit = .crop, resizeSide: Int, isBGR: Bool = false, mean: SIMD3<Float>,
        standardDeviation: SIMD3<Float>
    ) {
        self.height = height
        self.width = width
        self.fit = fit
        self.resizeSide = resizeSide
        self.isBGR = isBGR
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// What a model file says.
    public init(_ record: InputRecord) {
        let isBGR = record.channelOrder == 1
        self.init(
            height: Int(record.tensor.height), width: Int(record.tensor.width),
            fit: InputFit(rawValue: record.resizeMode)!, resizeSide: Int(record.resizeSide), isBGR: isBGR,
            mean: isBGR ? record.mean.reversed : record.mean,
            standardDeviation: isBGR ? record.standardDeviation.reversed : record.standardDeviation)
    }

    /// The record of an input that takes the picture's bytes as they are, after the same resizing and cropping.
    public var bytesUnchanged: InputRecord {
        var record = record(AffineQuantization.identity, arenaOffset: 0)
        record.mean = .zero
        record.standardDeviation = .one
        return record
    }

    /// The record of this input with its tensor at a place in the arena.
    func record(_ quantization: AffineQuantization, arenaOffset: UInt32) -> InputRecord {
        var record = InputRecord()
        record.tensor.arenaOffset = arenaOffset
        record.tensor.height = UInt32(height)
        record.tensor.width = UInt32(width)
        record.tensor.channels = 3
        record.tensor.pixelStride = 4
        record.tensor.scale = quantization.scale
        record.tensor.zeroPoint = UInt32(quantization.zeroPoint)
        record.channelOrder = isBGR ? 1 : 0
        record.resizeMode = fit.rawValue
        record.resizeSide = UInt32(resizeSide)
        record.mean = isBGR ? mean.reversed : mean
        record.standardDeviation = isBGR ? standardDeviation.reversed : standardDeviation
        return record
    }

    /// The range of the normalised picture is known without looking at one.
    var range: ClosedRange<Float> {
        let (black, white) = (-mean / standardDeviation, (1 - mean) / standardDeviation)
        return black.min()...white.max()
    }
}

extension SIMD3 {
    /// Blue, green, red of red, green, blue.
    fileprivate var reversed: SIMD3 { SIMD3(z, y, x) }
}

/// What a model file says beside the network and its head.
public struct ModelDescription: Sendable {
    public var input: ModelInput
    public var classNames: [String]
    /// Training images per class; empty where unknown.
    public var classCounts: [Int]
    /// The strength of the TDE adjustment where the user gives none.
    public var alpha: Float
    /// Where the model comes from, by key.
    public var provenance: KeyValuePairs<String, String>

    public init(
        input: ModelInput, classNames: [String], classCounts: [Int], alpha: Float,
        provenance: KeyValuePairs<String, String>
    ) {
        self.input = input
        self.classNames = classNames
        self.classCounts = classCounts
        self.alpha = alpha
        self.provenance = provenance
    }

    /// The provenance as it stands in the file.
    static func text(of provenance: KeyValuePairs<String, String>) -> String {
        provenance.map { "\($0.key): \($0.value.withoutSteering)\n" }.joined()
    }
}

extension String {
    /// With a number for each character that steers terminals, which no model file may hold.
    var withoutSteering: String {
        unicodeScalars.contains(where: \.steersTerminals)
            ? unicodeScalars.map { $0.steersTerminals ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
            : self
    }
}
