import Checkpoint
import Kernels

/// The Causal Norm classifier in the form that the kernels compute (`rb_head` in kernels.h): the class rows already hold
/// their normalisation and tau / K, the directions have unit length in each head.
public struct ClassifierHead: Sendable {
    public let classes: Int
    /// The length of the feature vector, D.
    public let dimensions: Int
    /// K: the feature vector is K contiguous heads of D / K.
    public let heads: Int
    public let tau: Float
    public let gamma: Float
    /// `[classes][dimensions]`: (tau / K) * w / (|w| + gamma), with the norm of each head.
    public let rows: [Float]
    /// `nil` where the checkpoint holds no moving average of features: then TDE cannot be had.
    public let adjustment: Adjustment?

    /// What TDE inference subtracts, but for alpha.
    public struct Adjustment: Sendable {
        /// `[dimensions]`: the direction of the moving average of features; zero in a head where it is zero.
        public let directions: [Float]
        /// `[classes][heads]`: rows . directions.
        public let terms: [Float]
    }

    /// From the classifier of a checkpoint. Throws where its one tensor `weight`, `[classes][dimensions]`, or the direction
    /// is missing, misshapen or not finite.
    public init(
        of state: ReferenceState, dimensions: Int, heads: Int, tau: Float, gamma: Float
    ) throws(GraphError) {
        guard heads > 0, dimensions % heads == 0 else {
            throw .headsDoNotDivide(heads: heads, dimensions: dimensions)
        }
        classes = max(state.classifier["weight"]?.shape.first ?? 1, 1)
        self.dimensions = dimensions
        self.heads = heads
        self.tau = tau
        self.gamma = gamma
        var parameters = Parameters(state.classifier, group: "classifier.")
        let weight = try parameters.take("weight", shape: [classes, dimensions])
        try parameters.expectAllTaken()
        let width = dimensions / heads
        rows = weight.scaled(everyHeadOf: width) { Double(tau) / Double(heads) / ($0 + Double(gamma)) }
        guard let direction = state.direction else {
            adjustment = nil
            return
        }
        var embed = Parameters(["embed": Tensor(shape: [direction.count], values: direction)], group: "")
        let directions = try embed.take("embed", shape: [dimensions])
            .scaled(everyHeadOf: width) { $0 > 0 ? 1 / $0 : 0 }
        adjustment = Adjustment(
            directions: directions, terms: Self.dotProducts(of: rows, with: directions, width: width))
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

    /// The logits of one feature vector; alpha 0, or a head without adjustment, is the plain classifier.
    public func logits(of features: [Float], alpha: Float) -> [Float] {
        precondition(features.count == dimensions)
        var normalised = [Float](repeating: 0, count: dimensions)
        var logits = [Float](repeating: 0, count: classes)
        rows.withUnsafeBufferPointer { rows in
            adjustment.withPointers { directions, terms in
                features.withUnsafeBufferPointer { features in
                    var head = rb_head(
                        classes: Int32(classes), dimensions: Int32(dimensions), heads: Int32(heads),
                        feature_norm: RB_FEATURE_PER_HEAD, rows: rows.baseAddress, bias: nil, directions: directions,
                        direction_terms: terms, alpha: alpha, features: features.baseAddress, normalised: nil,
                        logits: nil)
                    normalised.withUnsafeMutableBufferPointer { normalised in
                        logits.withUnsafeMutableBufferPointer { logits in
                            head.normalised = normalised.baseAddress
                            head.logits = logits.baseAddress
                            rb_head_run(&head)
                        }
                    }
                }
            }
        }
        return logits
    }
}

extension ClassifierHead.Adjustment? {
    fileprivate func withPointers(_ body: (UnsafePointer<Float>?, UnsafePointer<Float>?) -> Void) {
        guard let self else { return body(nil, nil) }
        self.directions.withUnsafeBufferPointer { directions in
            self.terms.withUnsafeBufferPointer { terms in
                body(directions.baseAddress, terms.baseAddress)
            }
        }
    }
}

extension [Float] {
    /// Every run of `width` values times a factor that depends on the run's Euclidean norm; in double.
    fileprivate func scaled(everyHeadOf width: Int, by factor: (Double) -> Double) -> [Float] {
        stride(from: 0, to: count, by: width).flatMap { start in
            let head = self[start..<start + width]
            let scale = factor(head.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
            return head.map { Float(Double($0) * scale) }
        }
    }
}
