/// How often a duration lay where: the buckets of a Prometheus histogram.
public struct Histogram {
    public static var bucketCount: Int { 14 }

    /// Durations up to `bound(bucket)` that are in no smaller bucket; the last one has no bound.
    private var counts = InlineArray<14, UInt64>(repeating: 0)
    /// Nanoseconds.
    public private(set) var sum: UInt64 = 0
    public private(set) var count: UInt64 = 0

    public init() {}

    /// 1, 2 and 5 times powers of ten, from 0.1 ms to 1 s, nanoseconds; nil for the last bucket.
    public static func bound(_ bucket: Int) -> UInt64? {
        guard bucket < bucketCount - 1 else { return nil }
        var bound: UInt64 = 100_000
        for number in 0..<bucket {
            bound = number % 3 == 1 ? bound / 2 * 5 : bound * 2
        }
        return bound
    }

    public mutating func add(_ nanoseconds: UInt64) {
        var bucket = 0
        while let bound = Self.bound(bucket), nanoseconds > bound {
            bucket += 1
        }
        counts[bucket] += 1
        sum &+= nanoseconds
        count += 1
    }

    /// Durations in `bucket` and all before it.
    public func cumulative(_ bucket: Int) -> UInt64 {
        var total: UInt64 = 0
        for index in 0...bucket {
            total += counts[index]
        }
        return total
    }
}
