import Kernels
import ModelFormat

/// How one picture after another is judged: which classes count and how, when the best is good enough to be named, and when a
/// class has been seen often enough to be believed.
///
/// Of each picture, in this order. The head does the first three (`Engine.runHead`), `judge` the others:
/// 1. Heads. Each of the K heads counts by its weight, 1 unless given.
/// 2. Alpha. Plain logits y; from them, less what TDE subtracts, the adjusted logits z.
/// 3. Prior. T (ln(share expected) - ln(share in training)) is added to each z. T is the temperature of step 5, so that behind
///    it the logarithm counts once.
/// 4. Classes. Only the included ones count: probabilities are softmaxes over them alone, so they sum to 1.
/// 5. Temperature. Adjusted probabilities p = softmax(z / T), plain ones softmax(y / T0), with the file's temperatures of alpha in
///    use and of alpha 0; without any they are 1. (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.)
/// 6. Exempted classes, those that say that nothing is there, keep the probability q that they have without TDE, the prior
///    included; the others share what is left by p: p_i = (1 - sum of the exempted q) softmax over the others of z / T.
///    (Tang, Huang, Zhang, NeurIPS 2020, for the background of a detector.) So alpha never turns nothing into something.
/// 7. Smoothing, with S > 0: the mean m of the probabilities p becomes S m + (1 - S) p; the first picture's is p.
///    One picture's weight falls to a half after ln 2 / (1 - S) pictures, nearly.
/// 8. Ranking by the mean, or by p; where neither smoothing nor exemption is, by z, which is the order of p.
/// 9. Threshold: the picture is unknown where the best mean (or p) is below the threshold of its class, or below the common
///    one where it has none of its own.
/// 10. Confirmation, N of M: a class is newly confirmed by a picture of it when N of the last M pictures, this one
///    included, were of it; then not again before M pictures in a row were not. Unknown pictures are of no class.
///
/// What is remembered (the mean, the last M pictures, what was confirmed) is forgotten by `restart()`, to be called when
/// pictures were missed, and by itself where the time between two pictures is more than a second and more than four times
/// the one before: what was there then says nothing of what is there now.
public struct Policy {
    public struct Rules: Equatable, Sendable {
        /// How many of how many pictures, 1 <= needed <= window <= `longestWindow`.
        public struct Confirmation: Equatable, Sendable {
            public var needed: Int
            public var window: Int

            public init(needed: Int, window: Int) {
                self.needed = needed
                self.window = window
            }
        }

        /// Probability 0...1 below which a picture is unknown, of classes without one of their own.
        public var threshold: Float
        /// The weight of the past, 0..<1; 0: each picture stands alone.
        public var smoothing: Float
        public var confirmation: Confirmation?
        /// T and T0, above 0. `Judging` sets them.
        public var temperature: Float = 1
        public var plainTemperature: Float = 1

        public init(threshold: Float = 0, smoothing: Float = 0, confirmation: Confirmation? = nil) {
            self.threshold = threshold
            self.smoothing = smoothing
            self.confirmation = confirmation
        }
    }

    public static var longestWindow: Int { 64 }

    public let rules: Rules
    /// How many classes are included.
    public private(set) var count = 0
    /// The included classes, ascending, [count] of [all classes].
    let classes: UnsafeMutableBufferPointer<Int32>
    /// Of the last picture, in the order of `classes`: plain and adjusted probabilities, the mean of the latter, and what is
    /// ranked.
    let plain: UnsafeMutableBufferPointer<Float>
    let adjusted: UnsafeMutableBufferPointer<Float>
    let mean: UnsafeMutableBufferPointer<Float>
    let scores: UnsafeMutableBufferPointer<Float>

    // MARK: Of each class

