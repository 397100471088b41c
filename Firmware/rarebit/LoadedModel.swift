import Inference
import ModelFormat
import Platform

/// A model file, mapped and verified.
struct MappedModel: ~Copyable {
    let model: Model
    private let file: Memory

    init(path: UnsafePointer<CChar>) throws(ProgramError) {
        setActivity("reading the model")
        let file = try Memory(file: path)
        do throws(ModelError) {
            model = try Model(verifying: UnsafeRawBufferPointer(file.bytes))
        } catch {
            throw .badModel(path, error)
        }
        self.file = file
    }
}

/// A model ready to run in an arena of exactly the size its file states.
struct LoadedModel: ~Copyable {
    let engine: Engine
    private let mapped: MappedModel
    private let arena: Memory

    var model: Model { engine.model }
    var arenaBytes: Int { arena.bytes.count }

    /// Packs the weights for `wanted`, nil: the best path here.
    init(
        path: UnsafePointer<CChar>, for wanted: ExecutionPath? = nil, on threads: Threads = .one
    ) throws(ProgramError) {
        let mapped = try MappedModel(path: path)
        let model = mapped.model
        let (executionPath, bytes) = try Self.arena(for: model, path: path, wanted, threads: threads.count)
        let arena = try Memory(count: bytes)
        setActivity("packing the weights")
        do throws(InferenceError) {
            engine = try Engine(model: model, path: executionPath, threads: threads, arena: arena.bytes)
        } catch {
            throw .cannotInfer(path, error)
        }
        self.mapped = mapped
        self.arena = arena
    }

    /// The execution path to take here, `wanted` or the best, and the arena it needs.
    static func arena(
        for model: Model, path: UnsafePointer<CChar>, _ wanted: ExecutionPath? = nil, threads: Int = 1
    ) throws(ProgramError) -> (ExecutionPath, bytes: Int) {
        guard let executionPath = wanted ?? ExecutionPath.best(for: model) else {
            throw .cannotInfer(path, .noUsablePath)
        }
        do throws(InferenceError) {
            return (executionPath, try Engine.arenaBytes(model: model, path: executionPath, threads: threads))
        } catch {
            throw .cannotInfer(path, error)
        }
    }
}
