/// A box in pixels of its picture.
public struct Box: Equatable, Sendable {
    public let left: Double
    public let top: Double
    public let width: Double
    public let height: Double

    public init(left: Double, top: Double, width: Double, height: Double) {
        (self.left, self.top, self.width, self.height) = (left, top, width, height)
    }

    public var area: Double { width * height }
}

/// An object of a picture as its annotations have it. `picture` and `category` are places in lists that are sorted by id.
public struct AnnotatedObject: Equatable, Sendable {
    public let picture: Int
    public let category: Int
    public let box: Box
    /// In square pixels, of the mask where the annotations have one: it decides whether the object is small or large.
    public let area: Double
    /// Many objects in one box: as many detections as like may lie in it, and none of them is wrong.
    public let isCrowd: Bool
    /// Need not be found, and may be.
    public let isIgnored: Bool

    public init(picture: Int, category: Int, box: Box, area: Double, isCrowd: Bool = false, isIgnored: Bool = false) {
        (self.picture, self.category, self.box, self.area) = (picture, category, box, area)
        (self.isCrowd, self.isIgnored) = (isCrowd, isIgnored || isCrowd)
    }
}

/// What a detector says of a picture.
public struct Detection: Equatable, Sendable {
    public let picture: Int
    public let category: Int
    public let box: Box
    /// Only the order of scores matters.
    public let score: Double

    public init(picture: Int, category: Int, box: Box, score: Double) {
        (self.picture, self.category, self.box, self.score) = (picture, category, box, score)
    }
}

/// The objects that a figure is about, by area in square pixels; both limits belong to the size.
public enum ObjectSize: String, CaseIterable, Sendable {
    case all, small, medium, large

    var areas: ClosedRange<Double> {
        switch self {
        case .all: 0...1e10
        case .small: 0...1024
        case .medium: 1024...9216
        case .large: 9216...1e10
        }
    }
}

/// What became of a detection at one overlap: it found an object, it found none, or it does not count.
enum DetectionOutcome {
    case right, wrong, ignored
}

/// The detections of one category in one picture, best first, and how many objects they could find.
struct MatchedDetections {
    let scores: [Double]
    /// `[overlap][detection]`, by `AveragePrecision.overlaps`.
    let outcomes: [[DetectionOutcome]]
    let objects: Int
}

/// Matches `detections`, best first, to `objects` of the same category and picture.
///
/// A detection takes the free object that it overlaps most, at least by the overlap asked for. `ignoringUnmatched`: those that
/// take none do not count, as where LVIS does not know every object.
func matched(
    _ detections: [Detection], to objects: [AnnotatedObject], of size: ObjectSize, ignoringUnmatched: Bool
) -> MatchedDetections {
    func counts(_ object: AnnotatedObject) -> Bool { !object.isIgnored && size.areas.contains(object.area) }
    // One that does not count is taken only by a detection that finds none that does.
    let wanted = objects.filter(counts)
    let candidates = wanted + objects.filter { !counts($0) }
    let shared = detections.map { detection in candidates.map { overlap(of: detection.box, with: $0) } }
    let outcomes = AveragePrecision.overlaps.map { least in
        var isTaken = [Bool](repeating: false, count: candidates.count)
        return detections.indices.map { index -> DetectionOutcome in
            let choice = best(of: shared[index], among: wanted.count, atLeast: min(least, 1 - 1e-10)) {
                !isTaken[$0] || candidates[$0].isCrowd
            }
            guard let choice else {
                let isOfOtherSize = !size.areas.contains(detections[index].box.area)
                return isOfOtherSize || ignoringUnmatched ? .ignored : .wrong
            }
            isTaken[choice] = true
            return choice < wanted.count ? .right : .ignored
        }
    }
    return MatchedDetections(scores: detections.map(\.score), outcomes: outcomes, objects: wanted.count)
}

/// The free candidate with the largest overlap, the last of equal ones; of the first `wanted` if one of them has enough.
private func best(
    of overlaps: [Double], among wanted: Int, atLeast least: Double, isFree: (Int) -> Bool
) -> Int? {
    for range in [0..<wanted, wanted..<overlaps.count] {
        var (choice, most): (Int?, Double) = (nil, least)
        for candidate in range where isFree(candidate) && overlaps[candidate] >= most {
            (choice, most) = (candidate, overlaps[candidate])
        }
        if choice != nil { return choice }
    }
    return nil
}

/// Intersection over union; with a crowd, over the detection alone.
private func overlap(of box: Box, with object: AnnotatedObject) -> Double {
    let other = object.box
    let width = min(box.left + box.width, other.left + other.width) - max(box.left, other.left)
    let height = min(box.top + box.height, other.top + other.height) - max(box.top, other.top)
    guard width > 0, height > 0 else { return 0 }
    let intersection = width * height
    return intersection / (object.isCrowd ? box.area : box.area + other.area - intersection)
}
