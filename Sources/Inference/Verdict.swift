/// A class, and what speaks for it in a picture.
public struct RankedClass {
    public var index: Int
    /// What ranks it and what a threshold is compared with: the mean over pictures where there is smoothing, else
    /// `frameProbability`.
    public var probability: Float
    /// Of this picture, with all that `Policy` does before smoothing, over the included classes.
    public var frameProbability: Float
    /// Of the plain logits.
    public var plainProbability: Float
    /// With the TDE adjustment.
    public var logit: Float
    /// Without it.
    public var plainLogit: Float
}

/// What a policy says of one picture: the best classes, best first.
public struct Verdict {
    private var classes = InlineArray<32, RankedClass>(
        repeating: RankedClass(
            index: 0, probability: 0, frameProbability: 0, plainProbability: 0, logit: 0, plainLogit: 0))
    /// At most `Ranking.maximumCount`.
    public private(set) var count = 0
    /// Whether even the best is below its threshold.
    public internal(set) var isUnknown = false
    /// Whether the plain classifier says another class of this picture, among those that count.
    public internal(set) var isFlipped = false
    /// The class that this picture confirmed.
    public internal(set) var newlyConfirmed: RankedClass?

    init() {}

    /// The class in `place`, 0..<count.
    public subscript(place: Int) -> RankedClass {
        precondition(place >= 0 && place < count)
        return classes[place]
    }

    mutating func append(_ ranked: RankedClass) {
        classes[count] = ranked
        count += 1
    }
}
