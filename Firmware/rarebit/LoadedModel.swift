import Inference
import ModelFormat
import Platform
import Rarebit
import Text

/// A model file, verified.
struct VerifiedModel: ~Copyable {
    let file: ModelFile

    var model: Model { file.model }

    /// `trust`: the file of those keys of which one must have signed it; nil: it need not be signed.
    init(path: CText, trust: CText?) throws(ProgramError) {
        let keys = try trust.map { path throws(ProgramError) in try TrustedKeys(fileAt: path) }
        setActivity("reading the model")
        let input = try InputFile(path: path)
        do throws(OpeningError) {
            file = try ModelFile(descriptor: input.descriptor, count: input.count, trusting: keys)
        } catch {
            throw .failure(.model(path, error))
        }
    }
}

extension TrustedKeys {
    /// The most a file may hold, bytes.
    private static var limit: Int { 16_384 }

    fileprivate init(fileAt path: CText) throws(ProgramError) {
        let text = try Memory(copyOf: InputFile(path: path, limit: Self.limit))
        do throws(TrustedKeysError) {
            self = try TrustedKeys(UnsafeRawBufferPointer(text.bytes))
        } catch {
            throw .failure(.trustedKeys(path, error))
        }
    }
}

/// A model ready to run in an arena of exactly the size its file states.
struct LoadedModel: ~Copyable {
    let engine: Engine
    private let verified: VerifiedModel
    private let arena: Memory

    var model: Model { engine.model }
    var arenaBytes: Int { arena.bytes.count }

    /// Packs the weights for `wanted`, nil: the best path here.
    init(
        path: CText, trust: CText?, for wanted: ExecutionPath? = nil, on threads: Threads = .one
    ) throws(ProgramError) {
        let verified = try VerifiedModel(path: path, trust: trust)
        let (executionPath, bytes) = try Self.arena(for: verified.model, path: path, wanted, threads: threads.count)
        let arena = try Memory(count: bytes)
        setActivity("packing the weights")
        do throws(OpeningError) {
            engine = try verified.file.onlyEngine(on: executionPath, threads: threads, arena: arena.bytes)
        } catch {
            throw .failure(.model(path, error))
        }
        self.verified = verified
        self.arena = arena
    }

    /// The execution path to take here, `wanted` or the best, and the arena it needs.
    static func arena(
        for model: Model, path: CText, _ wanted: ExecutionPath? = nil, threads: Int = 1
    ) throws(ProgramError) -> (ExecutionPath, bytes: Int) {
        do throws(OpeningError) {
            return try model.arena(on: wanted, threads: threads)
        } catch {
            throw .failure(.model(path, error))
        }
    }
}
