import Checkpoint
import Foundation
import Kernels

/// How a head normalises its features; the raw value is the kernels' `rb_feature_norm`.
public enum FeatureNorm: UInt32, Sendable {
    case none = 0
    /// x_k / |x_k| in each head; a zero head stays.
    case perHead = 1
    /// x / (1 + |x|), over the whole vector.
    case capsule = 2
}

/// Any classifier in the one form that the kernels compute (`rb_head` in kernels.h): rows and bias already hold every
/// factor, weight normalisation and adjustment by class frequency; the directions have unit length in each head.
public struct ClassifierHead: Sendable {
    public let kind: ClassifierKind
    /// Those that the kind has, with its defaults; the others are nil.
    public let parameters: ClassifierParameters
    /// The length of the feature vector, D.
    public let dimensions: Int
    public let featureNorm: FeatureNorm
    /// `[dimensions]`: taken off the features before they are normalised; nil: nothing.
    public let centre: [Float]?
    /// `[classes][dimensions]`
    public private(set) var rows: [Float]
    /// `[classes]`; nil: none.
    public private(set) var bias: [Float]?
    /// Whether the checkpoint has a bias for which the formula has no place.
    public private(set) var hasDroppedBias = false
    /// Whether the checkpoint has a single logit, as networks with a sigmoid at their end have.
    public private(set) var isOfOneLogit = false
    /// `nil` where the direction of the training features is not known: then TDE cannot be had.
    public private(set) var adjustment: Adjustment?

    /// What TDE inference subtracts, but for alpha.
    public struct Adjustment: Sendable {
        /// `[dimensions]`: the direction of the moving average of features; zero in a head where it is zero.
        public let directions: [Float]
        /// `[classes][heads]`: rows . directions.
        public let terms: [Float]
    }

    init(
        kind: ClassifierKind, parameters: ClassifierParameters, dimensions: Int, centre: [Float]?, rows: [Float],
        bias: [Float]?, hasDroppedBias: Bool = false
    ) {
        self.kind = kind
        self.parameters = parameters
        self.dimensions = dimensions
        self.featureNorm = kind.featureNorm
        self.centre = centre
        self.rows = rows
        self.bias = bias
        self.hasDroppedBias = hasDroppedBias
    }

    public var classes: Int { rows.count / dimensions }
    /// K: the feature vector is K contiguous heads of D / K.
    public var heads: Int { parameters.heads! }

    func checkNumbers() throws(GraphError) {
        guard rows.allSatisfy(\.isFinite), bias?.allSatisfy(\.isFinite) ?? true else {
            throw .foldedRowsNotFinite
        }
    }

    // MARK: Changes

    /// A single logit z becomes the logits 0 and z, whose softmax is 1 - sigmoid(z) and sigmoid(z): class 0 is that the answer
    /// is no, class 1 that it is yes.
    mutating func becomeTwoAnswers() {
        precondition(classes == 1)
        isOfOneLogit = true
        rows = [Float](repeating: 0, count: dimensions) + rows
        bias = bias.map { [0] + $0 }
    }

    /// Makes TDE possible: `direction` is the mean of training features, of which only the direction in each head matters.
    /// One of zeros says nothing and is left alone, as is any where the classifier's features are centred.
    public mutating func setDirection(_ direction: [Float]) throws(GraphError) {
        var embed = Parameters(["embed": Tensor(shape: [direction.count], values: direction)], group: "")
        let values = try embed.take("embed", shape: [dimensions])
        guard kind.canHaveDirection, values.contains(where: { $0 != 0 }) else { return }
        setAdjustment(directions: values.scaled(everyRunOf: dimensions / heads) { 1 / $0 })
    }

    /// Divides each row by the power `power` of its norm and drops the bias: tau-norm, Kang et al., ICLR 2020.
    public mutating func normaliseRows(power: Float) throws(GraphError) {
        guard power.isFinite else { throw .parameterOutOfRange(.power, value: power) }
        rows = rows.dividedByNorms(toThe: Double(power), everyRunOf: dimensions)
        hasDroppedBias = hasDroppedBias || bias != nil
        bias = nil
        try checkNumbers()
        if let directions = adjustment?.directions {
            setAdjustment(directions: directions)
        }
    }

