import Inference

/// How often each class was answered and seen, and what else became of the answers of a run.
///
/// A model can have thousands of classes, and whoever stores metrics keeps a series for each: the first `mostClasses` that are
/// answered are counted one by one, all later ones together.
public struct ClassTally {
    public static var mostClasses: Int { 32 }

    public struct Entry {
        /// -1: all the others.
        public var index: Int32 = -1
        /// Frames of which it was the answer.
        public var answers: UInt64 = 0
        /// How often it was confirmed.
        public var sightings: UInt64 = 0
    }

    private var entries = InlineArray<32, Entry>(repeating: Entry())
    /// How many classes are counted one by one.
    public private(set) var count = 0
    public private(set) var others = Entry()
    /// Frames whose best class was below its threshold.
    public private(set) var unknown: UInt64 = 0
    /// Frames of which the plain classifier says another class.
    public private(set) var flipped: UInt64 = 0

    public init() {}

    /// In the order in which they were answered first; `place` is 0..<count.
    public subscript(place: Int) -> Entry { entries[place] }

    public mutating func add(_ verdict: Verdict) {
        if verdict.isFlipped { flipped += 1 }
        guard !verdict.isUnknown else {
            unknown += 1
            return
        }
        let isSeen: UInt64 = verdict.newlyConfirmed == nil ? 0 : 1
        if let place = place(of: Int32(verdict[0].index)) {
            entries[place].answers += 1
            entries[place].sightings += isSeen
        } else {
            others.answers += 1
            others.sightings += isSeen
        }
    }

    /// Where a class is counted; nil where with the others.
    private mutating func place(of index: Int32) -> Int? {
        for place in 0..<count where entries[place].index == index { return place }
        guard count < Self.mostClasses else { return nil }
        entries[count].index = index
        count += 1
        return count - 1
    }
}
