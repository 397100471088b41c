import Testing

@testable import Evaluation

@Suite struct TheChoiceOfAlpha {
    /// Eight pictures of class 0 and two of class 1; alpha 0 finds class 0 only, 1 and 2 both, 3 class 1 only.
    private let labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    private let predictions = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ]

    @Test func isTheSmallestThatTreatsTheClassesBest() {
        let choice = AlphaChoice(predictions: predictions, alphas: [0, 1, 2, 3], labels: labels, data: "x")
        #expect(choice.alpha == 1)
        #expect(choice.curve.map(\.classMean) == [50, 87.5, 87.5, 50])
        #expect(choice.images == 10)
        #expect(choice.isDecisive)
        #expect(choice.text == "10 images of x speak for alpha 1: 87.50 % mean class accuracy, 50.00 at alpha 0")
    }

    @Test func saysSoWhereTheNetworkKnowsThePictures() {
        let choice = AlphaChoice(predictions: [labels, labels], alphas: [0, 1], labels: labels, data: "x")
        #expect(choice.alpha == 0)
        #expect(!choice.isDecisive)
        #expect(choice.text.contains("choose with pictures it was not trained with"))
    }

    @Test func sweepsFromZeroToThreeOrTwiceTheDefault() {
        #expect(alphaSweep(around: 0).first == 0)
        #expect(alphaSweep(around: 0.7).last == 3)
        #expect(alphaSweep(around: 0.7).count == 31)
        #expect(alphaSweep(around: 3).last == 6)
    }
}

@Suite struct PicturesLeftOutOfTraining {
    private let data = Dataset(labels: [0, 1, 0, 1, 0, 2]) { Picture(width: 1, height: 1, bytes: [UInt8($0), 0, 0]) }

    @Test func areThoseThatThinningLeavesOut() throws {
        let rest = data.withoutFirst([2, 1])
        #expect(rest.labels == [1, 0, 2])
        #expect(try (0..<3).map { try rest.picture($0).bytes[0] } == [3, 4, 5])
        #expect(data.thinned(to: [2, 1]).count + rest.count == data.count)
    }
}
