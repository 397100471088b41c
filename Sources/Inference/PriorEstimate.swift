import ModelFormat

/// How frequent each class is where a camera looks, estimated from what it has seen: the mix of classes under which the
/// posteriors of sightings are likeliest, by expectation maximisation (Saerens, Latinne, Decaestecker, "Adjusting the Outputs of
/// a Classifier to New a Priori Probabilities", Neural Computation 2002). With q_j the posterior of sighting j under the mix t of
/// training, and s the mix looked for:
///
///     r_jc = (s_c / t_c) q_jc over its sum over all classes,   s_c = mean of r_jc over the sightings
///
/// A sighting is what was confirmed once, not a frame: whatever stays in view for long would count for all else. No class falls
/// below `floor` of an even share, so that what was never seen is not ruled out for ever.
public struct PriorEstimate {
    /// The latest sightings count, at most so many, and no fewer than `leastCapacity` where classes are many.
    public static var mostCapacity: Int { 256 }
    private static var leastCapacity: Int { 32 }
    private static var byteLimit: Int { 1 << 20 }
    /// Of an even share.
    public static var floor: Float { 0.1 }
    /// From so many sightings on an estimate is good enough to be used.
    public static var leastSightings: UInt64 { 30 }
    /// It is made anew after so many more.
    public static var interval: UInt64 { 10 }
    private static var iterations: Int { 20 }

    private let classes: Int
    private let capacity: Int
    private let trained: UnsafeMutableBufferPointer<Float>
    private let shares: UnsafeMutableBufferPointer<Float>
    private let sums: UnsafeMutableBufferPointer<Float>
    /// Of this mix to that of training.
    private let ratios: UnsafeMutableBufferPointer<Float>
    private let posteriors: UnsafeMutableBufferPointer<Float>
    /// All there were.
    public private(set) var sightings: UInt64 = 0
    /// How many sightings there were when the estimate was made; 0: there is none.
    public private(set) var sightingsInEstimate: UInt64 = 0

    private static func capacity(classes: Int) -> Int {
        min(max(byteLimit / (4 * classes), leastCapacity), mostCapacity)
    }

    /// The memory for so many classes, bytes.
    public static func byteCount(classes: Int) -> Int { 4 * classes * (4 + capacity(classes: classes)) }

    /// `model` says how many training images each class has, one at least. `memory`: 4-byte aligned, at least
    /// `byteCount(classes:)`, kept as long as the value is used.
    public init(of model: Model, memory: UnsafeMutableRawBufferPointer) {
        let classes = Int(model.head.classes)
        precondition(memory.count >= Self.byteCount(classes: classes))
        self.classes = classes
        let capacity = Self.capacity(classes: classes)
        self.capacity = capacity
        let floats = memory.bindMemory(to: Float.self)
        func part(_ number: Int, _ rows: Int = 1) -> UnsafeMutableBufferPointer<Float> {
            UnsafeMutableBufferPointer(rebasing: floats[(number * classes)..<((number + rows) * classes)])
        }
        (trained, shares, sums, ratios) = (part(0), part(1), part(2), part(3))
        posteriors = part(4, capacity)
        var images: Float = 0
        for index in 0..<classes {
            trained[index] = Float(model.classCount(index)!)
            images += trained[index]
        }
        for index in 0..<classes {
            trained[index] /= images
            shares[index] = trained[index]
        }
    }

    /// Takes in a sighting: `write` writes its posterior under the mix of training, [classes]. True where the estimate is due to
    /// be made anew.
    public mutating func add(_ write: (UnsafeMutableBufferPointer<Float>) -> Void) -> Bool {
        let place = Int(sightings % UInt64(capacity))
        let posterior = UnsafeMutableBufferPointer(rebasing: posteriors[(place * classes)..<((place + 1) * classes)])
        write(posterior)
        sightings += 1
        return sightings % Self.interval == 0
    }

    /// Makes the estimate anew, going on from the last one.
    public mutating func update() {
        let held = Int(min(sightings, UInt64(capacity)))
        guard held > 0 else { return }
        for _ in 0..<Self.iterations {
            for index in 0..<classes {
                sums[index] = 0
                ratios[index] = shares[index] / trained[index]
            }
            for sighting in 0..<held {
                addShares(of: sighting)
            }
            var total: Float = 0
            for index in 0..<classes { total += sums[index] }
            // Posteriors that are no numbers say nothing.
            guard total > 0 else { return }
            for index in 0..<classes { shares[index] = sums[index] / total }
        }
        raiseToFloor()
        sightingsInEstimate = sightings
    }

    private func addShares(of sighting: Int) {
        let start = sighting * classes
        var sum: Float = 0
        for index in 0..<classes { sum += ratios[index] * posteriors[start + index] }
        guard sum > 0, sum.isFinite else { return }
        for index in 0..<classes {
            sums[index] += ratios[index] * posteriors[start + index] / sum
        }
    }

    private func raiseToFloor() {
        let least = Self.floor / Float(classes)
        var total: Float = 0
        for index in 0..<classes {
            shares[index] = max(shares[index], least)
            total += shares[index]
        }
        for index in 0..<classes { shares[index] /= total }
    }

    /// Whether enough was seen.
    public var isUsable: Bool { sightingsInEstimate >= Self.leastSightings }

    /// How frequent a class is, 0...1; before the first estimate as in training.
    public func share(of index: Int) -> Float { shares[index] }

    /// The most frequent classes.
    public func ranking(limit: Int) -> Ranking { Ranking(of: shares, limit: limit) }

    /// [classes], for `Policy.setPrior`; nil: not enough was seen.
    public var usableShares: UnsafePointer<Float>? { isUsable ? UnsafePointer(shares.baseAddress!) : nil }
}
