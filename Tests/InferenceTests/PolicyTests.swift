import Inference
import Testing
import TinyModel

/// A policy over a few classes that is shown probabilities.
private final class Watch {
    private let memory: AlignedBytes
    private let classes: Int
    var policy: Policy
    var time: UInt64 = 1_000_000_000
    var interval: UInt64 = 33_000_000

    init(_ rules: Policy.Rules, classes: Int = 4, including included: [Int]? = nil, exempting: [Int] = []) {
        memory = AlignedBytes(zeros: Policy.byteCount(classes: classes, heads: 2))
        self.classes = classes
        policy = Policy(rules, classes: classes, heads: 2, memory: memory.bytes)
        for index in exempting { policy.exempt(index) }
        if let included {
            for index in included {
                policy.include(index)
            }
        } else {
            policy.includeAll()
        }
    }

    /// Shows a picture with these adjusted logits; the plain ones are half of them, unless given.
    func show(_ logits: [Float], plain plainLogits: [Float]? = nil, top: Int = 4) -> Verdict {
        var adjusted = logits
        var plain = plainLogits ?? logits.map { $0 / 2 }
        time += interval
        return plain.withUnsafeMutableBufferPointer { plain in
            adjusted.withUnsafeMutableBufferPointer { policy.judge(plain: plain, adjusted: $0, at: time, top: top) }
        }
    }

    /// Shows a picture of a class.
    func show(class index: Int) -> Verdict {
        show((0..<classes).map { $0 == index ? 10 : 0 })
    }

    /// What showing pictures of these classes confirms; nil: a picture of nothing in particular.
    func confirmations(showing pictures: [Int?]) -> [Int?] {
        pictures.map { $0.map(show(class:)) ?? show([0, 0, 0, 0]) }.map(\.newlyConfirmed?.index)
    }
}

private func softmax(_ logits: [Float]) -> [Float] {
    let powers = logits.map(exponential)
    return powers.map { $0 / powers.reduce(0, +) }
}

/// By its series, so that the test owes nothing to what it tests.
private func exponential(_ x: Float) -> Float {
    var (term, sum) = (1.0, 1.0)
    for n in 1..<60 {
        term *= Double(x) / Double(n)
        sum += term
    }
    return Float(sum)
}

private func isClose(_ a: Float, _ b: Float) -> Bool { abs(a - b) < 2e-5 }

@Suite struct APolicy {
    @Test func withoutRulesRanksByAdjustedLogits() {
        let verdict = Watch(.init()).show([1, 3, 2, 3])
        #expect((0..<4).map { verdict[$0].index } == [1, 3, 2, 0])
        let expected = softmax([1, 3, 2, 3])
        let plain = softmax([0.5, 1.5, 1, 1.5])
        for place in 0..<4 {
            let ranked = verdict[place]
            #expect(isClose(ranked.probability, expected[ranked.index]))
            #expect(ranked.probability == ranked.frameProbability)
            #expect(isClose(ranked.plainProbability, plain[ranked.index]))
            #expect(ranked.logit == [1, 3, 2, 3][ranked.index] && ranked.plainLogit == ranked.logit / 2)
        }
        #expect(!verdict.isUnknown && verdict.newlyConfirmed == nil)
    }

    @Test func showsNoMoreClassesThanAskedFor() {
        #expect(Watch(.init()).show([1, 2, 3, 4], top: 2).count == 2)
        #expect(Watch(.init(), including: [1]).show([1, 2, 3, 4], top: 3).count == 1)
    }

    @Test func ofSomeClassesMakesTheirProbabilitiesSumToOne() {
        let watch = Watch(.init(), including: [3, 0, 2, 3])
        #expect(watch.policy.count == 3)
        let verdict = watch.show([1, 9, 2, 0])
        #expect((0..<verdict.count).map { verdict[$0].index } == [2, 0, 3])
        let expected = softmax([1, 2, 0])
        #expect(isClose(verdict[0].probability, expected[1]))
        #expect(isClose(verdict[1].probability, expected[0]))
        #expect(isClose(verdict[2].probability, expected[2]))
        let plain = (0..<3).map { verdict[$0].plainProbability }.reduce(0, +)
        #expect(isClose(plain, 1))
    }