    /// NaN: the common one.
    private let thresholds: UnsafeMutableBufferPointer<Float>
    /// 1 for an exempted class, else 0.
    private let exemptions: UnsafeMutableBufferPointer<Int32>
    public private(set) var hasExemptions = false
    private let logRatios: UnsafeMutableBufferPointer<Float>
    private let offsets: UnsafeMutableBufferPointer<Float>
    private var hasPrior = false
    private let weights: UnsafeMutableBufferPointer<Float>
    private var hasWeights = false

    // MARK: The past

    var hasPast = false
    var lastTime: UInt64 = 0
    var lastInterval: UInt64?
    /// The classes of the last pictures, a ring; `noClass`: unknown, or no picture yet.
    var window = InlineArray<64, Int32>(repeating: -1)
    var windowPosition = 0
    /// Confirmed classes of which there is still a picture in the window, `noClass` in free places.
    var confirmed = InlineArray<64, Int32>(repeating: -1)

    static var noClass: Int32 { -1 }

    /// The memory that a policy for a model of so many classes and heads needs, bytes.
    public static func byteCount(classes: Int, heads: Int) -> Int { 4 * (9 * classes + heads) }

    /// Without any class yet. `memory`: 4-byte aligned, at least `byteCount(classes:heads:)`, kept as long as the policy is used.
    public init(_ rules: Rules, classes count: Int, heads: Int, memory: UnsafeMutableRawBufferPointer) {
        precondition(memory.count >= Self.byteCount(classes: count, heads: heads))
        precondition((0...1).contains(rules.threshold) && (0..<1).contains(rules.smoothing))
        precondition(rules.temperature > 0 && rules.plainTemperature > 0)
        if let confirmation = rules.confirmation {
            precondition((1...Self.longestWindow).contains(confirmation.window))
            precondition((1...confirmation.window).contains(confirmation.needed))
        }
        self.rules = rules
        func part<Element>(_ number: Int, of type: Element.Type, count size: Int) -> UnsafeMutableBufferPointer<Element>
        {
            let start = memory.baseAddress! + 4 * count * number
            return UnsafeMutableBufferPointer(start: start.bindMemory(to: type, capacity: size), count: size)
        }
        classes = part(0, of: Int32.self, count: count)
        plain = part(1, of: Float.self, count: count)
        adjusted = part(2, of: Float.self, count: count)
        mean = part(3, of: Float.self, count: count)
        scores = part(4, of: Float.self, count: count)
        thresholds = part(5, of: Float.self, count: count)
        exemptions = part(6, of: Int32.self, count: count)
        logRatios = part(7, of: Float.self, count: count)
        offsets = part(8, of: Float.self, count: count)
        weights = part(9, of: Float.self, count: heads)
        for index in 0..<count {
            thresholds[index] = .nan
            exemptions[index] = 0
        }
    }

    /// Judges single pictures as the other does: without smoothing, confirmation and past. `memory` as for another.
    public init(forSinglePicturesLike other: Policy, memory: UnsafeMutableRawBufferPointer) {
        var rules = other.rules
        (rules.smoothing, rules.confirmation) = (0, nil)
        self.init(rules, classes: other.classes.count, heads: other.weights.count, memory: memory)
        for index in 0..<classes.count {
            classes[index] = other.classes[index]
            thresholds[index] = other.thresholds[index]
            exemptions[index] = other.exemptions[index]
            logRatios[index] = other.logRatios[index]
            offsets[index] = other.offsets[index]
        }
        for head in 0..<weights.count { weights[head] = other.weights[head] }
        (count, hasExemptions) = (other.count, other.hasExemptions)
        (hasPrior, hasWeights) = (other.hasPrior, other.hasWeights)
    }

    // MARK: Classes

    /// Includes a class, if it is not yet.
    public mutating func include(_ index: Int) {
        precondition(index >= 0 && index < classes.count)
        var place = count
        while place > 0 && Int(classes[place - 1]) >= index {
            place -= 1
        }
        guard place == count || Int(classes[place]) != index else { return }
        var last = count
        while last > place {
            classes[last] = classes[last - 1]
            last -= 1
        }
        classes[place] = Int32(index)
        count += 1
    }

