import Checkpoint
import SampleNetworks
import Testing

@testable import FloatGraph

/// The formula of the paper, in double and without anything computed ahead.
private func logits(
    weight: [[Double]], direction: [Double], features: [Double], heads: Int, tau: Double, gamma: Double, alpha: Double
) -> [Double] {
    func dot(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    func norm(_ a: ArraySlice<Double>) -> Double { dot(a, a).squareRoot() }
    let width = features.count / heads
    return weight.map { row in
        (0..<heads).reduce(0) { sum, head in
            let range = head * width..<(head + 1) * width
            let (x, w, d) = (features[range], row[range], direction[range])
            guard norm(x) > 0 else { return sum }
            let plain = dot(x, w) / norm(x) / (norm(w) + gamma)
            let bad = norm(d) > 0 ? dot(x, d) / norm(x) / norm(d) * dot(d, w) / norm(d) / (norm(w) + gamma) : 0
            return sum + tau / Double(heads) * (plain - alpha * bad)
        }
    }
}

@Test(
    "Logits are the formula's, TDE on and off, also where a head of features or of the direction is zero",
    arguments: [Float(0), 1.5], [(false, false), (true, false), (false, true)])
func logitsAreTheFormulas(alpha: Float, zeros: (features: Bool, direction: Bool)) throws {
    var values = SampleValues(seed: 5)
    let weight = values.tensor([3, 8])
    var (features, direction) = (values.array(8), values.array(8))
    for index in 4..<8 {
        features[index] = zeros.features ? 0 : features[index]
        direction[index] = zeros.direction ? 0 : direction[index]
    }
    let state = ReferenceState(features: [:], classifier: ["weight": weight], direction: direction)
    let head = try ClassifierHead(of: state, dimensions: 8)
    let expected = logits(
        weight: (0..<3).map { weight.values[$0 * 8..<$0 * 8 + 8].map(Double.init) },
        direction: direction.map(Double.init),
        features: features.map(Double.init), heads: 2, tau: 16, gamma: 1 / 32, alpha: Double(alpha))
    for (found, wanted) in zip(head.logits(of: features, alpha: alpha), expected) {
        #expect(abs(Double(found) - wanted) < 1e-4)
    }
}

@Test func withoutADirectionAlphaHasNoEffect() throws {
    var values = SampleValues(seed: 6)
    let state = ReferenceState(features: [:], classifier: ["weight": values.tensor([3, 8])], direction: nil)
    let head = try ClassifierHead(of: state, dimensions: 8)
    let features = values.array(8)
    #expect(head.adjustment == nil)
    #expect(head.logits(of: features, alpha: 2) == head.logits(of: features, alpha: 0))
}

@Test func headsMustDivideTheFeatures() {
    #expect(throws: GraphError.headsDoNotDivide(heads: 3, dimensions: 128)) {
        try ClassifierHead(of: sampleState(), parameters: ClassifierParameters(heads: 3), dimensions: 128)
    }
}

private func sampleHead(
    _ kind: ClassifierKind = .linear, classes: Int = 3, direction: Bool = true
) throws -> ClassifierHead {
    var values = SampleValues(seed: 7)
    let tensors = ["fc.weight": values.tensor([classes, 8]), "fc.bias": values.tensor([classes])]
    let state = ReferenceState(features: [:], classifier: tensors, direction: direction ? values.array(8) : nil)
    return try ClassifierHead(of: state, as: kind, dimensions: 8)
}

private let sampleFeatures: [Float] = {
    var values = SampleValues(seed: 8)
    return values.array(8)
}()

@Test func classesAreKeptInTheOrderGiven() throws {
    var head = try sampleHead()
    let whole = head.logits(of: sampleFeatures, alpha: 1.5)
    head.keepClasses([2, 0])
    #expect(head.classes == 2)
    #expect(head.logits(of: sampleFeatures, alpha: 1.5) == [whole[2], whole[0]])
}

@Test func aDirectionOfZerosIsNone() throws {
    var head = try sampleHead(direction: false)
    try head.setDirection([Float](repeating: 0, count: 8))
    #expect(head.adjustment == nil)
}

@Test func aDirectionMustHaveTheLengthOfTheFeatures() throws {
    var head = try sampleHead()
    #expect(throws: GraphError.wrongShape(name: "embed", expected: [8], found: [6])) {
        try head.setDirection([1, 2, 3, 4, 5, 6])
    }
}