    @Test func knowsWhetherAnotherJudgesAlike() {
        let watch = Watch(.init(), including: [2, 0])
        let alike = Watch(.init(), including: [0, 2])
        #expect(watch.policy.judgesAlike(alike.policy))
        let (all, spelledOut) = (Watch(.init()), Watch(.init(), including: [3, 2, 1, 0]))
        #expect(all.policy.judgesAlike(spelledOut.policy))
        let others = [
            Watch(.init(threshold: 0.5), including: [0, 2]), Watch(.init(), including: [0, 1]),
            Watch(.init(), including: [0]), Watch(.init(), including: [0, 2], exempting: [2]),
        ]
        for other in others { #expect(!watch.policy.judgesAlike(other.policy)) }
        let changes: [(inout Policy) -> Void] = [
            { $0.setThreshold(0, of: 1) }, { $0.setWeight(2, ofHead: 1) },
            { policy in [Float(0), 1, 0, 0].withUnsafeBufferPointer { policy.setPrior(logRatios: $0.baseAddress) } },
        ]
        for change in changes {
            let (other, same) = (Watch(.init(), including: [2, 0]), Watch(.init(), including: [2, 0]))
            change(&other.policy)
            #expect(!watch.policy.judgesAlike(other.policy))
            change(&same.policy)
            #expect(other.policy.judgesAlike(same.policy))
        }
    }

    @Test func callsUnknownWhatIsBelowTheThreshold() {
        // Four equal logits: exactly a quarter each.
        #expect(!Watch(.init(threshold: 0.25)).show([5, 5, 5, 5]).isUnknown)
        #expect(Watch(.init(threshold: 0.2500001)).show([5, 5, 5, 5]).isUnknown)
        #expect(!Watch(.init(threshold: 0)).show([5, 5, 5, 5]).isUnknown)
        #expect(!Watch(.init(threshold: 1)).show([1000, 0, 0, 0]).isUnknown)
        #expect(Watch(.init(threshold: 1)).show([1, 0, 0, 0]).isUnknown)
    }

    @Test func callsUnknownWhatIsNoNumber() {
        #expect(Watch(.init(threshold: 0.01)).show([.nan, .nan, .nan, .nan]).isUnknown)
    }
}

@Suite struct AThresholdOfAClass {
    @Test func takesThePlaceOfTheCommonOne() {
        let watch = Watch(.init(threshold: 0.5))
        watch.policy.setThreshold(0.9, of: 1)
        watch.policy.setThreshold(0, of: 2)
        func isUnknown(best index: Int, _ logit: Float) -> Bool {
            watch.show((0..<4).map { $0 == index ? logit : 0 }).isUnknown
        }
        // A logit of 2 beside three of 0 is a probability of 0.71, one of 1 of 0.48, one of 4 of 0.95.
        #expect(!isUnknown(best: 0, 2) && isUnknown(best: 0, 1))
        #expect(isUnknown(best: 1, 2) && !isUnknown(best: 1, 4))
        #expect(!isUnknown(best: 2, 1))
        #expect(watch.policy.ownThreshold(of: 1) == 0.9 && watch.policy.ownThreshold(of: 3) == nil)
    }
}

@Suite struct ATemperature {
    @Test func dividesLogits() {
        var rules = Policy.Rules()
        (rules.temperature, rules.plainTemperature) = (2, 0.5)
        let verdict = Watch(rules).show([1, 4, 2, 3], plain: [2, 1, 0, 1])
        let (adjusted, plain) = (softmax([0.5, 2, 1, 1.5]), softmax([4, 2, 0, 2]))
        for place in 0..<4 {
            let ranked = verdict[place]
            #expect(isClose(ranked.probability, adjusted[ranked.index]))
            #expect(isClose(ranked.plainProbability, plain[ranked.index]))
            #expect(ranked.logit == [1, 4, 2, 3][ranked.index])
        }
        #expect((0..<4).map { verdict[$0].index } == [1, 3, 2, 0])
    }
}

@Suite struct AnExemptedClass {
    private let plain: [Float] = [2, 1, 0, -1]
    private let adjusted: [Float] = [-1, 2.5, 0.5, 3]

    @Test func keepsItsProbabilityWhateverTheAdjustmentDoes() {
        for strength in [Float(0), 0.5, 1, 3] {
            let logits = zip(plain, adjusted).map { $0 + strength * ($1 - $0) }
            let verdict = Watch(.init(), exempting: [0]).show(logits, plain: plain)
            let kept = softmax(plain)[0]
            // The others share what is left by their adjusted logits alone.
            let others = softmax(Array(logits[1...].map { $0 - logits[1...].max()! })).map { (1 - kept) * $0 }
            for place in 0..<4 {
                let ranked = verdict[place]
                #expect(isClose(ranked.probability, ranked.index == 0 ? kept : others[ranked.index - 1]))
            }
            let order = (0..<4).map { verdict[$0].probability }
            #expect(order == order.sorted(by: >))
        }
    }

