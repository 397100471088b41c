import Checkpoint
import Foundation
import Testing

@testable import FloatGraph

/// One case of Tests/Fixtures/heads.json, which PyTorch wrote; Tools/training/fixtures/heads.py describes it.
private struct GoldenHead: Decodable, CustomTestStringConvertible {
    struct Values: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    struct Chosen: Decodable {
        let heads: Int?
        let tau: Float?
        let gamma: Float?
        let power: Float?
    }

    struct Adjustment: Decodable {
        let classCounts: [Int]?
        let strength: Float?
        let targetPrior: [Double]?
        let power: Float?

        enum CodingKeys: String, CodingKey {
            case strength, power
            case classCounts = "class_counts"
            case targetPrior = "target_prior"
        }
    }

    let name: String
    let classifier: String
    let parameters: Chosen
    let tensors: [String: Values]
    let direction: [Float]?
    let centre: [Float]?
    let means: [[Float]]?
    let adjustment: Adjustment?
    let features: [[Float]]
    let logits: [String: [[Double]]]
    let exempted: [String: [[Double]]]?

    var testDescription: String { name }

    var classifierTensors: [String: Tensor] {
        tensors.mapValues { Tensor(shape: $0.shape, values: $0.values) }
    }

    func head() throws -> ClassifierHead {
        let kind = try #require(ClassifierKind(rawValue: classifier))
        let chosen = ClassifierParameters(
            heads: parameters.heads, tau: parameters.tau, gamma: parameters.gamma, power: parameters.power)
        let dimensions = features[0].count
        var head: ClassifierHead
        if let centre, let means {
            let means = ClassMeans(
                centre: Tensor(shape: [dimensions], values: centre),
                means: Tensor(shape: [means.count, dimensions], values: means.flatMap(\.self)))
            head = try ClassifierHead(nearest: means, parameters: chosen, dimensions: dimensions)
        } else {
            let state = ReferenceState(features: [:], classifier: classifierTensors, direction: direction)
            head = try ClassifierHead(of: state, as: kind, parameters: chosen, dimensions: dimensions)
        }
        if let counts = adjustment?.classCounts, let strength = adjustment?.strength {
            try head.adjustLogits(classCounts: counts, strength: strength, targetPrior: adjustment?.targetPrior)
        }
        if let power = adjustment?.power {
            try head.normaliseRows(power: power)
        }
        return head
    }

    static let all: [GoldenHead] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/heads.json")
        do {
            return try JSONDecoder().decode([GoldenHead].self, from: Data(contentsOf: file))
        } catch {
            preconditionFailure("heads.json: \(error)")
        }
    }()
}

@Suite struct AClassifier {
    @Test("folds into a head whose logits are PyTorch's", arguments: GoldenHead.all)
    private func hasPyTorchsLogits(golden: GoldenHead) throws {
        let head = try golden.head()
        for (alpha, expected) in golden.logits {
            let alpha = try #require(Float(alpha))
            for (features, expected) in zip(golden.features, expected) {
                let found = head.logits(of: features, alpha: alpha)
                try #require(found.count == expected.count)
                let largest = try #require(expected.map(abs).max())
                for (found, expected) in zip(found, expected) {
                    #expect(abs(Double(found) - expected) <= 1e-5 * largest, "alpha \(alpha)")
                }
            }
        }
    }

    @Test(
        "of a detector gives the background its plain probability and the classes the rest by TDE",
        arguments: GoldenHead.all.filter { $0.exempted != nil })
    private func exemptsTheBackground(golden: GoldenHead) throws {
        let head = try golden.head()
        for (alpha, expected) in try #require(golden.exempted) {
            let alpha = try #require(Float(alpha))
            for (features, expected) in zip(golden.features, expected) {
                let found = head.probabilities(of: features, alpha: alpha, exempting: expected.count - 1)
                for (found, expected) in zip(found, expected) {
                    #expect(abs(found - expected) <= 1e-5 * expected, "alpha \(alpha)")
                }
                #expect(abs(found.reduce(0, +) - 1) < 1e-6)
            }
        }
    }

    @Test func ofADetectorIsAmongTheGoldenOnes() {
        #expect(GoldenHead.all.filter { $0.exempted != nil }.map(\.classifier).sorted() == ["causal-norm", "linear"])
    }

    @Test func ofEveryKindIsAmongTheGoldenOnes() {
        #expect(Set(GoldenHead.all.map(\.classifier)) == Set(ClassifierKind.allCases.map(\.rawValue)))
    }

    @Test("is recognised from its tensors where their names can tell", arguments: GoldenHead.all)
    private func isRecognised(golden: GoldenHead) throws {
        guard golden.means == nil else { return }
        let kind = ClassifierKind.recognise(golden.classifierTensors, dimensions: golden.features[0].count)
        let indistinct: [String: ClassifierKind] = [
            "crt": .linear, "tau-norm": .linear, "cosine": .causalNorm, "capsule": .causalNorm,
        ]
        #expect(kind == indistinct[golden.classifier] ?? ClassifierKind(rawValue: golden.classifier))
    }
}
