// Places buffers in one arena so that no two that live at the same time overlap.
//
//   1. Take the buffers in some order.
//   2. Look at the buffers already placed whose lifetimes meet this one's, in the order of their offsets.
//   3. Put it into the first gap between them that is large enough, or behind the last one.
//   4. The arena ends where the highest buffer ends.
// Two orders are tried: from the largest size, and from the largest size times lifetime. The large buffers, which decide the
// peak, so stand at the bottom, and small ones fill the gaps that lifetimes leave. Where both need more than what lives in
// the fullest step, the buffer that ends highest came too late: it is taken first instead, and everything is placed again, a
// limited number of times. The best of all these plans counts.
// The result is always valid. It is not guaranteed to be the smallest: finding that is NP-hard. `aliveBytes` says how far
// from the best it can be at most.

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
        let least = Self.aliveBytes(buffers, alignment: alignment).max() ?? 0
        let areas = buffers.map { $0.size * $0.lifetime.count }
        self.init(buffers, from: buffers.map(\.size), least: least, alignment: alignment)
        if size > least {
            let other = MemoryPlan(buffers, from: areas, least: least, alignment: alignment)
            self = other.size < size ? other : self
        }
    }

    /// Takes the buffers from the one with the largest key, of equal ones the earlier born first.
    private init(_ buffers: [Buffer], from keys: [Int], least: Int, alignment: Int) {
        var order = buffers.indices.sorted { a, b in
            (keys[b], buffers[a].lifetime.lowerBound, a) < (keys[a], buffers[b].lifetime.lowerBound, b)
        }
        self.init(buffers, inOrder: order, alignment: alignment)
        var latest = self
        for _ in 0..<Self.attempts where size > least {
            let highest = buffers.indices.max { latest.end(of: $0, buffers) < latest.end(of: $1, buffers) }!
            order.removeAll { $0 == highest }
            order.insert(highest, at: 0)
            latest = MemoryPlan(buffers, inOrder: order, alignment: alignment)
            if latest.size < size {
                self = latest
            }
        }
    }

    private static let attempts = 30

    private func end(of index: Int, _ buffers: [Buffer]) -> Int { offsets[index] + buffers[index].size }

    private init(_ buffers: [Buffer], inOrder order: [Int], alignment: Int) {
        var offsets = [Int](repeating: 0, count: buffers.count)
        var placed: [Int] = []
        var size = 0
        for index in order {
            // `placed` is kept in the order of offsets.
            var offset = 0
            for other in placed where buffers[other].lifetime.overlaps(buffers[index].lifetime) {
                if offsets[other] >= offset + buffers[index].size {
                    break
                }
                offset = max(offset, (offsets[other] + buffers[other].size).roundedUp(to: alignment))
            }
            offsets[index] = offset
            placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.count)
            size = max(size, (offset + buffers[index].size).roundedUp(to: alignment))
        }
        self.offsets = offsets
        self.size = size
    }

    /// What is alive in each step, every buffer rounded up to the alignment: no plan can be smaller than the largest of these.
    static func aliveBytes(_ buffers: [Buffer], alignment: Int) -> [Int] {
        (0..<(buffers.map { $0.lifetime.upperBound + 1 }.max() ?? 0)).map { step in
            buffers.reduce(0) { $0 + ($1.lifetime.contains(step) ? $1.size.roundedUp(to: alignment) : 0) }
        }
    }
}

extension Int {
    fileprivate func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
