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
    let head = try ClassifierHead(of: state, dimensions: 8, heads: 2, tau: 16, gamma: 1 / 32)
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
    let head = try ClassifierHead(of: state, dimensions: 8, heads: 2, tau: 16, gamma: 1 / 32)
    let features = values.array(8)
    #expect(head.adjustment == nil)
    #expect(head.logits(of: features, alpha: 2) == head.logits(of: features, alpha: 0))
}

@Test func headsMustDivideTheFeatures() {
    #expect(throws: GraphError.headsDoNotDivide(heads: 3, dimensions: 128)) {
        try ClassifierHead(of: sampleState(), dimensions: 128, heads: 3, tau: 16, gamma: 1 / 32)
    }
}
