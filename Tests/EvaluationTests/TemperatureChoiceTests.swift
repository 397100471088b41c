import Foundation
import Testing

@testable import Evaluation

/// Logits of pictures whose labels are drawn from their softmax at a temperature: what a network would say that is sure by a
/// factor too much or too little.
private struct Sample {
    var plain: [[Float]] = []
    var unit: [[Float]] = []
    var labels: [Int] = []

    /// `temperature`: of the labels at alpha 0; at alpha 1 the logits are twice as far apart.
    init(images: Int, classes: Int = 4, temperature: Double) {
        var state: UInt64 = 7
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        for _ in 0..<images {
            let logits = (0..<classes).map { _ in 8 * random() - 4 }
            let powers = logits.map { exp($0 / temperature) }
            var left = random() * powers.reduce(0, +)
            labels.append(
                powers.firstIndex {
                    left -= $0
                    return left < 0
                } ?? classes - 1)
            plain.append(logits.map { Float($0) })
            unit.append(logits.map { Float(2 * $0) })
        }
    }

    func choice(alphas: [Float] = [0, 1, 2], inUse alpha: Float) -> TemperatureChoice {
        TemperatureChoice(plain: plain, unit: unit, labels: labels, alphas: alphas, inUse: alpha, data: "x")
    }
}

@Suite struct AChoiceOfTemperatures {
    @Test(arguments: [0.5, 1, 2, 4])
    func findsTheTemperatureThatLabelsWereDrawnAt(temperature: Double) {
        let choice = Sample(images: 4000, temperature: temperature).choice(inUse: 0)
        // Logits lie on a line over alpha, here (1 + alpha) as far apart, and their temperatures with them.
        for (point, factor) in zip(choice.points, [1.0, 2, 3]) {
            #expect(abs(Double(point.temperature) / (factor * temperature) - 1) < 0.1)
            #expect((256 * point.temperature).rounded() == 256 * point.temperature)
        }
        #expect(choice.after.error < 0.03)
        #expect(temperature == 1 || choice.before.error > 3 * choice.after.error)
    }

    @Test func isMeasuredAtTheAlphaInUse() {
        let sample = Sample(images: 2000, temperature: 1)
        let (plain, adjusted) = (sample.choice(inUse: 0), sample.choice(inUse: 2))
        #expect(plain.before.error < 0.03 && adjusted.before.error > 0.06)
        #expect(adjusted.after.error < 0.03)
        #expect(plain.temperature == plain.points[0].temperature)
        #expect(
            sample.choice(inUse: 0.5).temperature == (plain.points[0].temperature + plain.points[1].temperature) / 2)
        #expect(sample.choice(inUse: 9).temperature == plain.points[2].temperature)
    }

    /// What is fitted on a picture is not measured on it: with few pictures the fit alone would look too good.
    @Test func isMeasuredOnOtherPicturesThanItIsFittedOn() {
        var sample = Sample(images: 0, temperature: 1)
        // Both halves are all right, or all wrong, with the same logits.
        for number in 0..<40 {
            sample.plain.append([2, 0])
            sample.unit.append([2, 0])
            // Pictures of a class come in turns of halves; class 1 is always wrong.
            sample.labels.append(number % 4 == 0 ? 1 : 0)
        }
        let choice = sample.choice(alphas: [0], inUse: 0)
        #expect(abs(choice.after.error) < 0.02)
        #expect(choice.before.error > 0.1)
    }

    @Test func saysWhatItCameTo() {
        let choice = Sample(images: 500, temperature: 2).choice(inUse: 1)
        let pattern = #/[0-9.]+ at alpha 1, by 500 images of x the calibration error falls from [0-9.]+ % to [0-9.]+ %/#
        #expect(choice.text.wholeMatch(of: pattern) != nil)
        #expect(choice.bounds == nil)
    }

    /// Labels that logits say nothing of are likeliest where all classes are, too; right answers of small logits where one is sure.
    @Test func saysWhereItEndsAtABound() {
        var blind = Sample(images: 400, temperature: 1)
        blind.labels = blind.labels.indices.map { $0 % 4 }
        let most = blind.choice(inUse: 1)
        #expect(most.temperature == 20)
        #expect(most.text.hasSuffix("; \(most.bounds!)"))
        #expect(
            most.bounds
                == "at every alpha it ends at 20.00, the most that is tried: probabilities may still be too sure")

        var unsure = Sample(images: 0, temperature: 1)
        for number in 0..<200 {
            unsure.labels.append(number % 2)
            unsure.plain.append(number % 2 == 0 ? [0.01, 0] : [0, 0.01])
            unsure.unit.append(number % 2 == 0 ? [2, 0] : [0, 2])
        }
        // One answer is wrong, so that a temperature can be too low; at alpha 1 it is still within the bounds.
        unsure.labels[0] = 1
        let least = unsure.choice(alphas: [0, 1], inUse: 0)
        #expect(
            least.bounds
                == "at alpha 0 it ends at 0.05, the least that is tried: probabilities may still be too unsure")
    }
}

@Suite struct TheReliabilityOfAnswers {
    @Test func comparesConfidenceWithAccuracyInPartsOfTheRange() {
        let answers = [(0.95, true), (0.95, true), (0.95, true), (0.95, false), (0.5, false), (0.5, true), (1, true)]
        let reliability = Reliability(answers.map { (probability: $0.0, isRight: $0.1) })
        #expect(reliability.bins.map(\.images) == [2, 5])
        #expect(reliability.bins[0].confidence == 0.5 && reliability.bins[0].accuracy == 0.5)
        #expect(abs(reliability.bins[1].confidence - 0.96) < 1e-12 && reliability.bins[1].accuracy == 0.8)
        #expect(abs(reliability.error - 5.0 / 7 * 0.16) < 1e-12)
    }
}
