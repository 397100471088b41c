import Kernels

// What a policy makes of one picture after another: see there for the steps.

extension Policy {
    private static var shortestGap: UInt64 { 1_000_000_000 }
    private static var gapIntervals: UInt64 { 4 }

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
            plain[place] = plainLogits[index] / rules.plainTemperature
            adjusted[place] = logits[index] / rules.temperature
            scores[place] = logits[index]
        }
        rb_softmax(plain.baseAddress, plain.baseAddress, Int32(count))
        if hasExemptions {
            adjustAllButExempted(plainLogits)
        } else {
            rb_softmax(adjusted.baseAddress, adjusted.baseAddress, Int32(count))
        }
        smooth()
        var verdict = ranked(plain: plainLogits, adjusted: logits, top: limit)
        // Not "<": a probability that is no number is not enough either.
        let threshold = threshold(of: verdict[0].index)
        verdict.isUnknown = threshold > 0 && !(verdict[0].probability >= threshold)
        verdict.isFlipped = indexOfLargest(plain) != indexOfLargest(adjusted)
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

    /// The probabilities that a picture with these adjusted logits has under the mix of classes in training, [all classes]; 0 for
    /// those that do not count.
    public func writeTrainingPosterior(
        adjusted logits: UnsafeMutableBufferPointer<Float>, to posterior: UnsafeMutableBufferPointer<Float>
    ) {
        for index in 0..<classes.count {
            posterior[index] = -.infinity
        }
        for place in 0..<count {
            let index = Int(classes[place])
            posterior[index] = logits[index] / rules.temperature - (priorLogRatios?[index] ?? 0)
        }
        rb_softmax(posterior.baseAddress, posterior.baseAddress, Int32(classes.count))
    }

    /// Makes probabilities of `adjusted`, logits over the temperature, in which exempted classes have what they have without TDE.
    private func adjustAllButExempted(_ plainLogits: UnsafeMutableBufferPointer<Float>) {
        // `scores` is free until probabilities are ranked.
        let unadjusted = scores
        for place in 0..<count {
            let index = Int(classes[place])
            unadjusted[place] = plainLogits[index] / rules.plainTemperature + (priorLogRatios?[index] ?? 0)
        }
        rb_softmax(unadjusted.baseAddress, unadjusted.baseAddress, Int32(count))
        // Not 1 less the exempted share, which loses its digits where there is almost surely nothing.
        var share: Float = 0
        var others = 0
        for place in 0..<count {
            if isExempted(Int(classes[place])) {
                adjusted[place] = -.infinity
            } else {
                share += unadjusted[place]
                others += 1
            }
        }
        if others > 0 {
            rb_softmax(adjusted.baseAddress, adjusted.baseAddress, Int32(count))
        }
        for place in 0..<count {
            adjusted[place] =
                isExempted(Int(classes[place])) ? unadjusted[place] : share * adjusted[place]
            scores[place] = adjusted[place]
        }
    }

    private func indexOfLargest(_ probabilities: UnsafeMutableBufferPointer<Float>) -> Int {
        var best = 0
        for place in 1..<max(count, 1) where probabilities[place] > probabilities[best] {
            best = place
        }
        return best
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
