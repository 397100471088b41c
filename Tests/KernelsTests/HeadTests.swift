import Kernels
import Testing

/// A head of three heads of four dimensions and five classes, with random numbers in it.
private struct Head {
    let classes = 5
    let dimensions = 12
    let heads = 3
    var norm = RB_FEATURE_PER_HEAD
    var rows: [Float]
    var bias: [Float]?
    var centre: [Float]?
    var directions: [Float]
    var directionTerms: [Float]
    var features: [Float]
    /// nil: all 1.
    var weights: [Float]?

    init() {
        var numbers = Numbers(state: 1)
        rows = numbers.floats(classes * dimensions)
        bias = numbers.floats(classes)
        directions = numbers.floats(dimensions)
        directionTerms = numbers.floats(classes * heads)
        features = numbers.floats(dimensions)
    }

    /// The logits that the kernel gives.
    func logits(alpha: Float, adjusted: Bool = true) -> [Float] { run(alpha: alpha, adjusted: adjusted).logits }

    /// `shares`: in how many the classes are cut, last share first; nil: not shared.
    func run(alpha: Float, adjusted: Bool = true, shares: Int32? = nil) -> (plain: [Float], logits: [Float]) {
        let rows = Memory(rows)
        let bias = bias.map(Memory.init)
        let centre = centre.map(Memory.init)
        let weights = weights.map(Memory.init)
        let features = Memory(features)
        let directions = Memory(directions)
        let terms = Memory(directionTerms)
        let normalised = Memory([Float](repeating: .nan, count: dimensions))
        let plain = Memory([Float](repeating: .nan, count: classes))
        let logits = Memory([Float](repeating: .nan, count: classes))
        return withExtendedLifetime((rows, bias, centre, weights, features, directions, terms, normalised)) {
            var head = rb_head(
                classes: Int32(classes), dimensions: Int32(dimensions), heads: Int32(heads), feature_norm: norm,
                rows: rows.start, bias: bias?.start, centre: centre?.start,
                directions: adjusted ? directions.start : nil, direction_terms: adjusted ? terms.start : nil,
                head_weights: weights?.start, alpha: alpha, features: features.start, normalised: normalised.start,
                plain: plain.start,
                logits: logits.start)
            if let shares {
                var threads = rb_threads(
                    count: shares,
                    run: { _, parts, part, work in
                        for index in (0..<parts).reversed() {
                            part!(work, index, parts, index)
                        }
                    }, team: nil)
                rb_head_run_shared(&head, shares, &threads)
            } else {
                rb_head_run(&head)
            }
            return (Array(plain.elements), Array(logits.elements))
        }
    }

    /// The features as the norm leaves them, in double precision.
    private var normalised: [Double] {
        let x = features.indices.map { Double(features[$0]) - Double(centre?[$0] ?? 0) }
        let width = dimensions / heads
        func length(_ part: some Sequence<Double>) -> Double { part.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        switch norm {
        case RB_FEATURE_PER_HEAD:
            return x.indices.map { i in
                let head = length(x[i / width * width..<(i / width + 1) * width])
                return head > 0 ? x[i] / head : 0
            }
        case RB_FEATURE_CAPSULE: return x.map { $0 / (1 + length(x)) }
        default: return x
        }
    }

    /// The formula of rb_head, in double precision.
    func expectedLogits(alpha: Double) -> [Double] {
        let n = normalised
        let width = dimensions / heads
        return (0..<classes).map { i in
            let plain = (0..<dimensions).reduce(0.0) { $0 + n[$1] * Double(rows[i * dimensions + $1]) }
            let adjustment = (0..<heads).reduce(0.0) { sum, k in
                let along = (k * width..<(k + 1) * width).reduce(0.0) { $0 + n[$1] * Double(directions[$1]) }
                return sum + along * Double(directionTerms[i * heads + k])
            }
            return plain + Double(bias?[i] ?? 0) - alpha * adjustment
        }
    }
}

private func expectClose(_ values: [Float], _ expected: [Double], within tolerance: Double = 1e-5) {
    #expect(values.count == expected.count)
    for (value, expected) in zip(values, expected) {
        #expect(abs(Double(value) - expected) <= tolerance)
    }
}

@Suite("Classifier head")
struct HeadTests {
    @Test(arguments: [1, 2, 3, 8] as [Int32])
    func sharedOutGivesTheSameBits(shares: Int32) {
        for norm in [RB_FEATURE_PER_HEAD, RB_FEATURE_CAPSULE, RB_FEATURE_NONE] {
            var head = Head()
            head.norm = norm
            for alpha in [Float(0), 1.5] {
                let (whole, shared) = (head.run(alpha: alpha), head.run(alpha: alpha, shares: shares))
                #expect(shared.plain == whole.plain && shared.logits == whole.logits)
            }
        }
    }

