import Inference
import ModelFormat
import Testing
import TinyModel

private func engine(path: ExecutionPath, file: AlignedBytes, arena: AlignedBytes) throws -> Engine {
    try Engine(model: Model(verifying: file.readOnly), path: path, arena: arena.bytes)
}

/// Runs the tiny model on a fixed picture and returns its logits' bits.
private func logits(
    path: ExecutionPath, alpha: Float, packed: (UnsafeRawBufferPointer) -> Void = { _ in }
) throws -> [UInt32] {
    let file = TinyModel.file
    let model = try Model(verifying: file.readOnly)
    let arena = AlignedBytes(zeros: try Engine.arenaBytes(model: model, path: path))
    let engine = try Engine(model: model, path: path, arena: arena.bytes, packed: packed)
    for index in 0..<6 * 6 * 4 {
        engine.input[index] = UInt8(truncatingIfNeeded: index &* 37)
    }
    engine.run(alpha: alpha)
    return withExtendedLifetime((file, arena)) { engine.logits.map(\.bitPattern) }
}

@Suite struct AnEngine {
    static let availablePaths = (0..<ExecutionPath.count).compactMap(ExecutionPath.init).filter(\.isAvailable)

    @Test(arguments: availablePaths)
    func givesTheSameBitsOnEveryPath(path: ExecutionPath) throws {
        for alpha in [Float(0), 1.5] {
            #expect(try logits(path: path, alpha: alpha) == logits(path: .reference, alpha: alpha))
        }
    }

    /// Threads that take their turns in an order of the test's choosing, each with the scratch memory of its own.
    @Test(arguments: availablePaths, [2, 3, 7])
    func givesTheSameBitsOnAnyNumberOfThreads(path: ExecutionPath, count: Int) throws {
        let file = AlignedBytes(TinyModel.contents(side: 96, classes: 20_001).serialized())
        let model = try Model(verifying: file.readOnly)
        func run(_ threads: Threads) throws -> [UInt32] {
            let needed = try Engine.arenaBytes(model: model, path: path, threads: threads.count)
            let canary: UInt8 = 0xA5
            let memory = AlignedBytes([UInt8](repeating: 0, count: needed) + [UInt8](repeating: canary, count: 64))
            let engine = try Engine(
                model: model, path: path, threads: threads, arena: .init(rebasing: memory.bytes[..<needed]))
            for index in 0..<engine.inputBytes.count {
                engine.input[index] = UInt8(truncatingIfNeeded: index &* 37)
            }
            engine.run(alpha: 1)
            #expect(memory.bytes[needed...].allSatisfy { $0 == canary })
            return engine.logits.map(\.bitPattern)
        }
        var tally = (count: Int32(count), jobs: 0)
        let shared = try withUnsafeMutablePointer(to: &tally) { tally in
            try run(
                Threads(count: count, team: tally) { team, parts, part, work in
                    let tally = team!.assumingMemoryBound(to: (count: Int32, jobs: Int).self)
                    tally.pointee.jobs += 1
                    for index in (0..<parts).reversed() {
                        part!(work, index, parts, (index + 1) % tally.pointee.count)
                    }
                })
        }
        #expect(tally.jobs == 3)  // two convolutions and the head
        #expect(try shared == run(.one))
        withExtendedLifetime(file) {}
    }

    @Test func sharesNoOperationThatIsTooSmall() throws {
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        let arena = AlignedBytes(zeros: try Engine.arenaBytes(model: model, path: .best, threads: 4))
        let threads = Threads(count: 4, team: nil) { _, _, _, _ in
            Issue.record("an operation of the tiny model was shared")
        }
        try Engine(model: model, path: .best, threads: threads, arena: arena.bytes).run(alpha: 1)
        withExtendedLifetime(file) {}
    }

    @Test func changesItsAnswerWithAlpha() throws {
        #expect(try logits(path: .best, alpha: 0) != logits(path: .best, alpha: 1.5))
    }

