import Testing

@testable import Evaluation

@Test(
    "The limits of the groups are 100 and 20 training images",
    arguments: [(1000, .many), (101, .many), (100, .medium), (20, .medium), (19, .few), (0, .few)]
        as [(Int, FrequencyGroup)])
func groupsFollowTrainingImages(images: Int, group: FrequencyGroup) {
    #expect(FrequencyGroup(trainingImages: images) == group)
}

@Test func aGroupIsTheMeanOfItsClassesAndTheWholeOfAllImages() {
    // Class 0: 3 of 4 right. Class 1: 0 of 1. Class 2: 1 of 1. Class 3: no test image.
    let accuracy = Accuracy(
        predictions: [0, 0, 0, 1, 0, 2], labels: [0, 0, 0, 0, 1, 2], classCounts: [500, 300, 5, 50])
    #expect(abs(accuracy.overall - 100 * 4 / 6) < 1e-9)
    #expect(accuracy.groups == [.many: 37.5, .few: 100])
}

@Test func withoutClassCountsThereAreNoGroups() {
    #expect(Accuracy(predictions: [1], labels: [1], classCounts: []).groups.isEmpty)
}

@Test(
    "Int8 may lose 0.3 points overall and one in a group, and gain what it likes",
    arguments: [
        (200, 100, true), (201, 99, true), (199, 100, true), (198, 100, false), (203, 100, true), (200, 99, true),
        (202, 98, false), (0, 100, false),
    ])
func limitsAreChecked(rightOfMany: Int, rightOfFew: Int, isWithin: Bool) {
    func row(_ numbers: AccuracyRow.Numbers, many: Int, few: Int) -> AccuracyRow {
        // 300 images of a many class, 100 of a few class: one image is 0.25 points overall and 1 point of the group.
        let labels = [Int](repeating: 0, count: 300) + [Int](repeating: 1, count: 100)
        let predictions = (0..<300).map { $0 < many ? 0 : 1 } + (0..<100).map { $0 < few ? 1 : 0 }
        return AccuracyRow(
            numbers: numbers, alpha: 0,
            accuracy: Accuracy(predictions: predictions, labels: labels, classCounts: [1000, 10]))
    }
    let difference = AccuracyDifference(
        float: row(.float32, many: 200, few: 100), int8: row(.int8, many: rightOfMany, few: rightOfFew))
    #expect(difference.isWithinLimits == isWithin)
}