    @Test("A dot product sums in eight interleaved parts, whatever its length", arguments: 0...40)
    func dotOrder(count: Int) {
        var numbers = Numbers(state: UInt64(count))
        let a = numbers.floats(count)
        let b = numbers.floats(count)
        var parts = [Float](repeating: 0, count: 8)
        for i in 0..<count { parts[i % 8] += a[i] * b[i] }
        let even = (parts[0] + parts[4]) + (parts[2] + parts[6])
        let odd = (parts[1] + parts[5]) + (parts[3] + parts[7])
        #expect(rb_dot(a, b, Int32(count)) == even + odd)
    }

    @Test("Every row's logit has the bits of its dot product, also the last few rows", arguments: 1...9, [5, 8, 21])
    func rowsTakenTogether(classes: Int, dimensions: Int) {
        var numbers = Numbers(state: UInt64(classes))
        let rows = Memory(numbers.floats(classes * dimensions))
        let features = Memory(numbers.floats(dimensions))
        let normalised = Memory([Float](repeating: .nan, count: dimensions))
        let logits = Memory([Float](repeating: .nan, count: classes))
        withExtendedLifetime((rows, features, normalised)) {
            var head = rb_head(
                classes: Int32(classes), dimensions: Int32(dimensions), heads: 1, feature_norm: RB_FEATURE_NONE,
                rows: rows.start, bias: nil, centre: nil, directions: nil, direction_terms: nil, head_weights: nil,
                alpha: 0,
                features: features.start, normalised: normalised.start, plain: logits.start, logits: logits.start)
            rb_head_run(&head)
            for i in 0..<classes {
                #expect(logits.elements[i] == rb_dot(features.start, rows.start! + i * dimensions, Int32(dimensions)))
            }
        }
    }

    @Test(
        "Logits follow the formula for every feature norm",
        arguments: [RB_FEATURE_NONE, RB_FEATURE_PER_HEAD, RB_FEATURE_CAPSULE], [0, 0.5, 3] as [Float])
    func formula(norm: rb_feature_norm, alpha: Float) {
        var head = Head()
        head.norm = norm
        expectClose(head.logits(alpha: alpha), head.expectedLogits(alpha: Double(alpha)))
    }

    @Test(
        "Weights of heads scale what each head says, with the adjustment and without", arguments: [0, 1.5] as [Float])
    func headWeights(alpha: Float) {
        var head = Head()
        func logits(_ weights: [Float]?) -> [Float] {
            head.weights = weights
            return head.logits(alpha: alpha)
        }
        let bias = head.bias!
        let each = (0..<3).map { one in logits((0..<3).map { $0 == one ? 1 : 0 }) }
        let expected = bias.indices.map { index in
            Double(bias[index])
                + zip([2, 0.5, 0], each).reduce(0) { $0 + $1.0 * Double($1.1[index] - bias[index]) }
        }
        expectClose(logits([2, 0.5, 0]), expected)
        #expect(logits([1, 1, 1]) == logits(nil))
    }