    /// Takes `strength` times the log frequency of each class in training off its logit, and adds the log of its
    /// frequency where the model will be used, if that is given: Menon et al., "Long-Tail Learning via Logit Adjustment",
    /// ICLR 2021. Neither list needs to sum to 1.
    public mutating func adjustLogits(
        classCounts: [Int], strength: Float, targetPrior: [Double]?
    ) throws(GraphError) {
        precondition(classCounts.count == classes && targetPrior.map { $0.count == classes } ?? true)
        if let index = classCounts.firstIndex(where: { $0 <= 0 }) {
            throw .classWithoutImages(index: index)
        }
        if let index = targetPrior?.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
            throw .classWithoutPrior(index: index, value: targetPrior![index])
        }
        let images = Double(classCounts.reduce(0, +))
        let prior = targetPrior?.reduce(0, +) ?? 1
        bias = (0..<classes).map { index in
            let trained = log(Double(classCounts[index]) / images)
            let expected = targetPrior.map { log($0[index] / prior) } ?? 0
            return Float(Double(bias?[index] ?? 0) - Double(strength) * trained + expected)
        }
        try checkNumbers()
    }

    /// Keeps the classes with these indices, in this order.
    public mutating func keepClasses(_ indices: [Int]) {
        let all = rows.runs(of: dimensions)
        rows = indices.flatMap { all[$0] }
        if let whole = bias {
            bias = indices.map { whole[$0] }
        }
        if let directions = adjustment?.directions {
            setAdjustment(directions: directions)
        }
    }

    private mutating func setAdjustment(directions: [Float]) {
        adjustment = Adjustment(
            directions: directions, terms: Self.dotProducts(of: rows, with: directions, width: dimensions / heads))
    }

    /// `[rows][heads]`, in the kernels' order of summation.
    private static func dotProducts(of rows: [Float], with directions: [Float], width: Int) -> [Float] {
        rows.withUnsafeBufferPointer { rows in
            directions.withUnsafeBufferPointer { directions in
                stride(from: 0, to: rows.count, by: width).map { start in
                    rb_dot(
                        rows.baseAddress! + start, directions.baseAddress! + start % directions.count, Int32(width))
                }
            }
        }
    }

    // MARK: Running

    /// The logits of one feature vector; alpha 0, or a head without adjustment, is the plain classifier.
    public func logits(of features: [Float], alpha: Float) -> [Float] {
        precondition(features.count == dimensions)
        var normalised = [Float](repeating: 0, count: dimensions)
        var logits = [Float](repeating: 0, count: classes)
        withPointers(to: [rows, bias, centre, adjustment?.directions, adjustment?.terms, features]) { numbers in
            normalised.withUnsafeMutableBufferPointer { normalised in
                logits.withUnsafeMutableBufferPointer { logits in
                    var head = rb_head(
                        classes: Int32(classes), dimensions: Int32(dimensions), heads: Int32(heads),
                        feature_norm: rb_feature_norm(rawValue: featureNorm.rawValue), rows: numbers[0],
                        bias: numbers[1], centre: numbers[2], directions: numbers[3], direction_terms: numbers[4],
                        head_weights: nil, alpha: alpha, features: numbers[5], normalised: normalised.baseAddress,
                        plain: logits.baseAddress, logits: logits.baseAddress)
                    rb_head_run(&head)
                }
            }
        }
        return logits
    }
}

/// Hands out where each array lies, for the duration of `body`; nil for one that is not there.
private func withPointers(
    to arrays: [[Float]?], after found: [UnsafePointer<Float>?] = [], _ body: ([UnsafePointer<Float>?]) -> Void
) {
    guard found.count < arrays.count else { return body(found) }
    guard let array = arrays[found.count] else { return withPointers(to: arrays, after: found + [nil], body) }
    array.withUnsafeBufferPointer { withPointers(to: arrays, after: found + [$0.baseAddress], body) }
}
