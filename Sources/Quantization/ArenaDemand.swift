import FloatGraph
import ModelFormat

/// What the arena is needed for, how much of it, and during which steps.
struct ArenaDemand {
    enum Use: Hashable {
        case value(FloatGraph.Value)
        case scratch(step: Int)
        /// The head's vectors beside the features.
        case normalised, plainLogits, logits, probabilities
    }

    private var uses: [Use] = []
    private var buffers: [Use: Buffer] = [:]

    /// Notes that `use` takes `bytes` at `step`, and at every step between those it is noted for.
    mutating func note(_ use: Use, bytes: Int, at step: Int) {
        guard bytes > 0 else { return }
        guard let known = buffers[use] else {
            uses.append(use)
            buffers[use] = Buffer(size: bytes, lifetime: step...step)
            return
        }
        let lifetime = min(known.lifetime.lowerBound, step)...max(known.lifetime.upperBound, step)
        buffers[use] = Buffer(size: bytes, lifetime: lifetime)
    }

    /// Places everything, every use on a 64-byte boundary.
    func layout() -> ArenaLayout {
        let list = uses.map { buffers[$0]! }
        let plan = MemoryPlan(list, alignment: Layout.alignment)
        return ArenaLayout(
            offsets: Dictionary(uniqueKeysWithValues: zip(uses, plan.offsets)), size: plan.size,
            aliveBytes: MemoryPlan.aliveBytes(list, alignment: Layout.alignment))
    }
}

struct ArenaLayout {
    fileprivate let offsets: [ArenaDemand.Use: Int]
    let size: Int
    /// In each step, bytes.
    let aliveBytes: [Int]

    /// The most that is alive in one step, bytes.
    var leastPossible: Int { aliveBytes.max() ?? 0 }

    /// Where a use begins; 0 for one that takes nothing.
    subscript(use: ArenaDemand.Use) -> UInt32 {
        UInt32(offsets[use] ?? 0)
    }
}
