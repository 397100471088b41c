import Kernels

/// What is made of the logits of one picture after another: probabilities over some of the classes, their mean over time,
/// whether the best is good enough to be named, and when a class has been seen often enough to be believed.
///
/// Of each picture, in this order:
/// 1. Classes. Only the included ones count; probabilities are the softmax over them alone, so they sum to 1.
/// 2. Smoothing, with S > 0: the mean m of the adjusted probabilities p becomes S m + (1 - S) p; the first picture's is p.
///    One picture's weight falls to a half after ln 2 / (1 - S) pictures, nearly.
/// 3. Ranking by the mean; without smoothing by the adjusted logits, which is the order of p.
/// 4. Threshold: the picture is unknown where the best mean (or p) is below it.
/// 5. Confirmation, N of M: a class is newly confirmed by a picture of it when N of the last M pictures, this one
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

        /// Probability 0...1 below which a picture is unknown.
        public var threshold: Float
        /// The weight of the past, 0..<1; 0: each picture stands alone.
        public var smoothing: Float
        public var confirmation: Confirmation?

        public init(threshold: Float = 0, smoothing: Float = 0, confirmation: Confirmation? = nil) {
            self.threshold = threshold
            self.smoothing = smoothing
            self.confirmation = confirmation
        }
    }

    public static var longestWindow: Int { 64 }
    private static var shortestGap: UInt64 { 1_000_000_000 }
    private static var gapIntervals: UInt64 { 4 }

    public let rules: Rules
    /// How many classes are included.
    public private(set) var count = 0
    /// The included classes, ascending, [count] of [all classes].
    private let classes: UnsafeMutableBufferPointer<Int32>
    /// Of the last picture, in the order of `classes`: softmax of the plain logits, of the adjusted ones, the mean of the
    /// latter, and what is ranked.
    private let plain: UnsafeMutableBufferPointer<Float>
    private let adjusted: UnsafeMutableBufferPointer<Float>
    private let mean: UnsafeMutableBufferPointer<Float>
    private let scores: UnsafeMutableBufferPointer<Float>

    private var hasPast = false
    private var lastTime: UInt64 = 0
    private var lastInterval: UInt64?
    /// The classes of the last pictures, a ring; `noClass`: unknown, or no picture yet.
    private var window = InlineArray<64, Int32>(repeating: -1)
    private var windowPosition = 0
    /// Confirmed classes of which there is still a picture in the window, `noClass` in free places.
    private var confirmed = InlineArray<64, Int32>(repeating: -1)

    private static var noClass: Int32 { -1 }

    /// The memory that a policy for a model of so many classes needs, bytes.
    public static func byteCount(classes: Int) -> Int { 5 * 4 * classes }

    /// Without any class yet. `memory`: 4-byte aligned, at least `byteCount(classes:)`, kept as long as the policy is used.
    public init(_ rules: Rules, classes count: Int, memory: UnsafeMutableRawBufferPointer) {
        precondition(memory.count >= Self.byteCount(classes: count))
        precondition((0...1).contains(rules.threshold) && (0..<1).contains(rules.smoothing))
        if let confirmation = rules.confirmation {
            precondition((1...Self.longestWindow).contains(confirmation.window))
            precondition((1...confirmation.window).contains(confirmation.needed))
        }
        self.rules = rules
        func part<Element>(_ number: Int, of type: Element.Type) -> UnsafeMutableBufferPointer<Element> {
            let start = memory.baseAddress! + 4 * count * number
            return UnsafeMutableBufferPointer(start: start.bindMemory(to: type, capacity: count), count: count)
        }
        classes = part(0, of: Int32.self)
        plain = part(1, of: Float.self)
        adjusted = part(2, of: Float.self)
        mean = part(3, of: Float.self)
        scores = part(4, of: Float.self)
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

    /// Whether the other includes the same classes.
    public func includesSame(as other: Policy) -> Bool {
        guard count == other.count else { return false }
        for place in 0..<count where classes[place] != other.classes[place] {
            return false
        }
        return true
    }

    // MARK: Pictures

    /// Forgets what was there before.
    public mutating func restart() {
        hasPast = false
        lastInterval = nil
        for index in 0..<Self.longestWindow {
            window[index] = Self.noClass
            confirmed[index] = Self.noClass
        }
    }

    /// Takes in one picture: its logits of all classes, plain and adjusted, and when it was taken, nanoseconds. At least
    /// one class is included.
    public mutating func judge(
        plain plainLogits: UnsafeMutableBufferPointer<Float>, adjusted logits: UnsafeMutableBufferPointer<Float>,
        at time: UInt64, top limit: Int
    ) -> Verdict {
        precondition(count > 0 && plainLogits.count == classes.count && logits.count == classes.count)
        restartAfterGap(at: time)
        for place in 0..<count {
            let index = Int(classes[place])
            plain[place] = plainLogits[index]
            adjusted[place] = logits[index]
            scores[place] = logits[index]
        }
        rb_softmax(plain.baseAddress, plain.baseAddress, Int32(count))
        rb_softmax(adjusted.baseAddress, adjusted.baseAddress, Int32(count))
        smooth()
        var verdict = ranked(plain: plainLogits, adjusted: logits, top: limit)
        // Not "<": a probability that is no number is not enough either.
        verdict.isUnknown = rules.threshold > 0 && !(verdict[0].probability >= rules.threshold)
        if confirms(verdict.isUnknown ? Self.noClass : Int32(verdict[0].index)) {
            verdict.newlyConfirmed = verdict[0]
        }
        return verdict
    }

    /// The best classes of the picture that was judged last, which had these logits.
    public func ranked(
        plain plainLogits: UnsafeMutableBufferPointer<Float>, adjusted logits: UnsafeMutableBufferPointer<Float>,
        top limit: Int
    ) -> Verdict {
        var verdict = Verdict()
        let ranking = Ranking(of: UnsafeMutableBufferPointer(rebasing: scores[..<count]), limit: limit)
        for place in 0..<ranking.count {
            let rank = ranking[place]
            let index = Int(classes[rank])
            verdict.append(
                RankedClass(
                    index: index, probability: mean[rank], frameProbability: adjusted[rank],
                    plainProbability: plain[rank], logit: logits[index], plainLogit: plainLogits[index]))
        }
        return verdict
    }

    /// Whether a class counts.
    public func includes(_ index: Int) -> Bool {
        for place in 0..<count where Int(classes[place]) == index { return true }
        return false
    }

    private mutating func restartAfterGap(at time: UInt64) {
        let interval = time - min(lastTime, time)
        if let before = lastInterval, interval > Self.shortestGap && interval / Self.gapIntervals > before {
            restart()
        } else if hasPast {
            lastInterval = interval
        }
        lastTime = time
    }

    private mutating func smooth() {
        let (past, new) = (rules.smoothing, 1 - rules.smoothing)
        for place in 0..<count {
            let latest = adjusted[place]
            let value = hasPast && past > 0 ? past * mean[place] + new * latest : latest
            // Else what is no number once would be none for ever.
            mean[place] = value.isFinite ? value : latest
            if past > 0 {
                scores[place] = mean[place]
            }
        }
        hasPast = true
    }

    /// Whether this picture of a class confirms it.
    private mutating func confirms(_ latest: Int32) -> Bool {
        guard let confirmation = rules.confirmation else { return false }
        window[windowPosition] = latest
        windowPosition = (windowPosition + 1) % confirmation.window
        forgetAbsent(in: confirmation.window)
        guard latest != Self.noClass, occurrences(of: latest, in: confirmation.window) >= confirmation.needed else {
            return false
        }
        var free = 0
        for place in 0..<Self.longestWindow {
            if confirmed[place] == latest { return false }
            if confirmed[place] == Self.noClass { free = place }
        }
        confirmed[free] = latest
        return true
    }

    private mutating func forgetAbsent(in length: Int) {
        for place in 0..<Self.longestWindow
        where confirmed[place] != Self.noClass && occurrences(of: confirmed[place], in: length) == 0 {
            confirmed[place] = Self.noClass
        }
    }

    private func occurrences(of index: Int32, in length: Int) -> Int {
        var count = 0
        for position in 0..<length where window[position] == index {
            count += 1
        }
        return count
    }
}
