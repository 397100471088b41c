import Inference
import ModelFormat
import Testing
import TinyModel

private let trainingImages: [UInt32] = [50, 10, 5, 1]

/// The tiny model with something changed, loaded, with a picture as its input.
private final class Setting {
    private let file: AlignedBytes
    private let arena = AlignedBytes(zeros: 65536)
    private let memory: AlignedBytes
    let engine: Engine
    var judging: Judging
    private var time: UInt64 = 0

    init(
        alpha: Float = 0, _ rules: Policy.Rules = .init(), change: (inout ModelContents) -> Void = { _ in },
        describe: (inout Policy) -> Void = { _ in }
    ) throws {
        var contents = TinyModel.contents
        contents.classCounts = trainingImages
        change(&contents)
        file = AlignedBytes(contents.serialized())
        let model = try Model(verifying: file.readOnly)
        engine = try Engine(model: model, path: .reference, arena: arena.bytes)
        memory = AlignedBytes(zeros: Judging.byteCount(of: model))
        judging = Judging(alpha: alpha, rules, of: model, memory: memory.bytes) {
            $0.includeAll()
            describe(&$0)
        }
    }

    func answer() -> Answer {
        for index in 0..<6 * 6 * 4 { engine.input[index] = index % 4 == 3 ? 0 : UInt8(index) }
        time += 1
        return judging.answer(from: engine, top: 4, at: time, checksInput: false)
    }

    /// By class.
    func probabilities() -> [Float] {
        let verdict = answer().verdict
        return (0..<4).map { index in (0..<4).map { verdict[$0] }.first { $0.index == index }!.probability }
    }
}

private func isClose(_ a: Float, _ b: Float) -> Bool { abs(a - b) < 1e-5 }

@Suite struct TheTemperatureOfAFile {
    private func temperature(at alpha: Float, _ points: [(Float, Float)]) throws -> Float? {
        var contents = TinyModel.contents
        contents.temperatures = points.map { .init(alpha: $0, temperature: $1) }
        let file = AlignedBytes(contents.serialized())
        return try Model(verifying: file.readOnly).temperature(at: alpha)
    }

    @Test func liesBetweenThoseOfItsAlphas() throws {
        let points: [(Float, Float)] = [(0, 2), (1, 1), (2, 4)]
        for (alpha, expected) in [(0, 2), (0.25, 1.75), (1, 1), (1.5, 2.5), (2, 4), (9, 4), (-1, 2)] as [(Float, Float)]
        {
            #expect(try temperature(at: alpha, points) == expected)
        }
        #expect(try temperature(at: 3, [(0, 1.5)]) == 1.5)
        #expect(try temperature(at: 3, []) == nil)
    }

    @Test func isThatOfTheAlphaInUse() throws {
        let setting = try Setting(alpha: 1) {
            $0.temperatures = [.init(alpha: 0, temperature: 2), .init(alpha: 1, temperature: 5)]
        }
        #expect(setting.answer().temperature == 5)
        setting.judging.change(alpha: 0.5, .init()) { $0.includeAll() }
        #expect(setting.answer().temperature == 3.5)
        #expect(try Setting(alpha: 1).answer().temperature == 1)
    }
}

@Suite struct APrior {
    @Test(arguments: [1, 3] as [Float])
    func weighsProbabilitiesByItsSharesOverThoseOfTraining(temperature: Float) throws {
        func setting() throws -> Setting {
            try Setting(alpha: 0.5) { $0.temperatures = [.init(alpha: 0, temperature: temperature)] }
        }
        let (with, without) = (try setting(), try setting())
        let shares: [Float] = [0.05, 0.1, 0.15, 0.7]
        shares.withUnsafeBufferPointer { with.judging.setPrior(shares: $0.baseAddress!) }
        let counts = trainingImages.map { Float($0) }
        let weighed = zip(without.probabilities(), zip(shares, counts)).map { $0 * $1.0 / $1.1 }
        let expected = weighed.map { $0 / weighed.reduce(0, +) }
        for (found, expected) in zip(with.probabilities(), expected) { #expect(isClose(found, expected)) }
    }

    @Test func leavesEvidenceAsItWas() throws {
        let setting = try Setting(.init(confirmation: .init(needed: 2, window: 3)))
        _ = setting.answer()
        [Float(50), 10, 5, 1].withUnsafeBufferPointer { setting.judging.setPrior(shares: $0.baseAddress!) }
        #expect(setting.answer().verdict.newlyConfirmed != nil)
    }
}

@Suite struct TheEstimatedPrior {
    private let classes = 4
    private let counts: [Double]

