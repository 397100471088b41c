import Kernels
import ModelFormat

/// Where in a picture the evidence for a class is: its class activation map (Zhou et al., "Learning Deep Features for
/// Discriminative Localization", CVPR 2016), without and with the adjustment.
///
/// The features are the mean of the last feature map over its P places, and a logit is linear in the features once their
/// norm is known. So each place p has a share of each logit, and the shares of all places sum to the logit:
///
///     share(p)    = 1/P (sum over d of (x_d(p) - centre_d) s_k row_d + bias)
///     adjusted(p) = share(p) - alpha/P sum over k of (sum over d in k of (x_d(p) - centre_d) s_k direction_d) term_k
///
/// with x(p) the map at p, k the head that feature d belongs to, and s_k what normalises that head's features.
public struct Evidence {
    private let operation: OperationRecord
    private let operationIndex: Int
    private let memory: UnsafeMutableRawBufferPointer
    /// Whether the map of a picture is there.
    public private(set) var isRecorded = false

    /// Places down and across.
    public var rows: Int { Int(operation.input.height) }
    public var columns: Int { Int(operation.input.width) }
    public var places: Int { rows * columns }
    private var channels: Int { Int(operation.input.channels) }

    /// The memory that a model's map takes, bytes; nil where its features are not the mean of one map.
    public static func byteCount(of model: Model) -> Int? {
        averagePool(of: model).map {
            let input = model.operation($0).input
            return Int(input.height) * Int(input.width) * Int(input.channels)
        }
    }

    /// nil where `byteCount` is. `memory`: as many bytes, kept as long as this is used.
    public init?(of model: Model, memory: UnsafeMutableRawBufferPointer) {
        guard let index = Self.averagePool(of: model), let count = Self.byteCount(of: model), memory.count >= count
        else { return nil }
        (operationIndex, operation, self.memory) = (index, model.operation(index), memory)
    }

    private static func averagePool(of model: Model) -> Int? {
        for index in 0..<model.operationCount {
            let operation = model.operation(index)
            if operation.kind == .globalAveragePool, operation.output.arenaOffset == model.head.featuresOffset,
                operation.input.channels == model.head.dimensions
            {
                return index
            }
        }
        return nil
    }

    /// To be called behind each operation of a picture: the map's memory is soon used for other things.
    mutating func record(behind index: Int, of engine: Engine) {
        guard index == operationIndex else { return }
        let input = operation.input
        let bytes = engine.bytes(at: input.arenaOffset)
        for place in 0..<places {
            let pixel = bytes + place * Int(input.pixelStride)
            for channel in 0..<channels {
                memory[place * channels + channel] = pixel[channel] ^ engine.path.activationFlip
            }
        }
        isRecorded = true
    }

    /// Writes the shares that the places, row by row, have of a class's logit: `plain` and `adjusted` hold `places` numbers.
    /// The picture is the one that the engine ran last; `policy` has the heads' weights, and what a prior adds to logits is none of
    /// the picture's.
    public func shares(
        of index: Int, alpha: Float, _ engine: Engine, weighedBy policy: Policy? = nil,
        plain: UnsafeMutableBufferPointer<Float>, adjusted: UnsafeMutableBufferPointer<Float>
    ) {
        let model = engine.model
        let (dimensions, heads) = (Int(model.head.dimensions), Int(model.head.heads))
        let row = model.headRows + index * dimensions
        let width = dimensions / heads
        let share = 1 / Float(places)
        for place in 0..<places {
            var (logit, shift) = (model.headBias?[index] ?? 0, Float(0))
            for head in 0..<heads {
                let scale = normalisation(of: head, width: width, engine) * (policy?.weight(ofHead: head) ?? 1)
                var along: Float = 0
                for feature in (head * width)..<((head + 1) * width) {
                    let value = (self.value(feature, at: place) - (model.headCentre?[feature] ?? 0)) * scale
                    logit += value * row[feature]
                    if let directions = model.headDirections { along += value * directions[feature] }
                }
                if let terms = model.headDirectionTerms { shift += along * terms[index * heads + head] }
            }
            plain[place] = share * logit
            adjusted[place] = share * (logit - alpha * shift)
        }
    }

    private func value(_ feature: Int, at place: Int) -> Float {
        operation.input.scale
            * Float(Int(memory[place * channels + feature]) - Int(operation.input.zeroPoint))
    }

    /// What the centred features of a head are multiplied by: see `rb_head`.
    private func normalisation(of head: Int, width: Int, _ engine: Engine) -> Float {
        let model = engine.model
        let norm = rb_feature_norm(rawValue: numericCast(model.head.featureNorm))
        guard norm != RB_FEATURE_NONE else { return 1 }
        let range = norm == RB_FEATURE_PER_HEAD ? (head * width)..<((head + 1) * width) : 0..<engine.features.count
        var squares: Float = 0
        for feature in range {
            let value = engine.features[feature] - (model.headCentre?[feature] ?? 0)
            squares += value * value
        }
        let length = squares.squareRoot()
        if norm == RB_FEATURE_CAPSULE { return 1 / (1 + length) }
        return length > 0 ? 1 / length : 0
    }
}
