// Places buffers in one arena so that no two that live at the same time overlap.
//
// Greedy by size:
//   1. Take the buffers from the largest to the smallest; of equal ones the earlier born first.
//   2. Look at the buffers already placed whose lifetimes meet this one's, in the order of their offsets.
//   3. Put it into the first gap between them that is large enough, or behind the last one.
//   4. The arena ends where the highest buffer ends.
// The large buffers, which decide the peak, so stand at the bottom, and small ones fill the gaps that lifetimes leave.
// The result is always valid. It is not guaranteed to be the smallest: finding that is NP-hard, and an unlucky order can
// leave a gap that nothing fits. `aliveBytes` says how far from the best it can be at most.

/// Memory that is needed during some steps of the plan.
struct Buffer: Equatable {
    let size: Int
    /// The steps from the one that first writes it to the last that reads it.
    let lifetime: ClosedRange<Int>
}

struct MemoryPlan: Equatable {
    /// Of each buffer, from the start of the arena; multiples of the alignment.
    let offsets: [Int]
    /// Where the highest buffer ends, rounded up to the alignment.
    let size: Int

    init(_ buffers: [Buffer], alignment: Int) {
        func aligned(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }
        let order = buffers.indices.sorted { a, b in
            let (first, second) = (buffers[a], buffers[b])
            return (second.size, first.lifetime.lowerBound, a) < (first.size, second.lifetime.lowerBound, b)
        }
        var offsets = [Int](repeating: 0, count: buffers.count)
        var placed: [Int] = []
        var size = 0
        for index in order {
            let contemporaries = placed.filter { buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
            var offset = 0
            for other in contemporaries.sorted(by: { offsets[$0] < offsets[$1] })
            where offsets[other] < offset + buffers[index].size {
                offset = max(offset, aligned(offsets[other] + buffers[other].size))
            }
            offsets[index] = offset
            placed.append(index)
            size = max(size, aligned(offset + buffers[index].size))
        }
        self.offsets = offsets
        self.size = size
    }

    /// What is alive in each step: no plan can be smaller than the largest of these.
    static func aliveBytes(_ buffers: [Buffer]) -> [Int] {
        (0..<(buffers.map { $0.lifetime.upperBound + 1 }.max() ?? 0)).map { step in
            buffers.reduce(0) { $0 + ($1.lifetime.contains(step) ? $1.size : 0) }
        }
    }
}