    @Test func runsInExactlyTheStatedArenaAndNotInOneByteLess() throws {
        let file = TinyModel.file
        let model = try Model(verifying: file.readOnly)
        let path = try #require(ExecutionPath.best(for: model))
        let needed = try Engine.arenaBytes(model: model, path: path)
        #expect(UInt64(needed) == UInt64(model.activationBytes) + model.packedBytes(path: path.number)!)

        let canary: UInt8 = 0xA5
        let memory = AlignedBytes([UInt8](repeating: 0, count: needed) + [UInt8](repeating: canary, count: 64))
        let engine = try Engine(model: model, path: path, arena: .init(rebasing: memory.bytes[..<needed]))
        engine.run(alpha: 1)
        #expect(memory.bytes[needed...].allSatisfy { $0 == canary })
        #expect(throws: InferenceError.arenaTooSmall(needed: needed, given: needed - 1)) {
            _ = try Engine(model: model, path: path, arena: .init(rebasing: memory.bytes[..<(needed - 1)]))
        }
        #expect(throws: InferenceError.arenaMisaligned) {
            _ = try Engine(model: model, path: path, arena: .init(rebasing: memory.bytes[4...]))
        }
    }

    @Test(arguments: availablePaths)
    func readsNothingOfTheFileThatItSaysIsPacked(path: ExecutionPath) throws {
        var parts = 0
        let afterwards = try logits(path: path, alpha: 1) { part in
            parts += 1
            UnsafeMutableRawBufferPointer(mutating: part).initializeMemory(as: UInt8.self, repeating: 0x5A)
        }
        #expect(try afterwards == logits(path: path, alpha: 1))
        // The two convolutions' weights and the parameters; the reference works on the file's own.
        #expect(parts == (path == .reference ? 0 : 3))
    }

    @Test func refusesAPackedSizeThatItsOperationsDoNotNeed() throws {
        var contents = TinyModel.contents
        contents.packedBytes[0] = 64
        let file = AlignedBytes(contents.serialized())
        let arena = AlignedBytes(zeros: 65536)
        #expect(throws: InferenceError.packedSizeDiffers(.reference, stated: 64, needed: 0)) {
            _ = try engine(path: .reference, file: file, arena: arena)
        }
    }

    @Test func takesTheNextPathWhereTheFastestIsNotStated() throws {
        var contents = TinyModel.contents
        contents.packedBytes = [0: 0]
        let file = AlignedBytes(contents.serialized())
        #expect(ExecutionPath.best(for: try Model(verifying: file.readOnly)) == .reference)
        contents.packedBytes = [:]
        let none = AlignedBytes(contents.serialized())
        #expect(ExecutionPath.best(for: try Model(verifying: none.readOnly)) == nil)
    }

    @Test func reportsEachOperationAsItEnds() throws {
        let file = TinyModel.file
        let arena = AlignedBytes(zeros: 65536)
        let engine = try engine(path: .best, file: file, arena: arena)
        var finished: [Int] = []
        engine.runBackbone { finished.append($0) }
        #expect(finished == [0, 1, 2])
    }
}

@Suite struct ARanking {
    private func ranking(of scores: [Float], limit: Int) -> [Int] {
        var scores = scores
        return scores.withUnsafeMutableBufferPointer { buffer in
            let ranking = Ranking(of: buffer, limit: limit)
            return (0..<ranking.count).map { ranking[$0] }
        }
    }

    @Test func listsTheBestFirst() {
        #expect(ranking(of: [0.1, 0.7, 0.3, 0.5], limit: 3) == [1, 3, 2])
    }

    @Test func keepsTheLowerClassFirstOfEquals() {
        #expect(ranking(of: [1, 2, 2, 1], limit: 4) == [1, 2, 0, 3])
    }

    @Test func putsNotANumberLast() {
        #expect(ranking(of: [.nan, -1, .nan, 3], limit: 4) == [3, 1, 0, 2])
    }

    @Test func isNoLongerThanAskedOrPossible() {
        #expect(ranking(of: [1, 2], limit: 5) == [1, 0])
        #expect(ranking(of: [1, 2], limit: 0) == [])
        #expect(ranking(of: (0..<100).map { Float($0) }, limit: 100).count == Ranking.maximumCount)
    }
}