    init() { counts = trainingImages.map { Double($0) } }

    private var counted: AlignedBytes {
        var contents = TinyModel.contents
        contents.classCounts = trainingImages
        return AlignedBytes(contents.serialized())
    }

    /// Posteriors under the mix of training of sightings of which a share `mix` is of each class: right with a probability of
    /// 0.9 or so, but blurred.
    private func estimate(of mix: [Double], sightings: Int) throws -> [Float] {
        let file = counted
        let model = try Model(verifying: file.readOnly)
        let memory = AlignedBytes(zeros: PriorEstimate.byteCount(classes: classes))
        var estimate = PriorEstimate(of: model, memory: memory.bytes)
        let trained = counts.map { $0 / counts.reduce(0, +) }
        var shown = 0
        for index in 0..<classes {
            for _ in 0..<Int((mix[index] * Double(sightings)).rounded()) {
                shown += 1
                let weighed = (0..<classes).map { trained[$0] * ($0 == index ? 0.9 : 0.1 / 3) }
                let isDue = estimate.add { posterior in
                    for other in 0..<classes { posterior[other] = Float(weighed[other] / weighed.reduce(0, +)) }
                }
                #expect(isDue == (shown % 10 == 0))
                if isDue { estimate.update() }
                #expect(estimate.isUsable == (shown >= 30))
            }
        }
        return (0..<classes).map(estimate.share)
    }

    /// With a likelihood of 0.9 for the right class and 0.033 for each other, the mix that explains these sightings best is a little
    /// sharper than their counts: (share - 0.1/3) / (0.9 - 0.1/3), by setting the derivative of the likelihood to zero.
    @Test func findsTheMixThatExplainsTheSightings() throws {
        let mix = [0.1, 0.2, 0.3, 0.4]
        let found = try estimate(of: mix, sightings: 200)
        for (found, share) in zip(found, mix) {
            #expect(abs(Double(found) - (share - 0.1 / 3) / (0.9 - 0.1 / 3)) < 0.01)
        }
    }

    @Test func rulesNoClassOut() throws {
        let found = try estimate(of: [0, 0, 0, 1], sightings: 100)
        #expect(found[3] > 0.9)
        for index in 0..<3 { #expect(found[index] > 0.02 && found[index] < 0.03) }
        #expect(isClose(found.reduce(0, +), 1))
    }

    @Test func takesNothingFromWhatIsNoNumber() throws {
        let file = counted
        let memory = AlignedBytes(zeros: PriorEstimate.byteCount(classes: classes))
        var estimate = PriorEstimate(of: try Model(verifying: file.readOnly), memory: memory.bytes)
        for _ in 0..<40 {
            _ = estimate.add { for index in 0..<classes { $0[index] = .nan } }
        }
        estimate.update()
        #expect(estimate.usableShares == nil)
    }
}

@Suite struct ASightingsPosterior {
    @Test func isThatOfTheMixOfTraining() throws {
        let (with, without) = (try Setting(alpha: 1), try Setting(alpha: 1))
        [Float(5), 1, 1, 1].withUnsafeBufferPointer { with.judging.setPrior(shares: $0.baseAddress!) }
        func posterior(_ setting: Setting) -> [Float] {
            _ = setting.answer()
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
            defer { memory.deallocate() }
            setting.judging.policy.writeTrainingPosterior(adjusted: setting.engine.logits, to: memory)
            return Array(memory)
        }
        for (one, other) in zip(posterior(with), without.probabilities()) { #expect(isClose(one, other)) }
    }
}
