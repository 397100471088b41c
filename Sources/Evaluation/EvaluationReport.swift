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

    /// One for each alpha of the table where both number formats were measured.
    public var differences: [AccuracyDifference] {
        rows.filter { $0.numbers == .float32 }.compactMap { float in
            rows.first { $0.numbers == .int8 && $0.alpha == float.alpha }
                .map { AccuracyDifference(float: float, int8: $0) }
        }
    }

    /// Whether int8 stays within its limits at every alpha of the table; nil where only one number format was measured.
    public var isWithinLimits: Bool? {
        differences.isEmpty ? nil : differences.allSatisfy(\.isWithinLimits)
    }
}

extension EvaluationReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case data, images, rows, differences, sweep, classes, alpha, choice
        case withinLimits = "within_limits"
    }

    private struct Figures: Encodable {
        let numbers: String?
        let alpha: Float
        let all: Double
        let many: Double?
        let medium: Double?
        let few: Double?

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
            differences.map { Figures(nil, $0.alpha, $0.overall, $0.groups) }, forKey: .differences)
        try container.encode(isWithinLimits, forKey: .withinLimits)
    }
}

extension EvaluationReport.ClassRow: Encodable {}
