/// How well a network, a model or both recognise the pictures of a data set.
public struct EvaluationReport: Sendable {
    /// Accuracy of one class.
    public struct ClassRow: Sendable {
        public let name: String
        public let trainingImages: Int?
        /// In the data set.
        public let images: Int
        /// Percent; nil where not measured. `adjusted` is int8, or float where only that was measured, at the report's
        /// alpha; the others are at alpha 0.
        public let float: Double?
        public let int8: Double?
        public let adjusted: Double?

        /// What int8 and what the adjustment changed, in points.
        public var quantizationChange: Double? { int8.flatMap { int8 in float.map { int8 - $0 } } }
        public var adjustmentChange: Double? { adjusted.flatMap { adjusted in (int8 ?? float).map { adjusted - $0 } } }
    }

    public let data: String
    public let images: Int
    /// At the alphas that were asked for.
    public let rows: [AccuracyRow]
    /// One for each alpha of the table where both number formats were measured.
    public let differences: [AccuracyDifference]
    /// At the alphas of a sweep; empty where the classifier has no adjustment.
    public let sweep: [AccuracyRow]
    /// In the order of the classes; those without pictures are left out.
    public let classes: [ClassRow]
    /// Of the adjusted figures.
    public let alpha: Float
    /// By other pictures than these, if any were given.
    public let choice: AlphaChoice?
}

/// What to measure.
public struct EvaluationPlan: Sendable {
    public var name: String
    public var dataset: Dataset
    /// Of the table.
    public var alphas: [Float]
    /// The one that the model is meant to be used with.
    public var alpha: Float
    public var hasAdjustment: Bool
    public var classNames: [String]
    /// Empty where unknown.
    public var classCounts: [Int]
    public var choice: AlphaChoice?

    public init(
        name: String, dataset: Dataset, alphas: [Float], alpha: Float, hasAdjustment: Bool, classNames: [String],
        classCounts: [Int], choice: AlphaChoice?
    ) {
        self.name = name
        self.dataset = dataset
        self.alphas = alphas
        self.alpha = alpha
        self.hasAdjustment = hasAdjustment
        self.classNames = classNames
        self.classCounts = classCounts
        self.choice = choice
    }

    /// All that predictions are needed for, rising.
    public var allAlphas: [Float] {
        Set(alphas + [0, alpha] + (hasAdjustment ? alphaSweep(around: alpha) : [])).sorted()
    }
}

extension EvaluationReport {
    /// From the predictions `[alpha][image]` at all alphas of the plan, of a float network, an int8 model or both.
    public init(_ plan: EvaluationPlan, float: [[Int]]?, int8: [[Int]]?) {
        let alphas = plan.allAlphas
        let measured = [(AccuracyRow.Numbers.float32, float), (.int8, int8)].flatMap { numbers, predictions in
            zip(alphas, predictions ?? []).map { alpha, predictions in
                AccuracyRow(
                    numbers: numbers, alpha: alpha,
                    accuracy: Accuracy(
                        predictions: predictions, labels: plan.dataset.labels, classCounts: plan.classCounts))
            }
        }
        func rows(_ alphas: [Float]) -> [AccuracyRow] {
            alphas.flatMap { alpha in measured.filter { $0.alpha == alpha } }
        }
        data = plan.name
        images = plan.dataset.count
        self.rows = rows(plan.alphas)
        differences =
            zip(float, int8).map { Self.differences(plan, rows: rows(plan.alphas), float: $0, int8: $1) } ?? []
        sweep = plan.hasAdjustment ? rows(alphaSweep(around: plan.alpha)) : []
        alpha = plan.alpha
        choice = plan.choice
        func accuracy(_ numbers: AccuracyRow.Numbers, _ alpha: Float) -> Accuracy? {
            measured.first { $0.numbers == numbers && $0.alpha == alpha }?.accuracy
        }
        let (plainFloat, plainInt8) = (accuracy(.float32, 0), accuracy(.int8, 0))
        let adjusted = plan.alpha > 0 ? accuracy(.int8, plan.alpha) ?? accuracy(.float32, plan.alpha) : nil
        classes = plan.classNames.indices.compactMap { label in
            guard let known = (plainInt8 ?? plainFloat)?.classes[label] else { return nil }
            return ClassRow(
                name: plan.classNames[label],
                trainingImages: plan.classCounts.indices.contains(label) ? plan.classCounts[label] : nil,
                images: known.images, float: plainFloat?.classes[label]?.percent,
                int8: plainInt8?.classes[label]?.percent, adjusted: adjusted?.classes[label]?.percent)
        }
    }

