import Inference
import ModelFormat
import Platform
import Text

/// A model file in memory of this program's own, verified: whatever becomes of the file, what was verified is what is used.
struct VerifiedModel: ~Copyable {
    let model: Model
    private let copy: Memory

    init(path: CText) throws(ProgramError) {
        setActivity("reading the model")
        let file = try InputFile(path: path)
        var header = InlineArray<192, UInt8>(repeating: 0)  // Layout.headerBytes
        let read = withUnsafeMutableBytes(of: &header) { file.read(into: $0) }
        guard read >= 0 else { throw .failure(.unreadableFile(path, status: Int32(read))) }
        do throws(ModelError) {
            try withUnsafeBytes(of: &header) { header throws(ModelError) in
                try Model.verifyHeader(UnsafeRawBufferPointer(rebasing: header[..<read]), bytes: file.count)
            }
        } catch {
            throw .failure(.badModel(path, error))
        }
        let copy = try Memory(copyOf: file)
        do throws(ModelError) {
            model = try Model(verifying: UnsafeRawBufferPointer(copy.bytes))
        } catch {
            throw .failure(.badModel(path, error))
        }
        self.copy = copy
    }
}

/// Weights of the file that were packed, operation by operation: their memory is given back, page by page.
private struct PackedWeights {
    // Of the last ones that lie one behind the other.
    private var start: UnsafeRawPointer?
    private var end: UnsafeRawPointer?

    mutating func append(_ weights: UnsafeRawBufferPointer) {
        guard let first = weights.baseAddress else { return }
        // Less than a look-up table, which would have to stay, fits into such a gap.
        let follows = end.map { (0..<Layout.alignment).contains(first - $0) } ?? false
        var start = follows ? start! : first
        let end = first + weights.count
        start += rb_give_back(UnsafeMutableRawPointer(mutating: start), end - start)
        (self.start, self.end) = (start, end)
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
        path: CText, for wanted: ExecutionPath? = nil, on threads: Threads = .one
    ) throws(ProgramError) {
        let verified = try VerifiedModel(path: path)
        let model = verified.model
        let (executionPath, bytes) = try Self.arena(for: model, path: path, wanted, threads: threads.count)
        let arena = try Memory(count: bytes)
        setActivity("packing the weights")
        var weights = PackedWeights()
        do throws(InferenceError) {
            engine = try Engine(model: model, path: executionPath, threads: threads, arena: arena.bytes) {
                weights.append($0)
            }
        } catch {
            throw .failure(.cannotInfer(path, error))
        }
        self.verified = verified
        self.arena = arena
    }

    /// The execution path to take here, `wanted` or the best, and the arena it needs.
    static func arena(
        for model: Model, path: CText, _ wanted: ExecutionPath? = nil, threads: Int = 1
    ) throws(ProgramError) -> (ExecutionPath, bytes: Int) {
        guard let executionPath = wanted ?? ExecutionPath.best(for: model) else {
            throw .failure(.cannotInfer(path, .noUsablePath))
        }
        do throws(InferenceError) {
            return (executionPath, try Engine.arenaBytes(model: model, path: executionPath, threads: threads))
        } catch {
            throw .failure(.cannotInfer(path, error))
        }
    }
}