    @Test func mayBeOneOfSeveral() {
        let verdict = Watch(.init(), exempting: [0, 3]).show(adjusted, plain: plain)
        let kept = softmax(plain)
        let others = softmax([2.5, 0.5]).map { (1 - kept[0] - kept[3]) * $0 }
        for (index, expected) in [kept[0], others[0], others[1], kept[3]].enumerated() {
            let found = (0..<4).map { verdict[$0] }.first { $0.index == index }
            #expect(isClose(found!.probability, expected))
        }
    }

    @Test func isAloneWhereOnlySuchCount() {
        let verdict = Watch(.init(), including: [0, 3], exempting: [0, 3]).show(adjusted, plain: plain)
        let expected = softmax([2, -1])
        #expect(isClose(verdict[0].probability, expected[0]) && isClose(verdict[1].probability, expected[1]))
    }

    @Test func keepsTheProbabilityThatThePriorGivesIt() {
        let ratios: [Float] = [1, -1, 0.5, 0]
        let watch = Watch(.init(), exempting: [0])
        ratios.withUnsafeBufferPointer { watch.policy.setPrior(logRatios: $0.baseAddress) }
        // The head has added the prior to the adjusted logits.
        let verdict = watch.show(zip(adjusted, ratios).map { $0 + $1 }, plain: plain)
        let kept = softmax(zip(plain, ratios).map { $0 + $1 })[0]
        let place = (0..<4).first { verdict[$0].index == 0 }!
        #expect(isClose(verdict[place].probability, kept))
        // The plain classifier knows nothing of it.
        #expect(isClose(verdict[place].plainProbability, softmax(plain)[0]))
    }
}

@Suite struct AFlippedAnswer {
    @Test func isAnotherThanThePlainClassifiers() {
        #expect(Watch(.init()).show([0, 3, 1, 2], plain: [3, 1, 0, 0]).isFlipped)
        #expect(!Watch(.init()).show([0, 3, 1, 2], plain: [0, 1, 0, 0]).isFlipped)
        // What does not count is nobody's answer.
        #expect(!Watch(.init(), including: [1, 2]).show([0, 3, 1, 2], plain: [3, 1, 0, 0]).isFlipped)
    }
}

@Suite struct Smoothing {
    @Test func averagesProbabilitiesExponentially() {
        let watch = Watch(.init(smoothing: 0.75))
        let pictures: [[Float]] = [[4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0], [0, 1, 4, 2]]
        var mean = softmax(pictures[0])
        for (number, picture) in pictures.enumerated() {
            let latest = softmax(picture)
            if number > 0 {
                mean = zip(mean, latest).map { 0.75 * $0 + 0.25 * $1 }
            }
            let verdict = watch.show(picture)
            for place in 0..<4 {
                #expect(isClose(verdict[place].probability, mean[verdict[place].index]))
                #expect(isClose(verdict[place].frameProbability, latest[verdict[place].index]))
            }
            let order = (0..<4).map { verdict[$0].probability }
            #expect(order == order.sorted(by: >))
        }
    }

    @Test func keepsOnePictureFromDeciding() {
        let watch = Watch(.init(smoothing: 0.9))
        for _ in 0..<10 { #expect(watch.show(class: 1)[0].index == 1) }
        let outlier = watch.show(class: 2)
        #expect(outlier[0].index == 1 && outlier[0].frameProbability < 0.01)
    }

    @Test func decidesWhatIsUnknownByTheMean() {
        let watch = Watch(.init(threshold: 0.6, smoothing: 0.5))
        #expect(!watch.show(class: 1).isUnknown)
        #expect(watch.show(class: 2).isUnknown)  // a half each
        #expect(!watch.show(class: 2).isUnknown)  // three quarters
    }

    @Test func startsAnewAfterARestart() {
        let watch = Watch(.init(smoothing: 0.9))
        for _ in 0..<10 { _ = watch.show(class: 1) }
        watch.policy.restart()
        let first = watch.show(class: 2)
        #expect(first[0].index == 2 && first[0].probability == first[0].frameProbability)
    }

    @Test func getsOverWhatIsNoNumber() {
        let watch = Watch(.init(smoothing: 0.9))
        _ = watch.show(class: 1)
        _ = watch.show([.nan, 0, 0, 0])
        #expect(watch.show(class: 2)[0].probability > 0.99)
    }

    @Test func startsAnewAfterAGap() {
        let watch = Watch(.init(smoothing: 0.9))
        for _ in 0..<10 { _ = watch.show(class: 1) }
        watch.time += 1_100_000_000
        #expect(watch.show(class: 2)[0].index == 2)
    }

    @Test func takesSlowPicturesForNoGap() {
        let watch = Watch(.init(smoothing: 0.9))
        watch.interval = 5_000_000_000
        for _ in 0..<5 { _ = watch.show(class: 1) }
        watch.time += 10_000_000_000
        #expect(watch.show(class: 2)[0].index == 1)
        watch.time += 80_000_000_000
        #expect(watch.show(class: 2)[0].index == 2)
    }

    @Test func takesAClockThatGoesBackForNoGap() {
        let watch = Watch(.init(smoothing: 0.9))
        for _ in 0..<5 { _ = watch.show(class: 1) }
        watch.time = 0
        #expect(watch.show(class: 2)[0].index == 1)
    }
}

@Suite struct Confirmation {
    private func watch(_ needed: Int, of window: Int, threshold: Float = 0.5) -> Watch {
        Watch(.init(threshold: threshold, confirmation: .init(needed: needed, window: window)))
    }