@Test func rowsNormalisedLaterKeepTheDirection() throws {
    var later = try sampleHead()
    try later.normaliseRows(power: 0.7)
    let state = ReferenceState(
        features: [:], classifier: ["fc.weight": Tensor(shape: [3, 8], values: try sampleHead().rows)],
        direction: try #require(later.adjustment).directions)
    let atOnce = try ClassifierHead(
        of: state, as: .tauNorm, parameters: ClassifierParameters(power: 0.7), dimensions: 8)
    let (found, expected) = (
        later.logits(of: sampleFeatures, alpha: 2), atOnce.logits(of: sampleFeatures, alpha: 2)
    )
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
}

@Test func aBiasHasNoPlaceBesideNormalisedProducts() throws {
    for kind in [ClassifierKind.causalNorm, .cosine, .capsule, .tauNorm] {
        let head = try sampleHead(kind)
        #expect(head.bias == nil && head.hasDroppedBias, "\(kind)")
    }
    #expect(try sampleHead(.linear).bias != nil && !sampleHead(.linear).hasDroppedBias)
}

@Test func aRowOfZerosStaysOne() throws {
    let zeros = Tensor(shape: [2, 8], values: [Float](repeating: 0, count: 16))
    let state = ReferenceState(features: [:], classifier: ["weight": zeros], direction: nil)
    for kind in [ClassifierKind.causalNorm, .cosine, .capsule, .tauNorm] {
        let head = try ClassifierHead(of: state, as: kind, dimensions: 8)
        #expect(head.logits(of: sampleFeatures, alpha: 0) == [0, 0], "\(kind)")
    }
}

@Test func aSquareWeightIsTransposedForLDAMOnly() throws {
    let square = Tensor(shape: [2, 2], values: [3, 0, 4, 5])
    let state = ReferenceState(features: [:], classifier: ["fc.weight": square], direction: nil)
    #expect(ClassifierKind.recognise(state.classifier, dimensions: 2) == .linear)
    let head = try ClassifierHead(of: state, as: .ldam, parameters: ClassifierParameters(tau: 5), dimensions: 2)
    #expect(head.rows == [3, 4, 0, 5])
}

@Suite struct ARefusedHead {
    @Test(arguments: [
        (ClassifierKind.causalNorm, ClassifierParameters(tau: .nan), ClassifierKind.Parameter.tau),
        (.cosine, ClassifierParameters(tau: 0), .tau), (.cosine, ClassifierParameters(tau: -.infinity), .tau),
        (.causalNorm, ClassifierParameters(gamma: -1), .gamma),
        (.causalNorm, ClassifierParameters(gamma: .infinity), .gamma),
        (.tauNorm, ClassifierParameters(power: .infinity), .power),
        (.tauNorm, ClassifierParameters(power: .nan), .power),
    ])
    func hasAParameterOutOfRange(
        kind: ClassifierKind, parameters: ClassifierParameters, name: ClassifierKind.Parameter
    ) {
        let weight = Tensor(shape: [2, 2], values: [1, 2, 3, 4])
        let state = ReferenceState(features: [:], classifier: ["weight": weight], direction: nil)
        let error = #expect(throws: GraphError.self) {
            try ClassifierHead(of: state, as: kind, parameters: parameters, dimensions: 2)
        }
        guard case .parameterOutOfRange(name, _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    @Test func hasNumbersThatOverflow() throws {
        var head = try sampleHead()
        #expect(throws: GraphError.foldedRowsNotFinite) { try head.normaliseRows(power: -1e6) }
        let weight = Tensor(shape: [1, 2], values: [1e-30, 1e-30])
        let state = ReferenceState(features: [:], classifier: ["weight": weight], direction: nil)
        #expect(throws: GraphError.foldedRowsNotFinite) {
            try ClassifierHead(of: state, as: .tauNorm, parameters: ClassifierParameters(power: 3), dimensions: 2)
        }
    }

    @Test func hasAClassWithoutImagesOrPriorForLogitAdjustment() throws {
        var head = try sampleHead()
        #expect(throws: GraphError.classWithoutImages(index: 1)) {
            try head.adjustLogits(classCounts: [5, 0, 2], strength: 1, targetPrior: nil)
        }
        #expect(throws: GraphError.classWithoutPrior(index: 2, value: 0)) {
            try head.adjustLogits(classCounts: [5, 3, 2], strength: 1, targetPrior: [0.5, 0.5, 0])
        }
        #expect(throws: GraphError.foldedRowsNotFinite) {
            try head.adjustLogits(classCounts: [5, 3, 2], strength: .infinity, targetPrior: nil)
        }
    }

    @Test func hasAnUnknownTensorBesideItsRows() {
        var values = SampleValues(seed: 9)
        let tensors = ["fc.weight": values.tensor([3, 8]), "scales": values.tensor([3])]
        let state = ReferenceState(features: [:], classifier: tensors, direction: nil)
        #expect(throws: GraphError.unexpectedTensor(name: "classifier.scales")) {
            try ClassifierHead(of: state, as: .linear, dimensions: 8)
        }
    }

    @Test func hasScalesOfAnotherLength() {
        var values = SampleValues(seed: 10)
        let tensors = ["fc.weight": values.tensor([3, 8]), "scales": values.tensor([4])]
        let state = ReferenceState(features: [:], classifier: tensors, direction: nil)
        #expect(throws: GraphError.wrongShape(name: "classifier.scales", expected: [3], found: [4])) {
            try ClassifierHead(of: state, dimensions: 8)
        }
    }

    @Test func hasClassMeansOfOtherFeatures() {
        var values = SampleValues(seed: 11)
        let (centre, means) = (values.tensor([8]), values.tensor([3, 8]))
        #expect(throws: GraphError.wrongShape(name: "class means: centre", expected: [4], found: [8])) {
            try ClassifierHead(nearest: ClassMeans(centre: centre, means: means), dimensions: 4)
        }
        #expect(throws: GraphError.wrongShape(name: "class means: means", expected: [8, 8], found: [8])) {
            try ClassifierHead(nearest: ClassMeans(centre: centre, means: centre), dimensions: 8)
        }
    }
}
