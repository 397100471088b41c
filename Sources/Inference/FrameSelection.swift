import ModelFormat

/// Which frames are worth keeping.
public struct KeepRules: Equatable, Sendable {
    /// The answer is unknown.
    public var unknown = false
    /// The best class's probability is less than so much above the second's.
    public var margin: Float?
    /// The adjustment changed which class is best.
    public var flipped = false
    /// The answer is a class of few training images: see `Model.isRare`.
    public var rare = false
    /// The picture confirms a class.
    public var seen = false
    /// So long after the last one that was kept for this, nanoseconds; the first picture too.
    public var interval: UInt64?

    public init() {}
}

/// Why a frame is kept: of several rules, each.
public struct KeepReasons: Equatable, Sendable {
    public enum Reason: UInt8, Sendable {
        case unknown, margin, flipped, rare, seen, every
        /// Somebody asked for it.
        case asked

        public static var count: Int { 7 }

        /// As it stands in records.
        public var name: StaticString {
            switch self {
            case .unknown: "unknown"
            case .margin: "margin"
            case .flipped: "flipped"
            case .rare: "rare"
            case .seen: "seen"
            case .every: "every"
            case .asked: "asked"
            }
        }
    }

    private var bits: UInt8 = 0

    public init() {}

    public var isEmpty: Bool { bits == 0 }

    /// Whether it is kept even where it is like others that were.
    var isUnconditional: Bool { contains(.every) || contains(.asked) }

    public func contains(_ reason: Reason) -> Bool { bits & 1 << reason.rawValue != 0 }

    public mutating func insert(_ reason: Reason) { bits |= 1 << reason.rawValue }
}

/// Chooses the frames to keep: those that a rule is about, of one scene one.
///
/// Frames that a rule about answers asks for are spaced: not sooner after the last kept frame than a time, and not where their
/// features are like those of one of the last 16 that were kept. How far features a and b are apart is |a - b| / max(|a|, |b|): 0
/// where they are the same, about 1 and at most 2 where they have nothing in common. What is kept for its time alone, or because
/// somebody asked, is not held back by that.
public struct FrameSelection {
    public struct Spacing: Equatable, Sendable {
        /// Nanoseconds.
        public var time: UInt64
        /// 0...2; 0: any difference is enough.
        public var difference: Float

        public init(time: UInt64 = 5_000_000_000, difference: Float = 0.2) {
            (self.time, self.difference) = (time, difference)
        }
    }

    public static var remembered: Int { 16 }

    private let rules: KeepRules
    private let spacing: Spacing
    private let dimensions: Int
    /// Of the frames kept last, a ring.
    private let features: UnsafeMutableBufferPointer<Float>
    private var keptCount = 0
    private var lastTime: UInt64?
    private var lastIntervalTime: UInt64?

    /// The memory for a model's features, bytes.
    public static func byteCount(of model: Model) -> Int { 4 * remembered * Int(model.head.dimensions) }

    /// `memory`: 4-byte aligned, `byteCount(of:)`, kept as long as the value is used.
    public init(_ rules: KeepRules, _ spacing: Spacing, of model: Model, memory: UnsafeMutableRawBufferPointer) {
        precondition(memory.count >= Self.byteCount(of: model))
        (self.rules, self.spacing) = (rules, spacing)
        dimensions = Int(model.head.dimensions)
        features = memory.bindMemory(to: Float.self)
    }

    /// Why the picture that was answered last, taken at `time`, is to be kept: not at all where that is empty. `isAsked`:
    /// whether somebody asked for it.
    public func reasons(for answer: Answer, by policy: Policy, at time: UInt64, isAsked: Bool) -> KeepReasons {
        var reasons = reasons(for: answer, by: policy)
        if !reasons.isEmpty && !isApart(answer.engine.features, at: time) { reasons = KeepReasons() }
        if let interval = rules.interval, lastIntervalTime.map({ time >= $0 + interval }) ?? true {
            reasons.insert(.every)
        }
        if isAsked { reasons.insert(.asked) }
        return reasons
    }

    private func reasons(for answer: Answer, by policy: Policy) -> KeepReasons {
        var reasons = KeepReasons()
        let (engine, verdict) = (answer.engine, answer.verdict)
        if rules.unknown && verdict.isUnknown { reasons.insert(.unknown) }
        if let margin = rules.margin {
            let best = policy.ranked(plain: engine.plainLogits, adjusted: engine.logits, top: 2)
            if best.count == 2 && best[0].probability - best[1].probability < margin { reasons.insert(.margin) }
        }
        if rules.flipped && verdict.isFlipped { reasons.insert(.flipped) }
        if rules.rare && !verdict.isUnknown && engine.model.isRare(verdict[0].index) { reasons.insert(.rare) }
        if rules.seen && verdict.newlyConfirmed != nil { reasons.insert(.seen) }
        return reasons
    }

    /// To be called where the picture was kept.
    public mutating func remember(_ answer: Answer, for reasons: KeepReasons, at time: UInt64) {
        if reasons.contains(.every) { lastIntervalTime = time }
        lastTime = time
        let start = keptCount % Self.remembered * dimensions
        for index in 0..<dimensions {
            features[start + index] = answer.engine.features[index]
        }
        keptCount += 1
    }

    private func isApart(_ latest: UnsafeMutableBufferPointer<Float>, at time: UInt64) -> Bool {
        if let lastTime, time < lastTime + spacing.time { return false }
        guard spacing.difference > 0 else { return true }
        for kept in 0..<min(keptCount, Self.remembered) {
            var (difference, ours, theirs): (Float, Float, Float) = (0, 0, 0)
            for index in 0..<dimensions {
                let (a, b) = (latest[index], features[kept * dimensions + index])
                difference += (a - b) * (a - b)
                ours += a * a
                theirs += b * b
            }
            if difference < spacing.difference * spacing.difference * max(ours, theirs) || difference == 0 {
                return false
            }
        }
        return true
    }
}

extension Model {
    /// Whether a class is of the few-shot group: it had fewer than 20 training images. False where the file does not tell.
    public func isRare(_ index: Int) -> Bool { classCount(index).map { $0 < 20 } ?? false }

    /// Whether the file tells how many training images the classes had.
    public var tellsClassCounts: Bool { classCount(0) != nil }
}