    @Test("A head without bias adds none")
    func noBias() {
        var head = Head()
        head.bias = nil
        expectClose(head.logits(alpha: 1), head.expectedLogits(alpha: 1))
    }

    @Test(
        "A centre is taken off the features before they are normalised",
        arguments: [RB_FEATURE_NONE, RB_FEATURE_PER_HEAD, RB_FEATURE_CAPSULE])
    func centre(norm: rb_feature_norm) {
        var head = Head()
        head.norm = norm
        let without = head.logits(alpha: 0)
        var numbers = Numbers(state: 2)
        head.centre = numbers.floats(head.dimensions)
        expectClose(head.logits(alpha: 1), head.expectedLogits(alpha: 1))
        #expect(head.logits(alpha: 0) != without)
    }

    @Test("The plain logits are there too, and have the bits of alpha 0", arguments: [0, 1.5] as [Float])
    func plainLogits(alpha: Float) {
        #expect(Head().run(alpha: alpha).plain == Head().logits(alpha: 0))
    }

    @Test("A head of zeros contributes nothing instead of dividing by zero")
    func zeroHead() {
        var head = Head()
        head.features.replaceSubrange(4..<8, with: repeatElement(0, count: 4))
        expectClose(head.logits(alpha: 2), head.expectedLogits(alpha: 2))
    }

    @Test("Alpha 0 gives the bits of the plain classifier, and alpha 1 does not")
    func alphaZero() {
        let head = Head()
        #expect(head.logits(alpha: 0) == head.logits(alpha: 5, adjusted: false))
        #expect(head.logits(alpha: 1) != head.logits(alpha: 0))
    }
}

@Suite("Softmax")
struct SoftmaxTests {
    private func softmax(_ logits: [Float]) -> [Float] {
        var values = logits
        values.withUnsafeMutableBufferPointer { rb_softmax($0.baseAddress, $0.baseAddress, Int32($0.count)) }
        return values
    }

    @Test("Probabilities are within 1e-6 of double precision and sum to 1", arguments: [0.1, 1, 10, 60] as [Float])
    func accuracy(spread: Float) {
        var numbers = Numbers(state: 3)
        let logits = numbers.floats(100).map { $0 * spread }
        let probabilities = softmax(logits)
        // exp(x) as a product of 1024 small steps, (1 + y + y^2/2 + y^3/6)^1024 with y = x / 1024.
        func exponential(_ x: Double) -> Double {
            let y = x / 1024
            return (0..<10).reduce(1 + y + y * y / 2 + y * y * y / 6) { power, _ in power * power }
        }
        let top = Double(logits.max()!)
        let terms = logits.map { exponential(Double($0) - top) }
        let sum = terms.reduce(0, +)
        expectClose(probabilities, terms.map { $0 / sum }, within: 1e-6)
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    }

    @Test(
        "Where a logit is no number or infinite no probability is a number, wherever it stands",
        arguments: [.nan, .infinity, -.nan, .signalingNaN] as [Float])
    func notFinite(logit: Float) {
        for place in 0..<3 {
            var logits: [Float] = [1, -2, 3]
            logits[place] = logit
            #expect(softmax(logits).allSatisfy { $0.isNaN })
        }
        #expect(softmax([-.infinity, -.infinity]).allSatisfy { $0.isNaN })
    }

    @Test("A logit of -infinity has probability 0, and the largest difference of two is as good as infinite")
    func infinitelyUnlikely() {
        #expect(softmax([-.infinity, 3, 3]) == [0, 0.5, 0.5])
        #expect(softmax([-.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == [0, 1])
    }

    @Test("A class far below the first has probability 0, and equal classes share")
    func extremes() {
        #expect(softmax([1000, -1000, 1000]) == [0.5, 0, 0.5])
        #expect(softmax([-7]) == [1])
    }
}
