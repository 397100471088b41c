/// The classes of highest score, best first; of equal scores the lower class number first; a score that is not a
/// number ranks last.
public struct Ranking {
    public static let maximumCount = 32

    private var classes = InlineArray<32, Int32>(repeating: 0)
    public private(set) var count = 0

    /// Ranks the best `limit` (at most `maximumCount`) of `scores`. Takes count * limit steps at worst.
    public init(of scores: UnsafeMutableBufferPointer<Float>, limit: Int) {
        let limit = min(min(limit, scores.count), Self.maximumCount)
        guard limit > 0 else { return }
        for candidate in 0..<scores.count {
            var place = count
            while place > 0 && Self.ranks(scores[candidate], above: scores[Int(classes[place - 1])]) {
                place -= 1
            }
            guard place < limit else { continue }
            count = min(count + 1, limit)
            var index = count - 1
            while index > place {
                classes[index] = classes[index - 1]
                index -= 1
            }
            classes[place] = Int32(candidate)
        }
    }

    /// The class in `place`, 0..<count.
    public subscript(place: Int) -> Int {
        precondition(place >= 0 && place < count)
        return Int(classes[place])
    }

    private static func ranks(_ score: Float, above other: Float) -> Bool {
        score > other || (other.isNaN && !score.isNaN)
    }
}
