import Dispatch
import Foundation
import Synchronization

/// Cuts `0..<count` into batches of `size` and works through them on every core, a worker a thread.
///
/// `makeWorker` is called on the worker's own thread; what `body` makes of a batch comes back in the order of the batches,
/// so that nothing depends on which thread took which. The first error stops the others and is thrown. `progress` hears the
/// fraction done, from any thread.
public func forEachBatch<Worker, Result: Sendable>(
    of count: Int, size: Int, progress: (@Sendable (Double) -> Void)? = nil,
    makeWorker: @Sendable () throws -> Worker,
    body: @Sendable (inout Worker, Range<Int>) throws -> Result
) throws -> [Result] {
    let starts = Array(stride(from: 0, to: count, by: size))
    let next = Atomic(0)
    let shared = Mutex((results: [Result?](repeating: nil, count: starts.count), done: 0, failure: (any Error)?.none))
    DispatchQueue.concurrentPerform(iterations: min(starts.count, workers)) { _ in
        do {
            var worker = try makeWorker()
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < starts.count, shared.withLock({ $0.failure == nil }) else { return }
                let batch = starts[number]..<min(starts[number] + size, count)
                let result = try body(&worker, batch)
                let done = shared.withLock { shared in
                    shared.results[number] = result
                    shared.done += batch.count
                    return shared.done
                }
                progress?(Double(done) / Double(count))
            }
        } catch {
            shared.withLock { $0.failure = $0.failure ?? error }
        }
    }
    return try shared.withLock { shared in
        if let failure = shared.failure {
            throw failure
        }
        return shared.results.map { $0! }
    }
}

/// Each worker holds activations of its own, so memory grows with their number.
private let workers = min(ProcessInfo.processInfo.activeProcessorCount, 8)

extension FloatGraph {
    /// How many images to run at once: as many as keep the largest value at 16 MiB, at most 16. It does not depend on the
    /// machine, because sums over a batch do on its size.
    public var batchSize: Int {
        let largest = nodes.map(\.shape.count).max() ?? 1
        return min(max((1 << 22) / largest, 1), 16)
    }
}
