import Inference
import ModelFormat
import Testing
import TinyModel

@Suite struct EvidenceOfAClass {
    /// What the tiny model says of a picture with a bright corner, and where that comes from.
    private static func evidence(
        path: ExecutionPath, alpha: Float,
        _ body: (Engine, Evidence, _ plain: UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) ->
            Void
    ) throws {
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        let arena = AlignedBytes(zeros: try Engine.arenaBytes(model: model, path: path))
        let engine = try Engine(model: model, path: path, arena: arena.bytes)
        for index in 0..<6 * 6 * 4 { engine.input[index] = index % 24 < 12 && index < 72 ? 240 : 20 }
        let memory = AlignedBytes(zeros: try #require(Evidence.byteCount(of: model)))
        var evidence = try #require(Evidence(of: model, memory: memory.bytes))
        #expect(!evidence.isRecorded)
        engine.run(alpha: alpha, keeping: &evidence)
        #expect(evidence.isRecorded)
        var (plain, adjusted) = (
            [Float](repeating: 0, count: evidence.places), [Float](repeating: 0, count: evidence.places)
        )
        plain.withUnsafeMutableBufferPointer { plain in
            adjusted.withUnsafeMutableBufferPointer { body(engine, evidence, plain, $0) }
        }
        withExtendedLifetime((file, arena, memory)) {}
    }

    @Test(
        arguments: (0..<ExecutionPath.count).compactMap(ExecutionPath.init).filter(\.isAvailable), [Float(0), 0.7, 3])
    func sumsToItsLogit(path: ExecutionPath, alpha: Float) throws {
        try Self.evidence(path: path, alpha: alpha) { engine, evidence, plain, adjusted in
            for index in 0..<Int(engine.model.head.classes) {
                evidence.shares(of: index, alpha: alpha, engine, plain: plain, adjusted: adjusted)
                let (sum, adjustedSum) = (plain.reduce(0, +), adjusted.reduce(0, +))
                #expect(abs(sum - engine.plainLogits[index]) <= 1e-4 * max(1, abs(sum)))
                #expect(abs(adjustedSum - engine.logits[index]) <= 1e-4 * max(1, abs(adjustedSum)))
            }
        }
    }

    @Test func isWhereThePictureIs() throws {
        try Self.evidence(path: .reference, alpha: 0.7) { engine, evidence, plain, adjusted in
            evidence.shares(of: 0, alpha: 0.7, engine, plain: plain, adjusted: adjusted)
            // The corner is no background.
            #expect(Set(plain.map(\.bitPattern)).count > 1)
            #expect(plain.map(\.bitPattern) != adjusted.map(\.bitPattern))
        }
    }
}
