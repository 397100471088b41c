/// Durations of repeated runs, kept in memory given by the caller, and their order statistics.
public struct LatencySamples {
    public static let maximumCount = 65536

    private let samples: UnsafeMutableBufferPointer<UInt64>
    public private(set) var count = 0
    private var isSorted = true

    /// `memory`: room for as many samples as will be added.
    public init(memory: UnsafeMutableBufferPointer<UInt64>) {
        samples = memory
    }

    public mutating func add(nanoseconds: UInt64) {
        samples[count] = nanoseconds
        count += 1
        isSorted = false
    }

    /// Forgets all samples.
    public mutating func clear() {
        count = 0
        isSorted = true
    }

    /// The smallest sample that at least `fraction` (0...1) of all samples do not exceed, nanoseconds ("nearest rank").
    /// There must be a sample.
    public mutating func percentile(_ fraction: Double) -> UInt64 {
        if !isSorted {
            sort()
        }
        let rank = Int((fraction * Double(count)).rounded(.up))
        return samples[min(max(rank, 1), count) - 1]
    }

    // Heapsort, because the standard library's sort takes memory from the heap.
    private mutating func sort() {
        var root = count / 2
        while root > 0 {
            root -= 1
            siftDown(from: root, end: count)
        }
        var end = count
        while end > 1 {
            end -= 1
            samples.swapAt(0, end)
            siftDown(from: 0, end: end)
        }
        isSorted = true
    }

    private func siftDown(from start: Int, end: Int) {
        var root = start
        while 2 * root + 1 < end {
            var child = 2 * root + 1
            if child + 1 < end && samples[child] < samples[child + 1] {
                child += 1
            }
            guard samples[root] < samples[child] else { return }
            samples.swapAt(root, child)
            root = child
        }
    }
}