    public mutating func includeAll() {
        for index in 0..<classes.count {
            classes[index] = Int32(index)
        }
        count = classes.count
    }

    /// Whether a class counts.
    public func includes(_ index: Int) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if Int(classes[middle]) < index { low = middle + 1 } else { high = middle }
        }
        return low < count && Int(classes[low]) == index
    }

    /// Gives a class a threshold of its own, 0...1.
    public mutating func setThreshold(_ threshold: Float, of index: Int) {
        precondition((0...1).contains(threshold))
        thresholds[index] = threshold
    }

    /// A class's own threshold; nil: it has the common one.
    public func ownThreshold(of index: Int) -> Float? { thresholds[index].isNaN ? nil : thresholds[index] }

    func threshold(of index: Int) -> Float { ownThreshold(of: index) ?? rules.threshold }

    /// TDE leaves the class's probability as it is.
    public mutating func exempt(_ index: Int) {
        exemptions[index] = 1
        hasExemptions = true
    }

    public func isExempted(_ index: Int) -> Bool { exemptions[index] == 1 }

    // MARK: The head

    /// `ratios`, [classes]: ln(share expected) - ln(share in training); nil: the mix of training.
    public mutating func setPrior(logRatios ratios: UnsafePointer<Float>?) {
        hasPrior = ratios != nil
        guard let ratios else { return }
        for index in 0..<logRatios.count {
            logRatios[index] = ratios[index]
            offsets[index] = rules.temperature * ratios[index]
        }
    }

    /// The answers are for another mix of classes than that of training: `shares`, [classes], above 0 on any scale. The model has
    /// training images of each class.
    public mutating func setPrior(shares: UnsafePointer<Float>, of model: Model) {
        var (expected, images) = (0.0, 0.0)
        for index in 0..<logRatios.count {
            expected += Double(shares[index])
            images += Double(model.classCount(index)!)
        }
        for index in 0..<logRatios.count {
            logRatios[index] = rb_log_ratio(Double(shares[index]) / expected, Double(model.classCount(index)!) / images)
        }
        setPrior(logRatios: UnsafePointer(logRatios.baseAddress!))
    }

    /// [classes]: ln(share expected) - ln(share in training); nil where there is no prior.
    var priorLogRatios: UnsafeMutableBufferPointer<Float>? { hasPrior ? logRatios : nil }

    /// [classes]: what step 3 adds.
    var logitOffsets: UnsafePointer<Float>? { hasPrior ? UnsafePointer(offsets.baseAddress!) : nil }

    /// How much head `head` counts, from 0 up; the others 1 unless given.
    public mutating func setWeight(_ weight: Float, ofHead head: Int) {
        if !hasWeights {
            for other in 0..<weights.count { weights[other] = 1 }
        }
        hasWeights = true
        weights[head] = weight
    }

    /// [heads]; nil: each counts 1.
    var headWeights: UnsafePointer<Float>? { hasWeights ? UnsafePointer(weights.baseAddress!) : nil }

    /// How much a head counts.
    public func weight(ofHead head: Int) -> Float { hasWeights ? weights[head] : 1 }

    // MARK: Comparison

    /// Whether the other judges every picture alike, from the same past.
    public func judgesAlike(_ other: Policy) -> Bool {
        guard rules == other.rules, count == other.count, hasPrior == other.hasPrior else { return false }
        for place in 0..<count where classes[place] != other.classes[place] {
            return false
        }
        for index in 0..<classes.count {
            guard ownThreshold(of: index) == other.ownThreshold(of: index),
                isExempted(index) == other.isExempted(index),
                !hasPrior || logRatios[index] == other.logRatios[index]
            else { return false }
        }
        for head in 0..<weights.count where weight(ofHead: head) != other.weight(ofHead: head) {
            return false
        }
        return true
    }
}
