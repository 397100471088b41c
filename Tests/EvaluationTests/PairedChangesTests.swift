import Testing

@testable import Evaluation

@Suite struct ChangesOfAnswers {
    @Test func areCountedWherePairsDisagree() {
        let changes = PairedChanges(float: [0, 0, 1, 1, 2], int8: [0, 1, 1, 0, 0], labels: [0, 0, 1, 0, 1])
        #expect(changes == PairedChanges(images: 5, lost: 1, gained: 1))
        let few = PairedChanges(float: [0, 0, 1], int8: [1, 0, 1], labels: [0, 0, 1], counts: { $0 == 1 })
        #expect(few == PairedChanges(images: 1, lost: 0, gained: 0))
    }

    /// Twice the binomial tail, by hand: (1 + 5) / 2^5 for 4 of 5.
    @Test(
        arguments: [
            (0, 0, 1), (1, 0, 1), (2, 0, 0.5), (5, 0, 0.0625), (6, 0, 0.03125), (4, 1, 0.375), (3, 3, 1),
            (0, 6, 0.03125),
        ] as [(Int, Int, Double)])
    func haveTheExactProbabilityOfMcNemarsTest(lost: Int, gained: Int, probability: Double) {
        let changes = PairedChanges(images: 100, lost: lost, gained: gained)
        #expect(abs(changes.probabilityOfChance - probability) < 1e-12)
        #expect(changes.isLossTold == (probability < 0.05 && lost > gained))
    }

    @Test func haveAnIntervalAroundTheirDifference() {
        let interval = PairedChanges(images: 400, lost: 6, gained: 4).interval
        // -0.5 points, and 1.96 * sqrt(10 - 4 / 400) / 400.
        #expect(abs(interval.lowerBound + 2.0486) < 1e-3)
        #expect(abs(interval.upperBound - 1.0486) < 1e-3)
        #expect(PairedChanges(images: 10, lost: 0, gained: 0).interval == 0...0)
    }
}

@Suite struct TheVerdictOnInt8 {
    /// `lost` of 400 pictures of one class, all right in float32.
    private func report(lost: Int) -> EvaluationReport {
        let labels = [Int](repeating: 0, count: 400)
        let plan = EvaluationPlan(
            name: "x", dataset: Dataset(labels: labels) { _ in Picture(width: 1, height: 1, bytes: [0, 0, 0]) },
            alphas: [0], alpha: 0, hasAdjustment: false, classNames: ["a", "b"], classCounts: [10, 10], choice: nil)
        return EvaluationReport(plan, float: [labels], int8: [labels.indices.map { $0 < lost ? 1 : 0 }])
    }

    @Test func saysThatNoLossCanBeToldWhereChanceDoesAsMuch() {
        let report = report(lost: 4)
        #expect(report.isWithinLimits == false)
        #expect(report.verdict == .cannotBeTold)
        #expect(report.text.contains(": no loss can be told from 400 pictures"))
        #expect(
            report.text.contains("int8 loses 4 of 400 right answers and gains 0; 95 % interval -1.98 to -0.02 points"))
    }

    @Test func isNoWhereALossIsTold() {
        #expect(report(lost: 8).verdict == .beyond)
        #expect(report(lost: 8).text.contains("1.0 in every group: NO"))
    }

    @Test func isYesWithinTheLimits() {
        #expect(report(lost: 1).verdict == .within)
        #expect(report(lost: 0).changeLines == [])
    }
}
