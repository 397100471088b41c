import Inference
import ModelFormat
import Platform

/// A model file in memory of its own, verified: whatever becomes of the file, what was verified is what is used.
public struct ModelFile: ~Copyable {
    public let model: Model
    private let copy: rb_memory

    /// Reads the file of `count` bytes that is open as `descriptor`, which stays open. With `keys`, one of their owners must
    /// have signed it.
    public init(descriptor: Int32, count: Int, trusting keys: TrustedKeys? = nil) throws(OpeningError) {
        var header = InlineArray<192, UInt8>(repeating: 0)  // Layout.headerBytes
        let read = withUnsafeMutableBytes(of: &header) { rb_read_at(descriptor, 0, $0.baseAddress, $0.count) }
        guard read >= 0 else { throw .unreadable(status: Int32(read)) }
        do throws(ModelError) {
            try withUnsafeBytes(of: &header) { header throws(ModelError) in
                try Model.verifyHeader(UnsafeRawBufferPointer(rebasing: header[..<read]), bytes: count)
            }
        } catch {
            throw .refused(error)
        }
        var copy = rb_memory()
        let status = rb_map_memory(count, &copy)
        guard status == 0 else { throw .noMemory(bytes: count, status: status) }
        let copied = rb_read_at(descriptor, 0, copy.bytes, count)
        do throws(OpeningError) {
            guard copied >= 0 else { throw .unreadable(status: Int32(copied)) }
            model = try Self.verified(UnsafeRawBufferPointer(start: copy.bytes, count: copied), trusting: keys)
        } catch {
            rb_unmap(&copy)
            throw error
        }
        self.copy = copy
    }

    static func verified(
        _ bytes: UnsafeRawBufferPointer, trusting keys: TrustedKeys?
    ) throws(OpeningError) -> Model {
        do throws(ModelError) {
            return try Model(verifying: bytes, trusting: keys)
        } catch {
            throw .refused(error)
        }
    }

    /// The one engine of this file: weights that it has packed are given back to the system, and in memory once.
    public func onlyEngine(
        on path: ExecutionPath, threads: Threads, arena: UnsafeMutableRawBufferPointer
    ) throws(OpeningError) -> Engine {
        var weights = PackedWeights()
        return try model.engine(on: path, threads: threads, arena: arena) { weights.append($0) }
    }

    deinit {
        var copy = copy
        rb_unmap(&copy)
    }
}

extension Model {
    /// The execution path to take here, `wanted` or the best, and the arena it needs, bytes.
    public func arena(
        on wanted: ExecutionPath?, threads: Int
    ) throws(OpeningError) -> (path: ExecutionPath, bytes: Int) {
        guard let path = wanted ?? ExecutionPath.best(for: self) else { throw .cannotRun(.noUsablePath) }
        do throws(InferenceError) {
            return (path, try Engine.arenaBytes(model: self, path: path, threads: threads))
        } catch {
            throw .cannotRun(error)
        }
    }

    /// See `Engine.init`.
    func engine(
        on path: ExecutionPath, threads: Threads, arena: UnsafeMutableRawBufferPointer,
        packed: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(OpeningError) -> Engine {
        do throws(InferenceError) {
            return try Engine(model: self, path: path, threads: threads, arena: arena, packed: packed)
        } catch {
            throw .cannotRun(error)
        }
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