    @Test func comesWithThePictureThatMakesUpTheNumber() {
        #expect(watch(3, of: 5).confirmations(showing: [1, 1, 1, 1]) == [nil, nil, 1, nil])
        #expect(watch(3, of: 5).confirmations(showing: [1, 2, 1, 2, 1, 2]) == [nil, nil, nil, nil, 1, 2])
        #expect(watch(1, of: 1).confirmations(showing: [1, 1, 2, 1]) == [1, nil, 2, 1])
    }

    @Test func needsThePicturesWithinTheWindow() {
        #expect(watch(2, of: 3).confirmations(showing: [1, 2, 3, 1]) == [nil, nil, nil, nil])
        #expect(watch(2, of: 3).confirmations(showing: [1, 2, 1]) == [nil, nil, 1])
    }

    @Test func comesOnceUntilTheClassWasGoneForAWindow() {
        // Its number in the window falls below two and comes back, but there is always one.
        #expect(
            watch(2, of: 3).confirmations(showing: [1, 1, nil, nil, 1, 1, 1]) == [nil, 1, nil, nil, nil, nil, nil])
        // Three without it.
        #expect(
            watch(2, of: 3).confirmations(showing: [1, 1, nil, nil, nil, 1, 1])
                == [nil, 1, nil, nil, nil, nil, 1])
    }

    @Test func isNeverOfUnknownPictures() {
        #expect(watch(1, of: 2).confirmations(showing: [nil, nil, nil]) == [nil, nil, nil])
    }

    @Test func countsPicturesOfOtherClassesApart() {
        #expect(
            watch(2, of: 4).confirmations(showing: [1, 2, 1, 2, 1, 2]) == [nil, nil, 1, 2, nil, nil])
    }

    @Test func startsAnewAfterARestart() {
        let watch = watch(3, of: 5)
        _ = watch.confirmations(showing: [1, 1])
        watch.policy.restart()
        #expect(watch.confirmations(showing: [1, 1, 1]) == [nil, nil, 1])
        watch.policy.restart()
        #expect(watch.confirmations(showing: [1, 1, 1]) == [nil, nil, 1])
    }

    @Test func startsAnewAfterAGap() {
        let watch = watch(3, of: 5)
        _ = watch.confirmations(showing: [1, 1])
        watch.time += 2_000_000_000
        #expect(watch.confirmations(showing: [1, 1, 1]) == [nil, nil, 1])
    }

    /// Against the definition, spelled out.
    @Test(arguments: [(1, 1), (1, 4), (2, 3), (3, 4), (5, 8), (33, 64), (64, 64)])
    func followsItsDefinition(needed: Int, window: Int) {
        let watch = watch(needed, of: window)
        var numbers = NumberSequence(seed: UInt64(needed * 100 + window))
        // Runs of one picture, so that long windows confirm something too.
        let shown = (0..<60).flatMap { _ in
            [Int?](repeating: [nil, 0, 1, 2, 3][numbers.next(in: 0...4)], count: numbers.next(in: 1...window))
        }
        var open: Set<Int> = []
        var confirmed = 0
        for number in shown.indices {
            let last = shown[max(0, number - window + 1)...number]
            open = open.filter { last.contains($0) }
            var expected: Int?
            if let latest = shown[number], last.filter({ $0 == latest }).count >= needed, !open.contains(latest) {
                expected = latest
                open.insert(latest)
                confirmed += 1
            }
            #expect(watch.confirmations(showing: [shown[number]]) == [expected])
        }
        #expect(confirmed > 0)
    }
}
