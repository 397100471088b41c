/// Average precision of detections as COCO defines it (Lin et al., 2014), and LVIS (Gupta et al., 2019) for data sets of which
/// not everything is annotated. Equal to pycocotools and to the lvis package: `Tests/Fixtures/average-precision.json`.
///
/// The cost is the sum over pictures and categories of detections times objects.
public struct AveragePrecision: Sendable {
    /// A detection has found an object if they overlap so much: 0.5, 0.55, ... 0.95, the same doubles as NumPy's linspace.
    public static let overlaps: [Double] = {
        let step = (0.95 - 0.5) / 9
        return (0..<9).map { index in 0.5 + Double(index) * step } + [0.95]
    }()
    /// Precision is read at recalls of 0, 0.01, ... 1.
    static let recalls = (0...100).map { Double($0) * 0.01 }

    /// Which detections count.
    public enum Rules: Sendable {
        /// The best `detections` of each category in a picture; pycocotools has 100.
        case coco(detections: Int)
        /// The best `detections` of a picture; lvis has 300. A detection counts where its category is in the picture or is
        /// known not to be: `pictures` says of each picture what is.
        case lvis(detections: Int, pictures: [FederatedPicture])
    }

    /// What LVIS knows of a picture beside its objects, as places in the list of categories.
    public struct FederatedPicture: Sendable {
        public let absent: Set<Int>
        /// Not every object of these is annotated.
        public let notExhaustive: Set<Int>

        public init(absent: Set<Int>, notExhaustive: Set<Int>) {
            (self.absent, self.notExhaustive) = (absent, notExhaustive)
        }
    }

    /// `[overlap][category]` of a size; nil for a category that has no object of that size.
    private let precisions: [ObjectSize: [[Double?]]]
    /// By overlap, of the detections of all categories in one list: one threshold for all of them, as a camera has it (Dave et
    /// al., 2021). nil without an object.
    public let pooled: [Double?]

    /// `picture` of objects and detections are below the count of pictures that `rules` may have, `category` is below `categories`.
    public init(of detections: [Detection], against objects: [AnnotatedObject], categories: Int, rules: Rules) {
        let kept = Self.kept(detections, objects, rules)
        let groups = Groups(detections: kept, objects: objects)
        var precisions: [ObjectSize: [[Double?]]] = [:]
        var pooled: [MatchedDetections] = []
        for size in ObjectSize.allCases {
            let byCategory = (0..<categories).map { category -> [Double?] in
                let matches = groups.matches(of: category, size: size, rules: rules)
                if size == .all { pooled += matches }
                return Self.averages(of: matches)
            }
            precisions[size] = Self.overlaps.indices.map { overlap in byCategory.map { $0[overlap] } }
        }
        self.precisions = precisions
        self.pooled = Self.averages(of: pooled)
    }

    /// The mean over categories that have objects, all or those given, at one of `overlaps` or over them; nil if there are none.
    public func mean(overlap: Double? = nil, size: ObjectSize = .all, of categories: [Int]? = nil) -> Double? {
        let rows = zip(Self.overlaps, precisions[size]!).filter { overlap == nil || abs($0.0 - overlap!) < 1e-9 }
        let values = rows.flatMap { row in (categories ?? Array(row.1.indices)).compactMap { row.1[$0] } }
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The mean of `pooled` over the overlaps.
    public var pooledMean: Double? {
        let values = pooled.compactMap(\.self)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    private static func kept(_ detections: [Detection], _ objects: [AnnotatedObject], _ rules: Rules) -> [Detection] {
        guard case .lvis(let count, let pictures) = rules else { return detections }
        var shown = [Set<Int>](repeating: [], count: pictures.count)
        for object in objects { shown[object.picture].insert(object.category) }
        var left = [Int](repeating: count, count: pictures.count)
        return bestFirst(detections, by: \.score).filter { detection in
            left[detection.picture] -= 1
            let isKnown = shown[detection.picture].contains(detection.category)
            return left[detection.picture] >= 0
                && (isKnown || pictures[detection.picture].absent.contains(detection.category))
        }
    }

    /// By overlap, of matches of several pictures; nil for all where they have no object.
    private static func averages(of matches: [MatchedDetections]) -> [Double?] {
        let objects = matches.reduce(0) { $0 + $1.objects }
        guard objects > 0 else { return [Double?](repeating: nil, count: overlaps.count) }
        let scores = matches.flatMap(\.scores)
        let order = bestFirst(Array(scores.indices), by: { scores[$0] })
        return overlaps.indices.map { overlap in
            let outcomes = matches.flatMap { $0.outcomes[overlap] }
            return average(of: order.map { outcomes[$0] }, objects: objects)
        }
    }

    /// The mean over `recalls` of the best precision at that recall or a larger one. `outcomes`: best score first.
    private static func average(of outcomes: [DetectionOutcome], objects: Int) -> Double {
        var (right, wrong) = (0.0, 0.0)
        var reached: [Double] = []
        var precisions: [Double] = []
        for outcome in outcomes {
            right += outcome == .right ? 1 : 0
            wrong += outcome == .wrong ? 1 : 0
            reached.append(right / Double(objects))
            // As pycocotools keeps 0 / 0 from happening.
            precisions.append(right / (wrong + right + Double.ulpOfOne))
        }
        for index in precisions.indices.reversed().dropFirst() {
            precisions[index] = max(precisions[index], precisions[index + 1])
        }
        var (sum, place) = (0.0, 0)
        for recall in recalls {
            while place < reached.count, reached[place] < recall { place += 1 }
            if place < precisions.count { sum += precisions[place] }
        }
        return sum / Double(recalls.count)
    }
}

/// Detections and objects by category and picture.
private struct Groups {
    private struct Group {
        var detections: [Detection] = []
        var objects: [AnnotatedObject] = []
    }

    private var categories: [Int: [Int: Group]] = [:]

    init(detections: [Detection], objects: [AnnotatedObject]) {
        for detection in detections {
            categories[detection.category, default: [:]][detection.picture, default: Group()].detections.append(
                detection)
        }
        for object in objects {
            categories[object.category, default: [:]][object.picture, default: Group()].objects.append(object)
        }
    }

    /// Of each picture that has something of the category, in the pictures' order.
    func matches(of category: Int, size: ObjectSize, rules: AveragePrecision.Rules) -> [MatchedDetections] {
        (categories[category] ?? [:]).sorted { $0.key < $1.key }.map { picture, group in
            var detections = bestFirst(group.detections, by: \.score)
            var isPartly = false
            switch rules {
            case .coco(let count): detections = Array(detections.prefix(count))
            case .lvis(_, let pictures): isPartly = pictures[picture].notExhaustive.contains(category)
            }
            return matched(detections, to: group.objects, of: size, ignoringUnmatched: isPartly)
        }
    }
}

/// The order of equal ones stays: which of them is cut off or matched first must not be chance.
private func bestFirst<Element>(_ elements: [Element], by score: (Element) -> Double) -> [Element] {
    elements.enumerated().sorted {
        let (one, other) = (score($0.element), score($1.element))
        return one == other ? $0.offset < $1.offset : one > other
    }.map(\.element)
}