    private static func differences(
        _ plan: EvaluationPlan, rows: [AccuracyRow], float: [[Int]], int8: [[Int]]
    ) -> [AccuracyDifference] {
        let labels = plan.dataset.labels
        return plan.alphas.compactMap { alpha in
            guard let place = plan.allAlphas.firstIndex(of: alpha),
                let floatRow = rows.first(where: { $0.alpha == alpha && $0.numbers == .float32 }),
                let int8Row = rows.first(where: { $0.alpha == alpha && $0.numbers == .int8 })
            else { return nil }
            func changes(_ counts: (Int) -> Bool) -> PairedChanges {
                PairedChanges(float: float[place], int8: int8[place], labels: labels, counts: counts)
            }
            let groups = floatRow.accuracy.groups.keys.map { group in
                (group, changes { FrequencyGroup(trainingImages: plan.classCounts[$0]) == group })
            }
            return AccuracyDifference(
                float: floatRow, int8: int8Row, changes: changes { _ in true },
                groupChanges: Dictionary(uniqueKeysWithValues: groups))
        }
    }

    /// Whether int8 stays within its limits at every alpha of the table; nil where only one number format was measured.
    public var isWithinLimits: Bool? {
        differences.isEmpty ? nil : differences.allSatisfy(\.isWithinLimits)
    }

    /// The worst of the alphas of the table; nil where only one number format was measured.
    public var verdict: QuantizationVerdict? {
        let verdicts = differences.map(\.verdict)
        return [.beyond, .cannotBeTold, .within].first(where: verdicts.contains)
    }

    /// What the table's figures are worth: one line for each alpha where any answer changed.
    public var changeLines: [String] {
        differences.compactMap { difference in
            guard let changes = difference.changes, changes.lost + changes.gained > 0 else { return nil }
            return String(
                format:
                    "alpha %g: int8 loses %d of %d right answers and gains %d; 95 %% interval %+.2f to %+.2f points, McNemar p %.2g",
                difference.alpha, changes.lost, changes.images, changes.gained, changes.interval.lowerBound,
                changes.interval.upperBound, changes.probabilityOfChance)
        }
    }

    /// The question of the limits, with its answer.
    public var verdictText: String? {
        verdict.map { verdict in
            "int8 loses at most \(QuantizationLimits.overall) points against float32 overall, "
                + "\(QuantizationLimits.group) in every group: \(verdict.rawValue)"
                + (verdict == .cannotBeTold ? " from \(images) pictures" : "")
        }
    }
}

extension EvaluationReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case data, images, rows, differences, sweep, classes, alpha, choice
        case withinLimits = "within_limits"
        case verdict
    }

    private struct Figures: Encodable {
        let numbers: String?
        let alpha: Float
        let all: Double
        let many: Double?
        let medium: Double?
        let few: Double?
        /// Of a difference: answers that int8 turned from right to wrong and from wrong to right, and how likely chance does so.
        var lost: Int?
        var gained: Int?
        var probabilityOfChance: Double?

        init(_ numbers: String?, _ alpha: Float, _ overall: Double, _ groups: [FrequencyGroup: Double]) {
            self.numbers = numbers
            self.alpha = alpha
            all = overall
            (many, medium, few) = (groups[.many], groups[.medium], groups[.few])
        }

        init(_ row: AccuracyRow) {
            self.init(row.numbers.rawValue, row.alpha, row.accuracy.overall, row.accuracy.groups)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(data, forKey: .data)
        try container.encode(images, forKey: .images)
        try container.encode(rows.map(Figures.init), forKey: .rows)
        try container.encode(sweep.map(Figures.init), forKey: .sweep)
        try container.encode(classes, forKey: .classes)
        try container.encode(alpha, forKey: .alpha)
        try container.encodeIfPresent(choice, forKey: .choice)
        guard let isWithinLimits else { return }
        try container.encode(
            differences.map { difference in
                var figures = Figures(nil, difference.alpha, difference.overall, difference.groups)
                figures.lost = difference.changes?.lost
                figures.gained = difference.changes?.gained
                figures.probabilityOfChance = difference.changes?.probabilityOfChance
                return figures
            }, forKey: .differences)
        try container.encodeIfPresent(verdict?.rawValue, forKey: .verdict)
        try container.encode(isWithinLimits, forKey: .withinLimits)
    }
}

private func zip<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
    a.flatMap { a in b.map { (a, $0) } }
}

extension EvaluationReport.ClassRow: Encodable {}
