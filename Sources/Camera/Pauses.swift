/// Pauses between attempts to start a camera, nanoseconds: none before the first, then 100 ms, twice as long each time
/// up to a second. A camera that streamed for less than a second since the last recovery is not back yet.
struct BackOff {
    private static var shortest: UInt64 { 100_000_000 }
    private static var longest: UInt64 { 1_000_000_000 }
    private static var stableTime: UInt64 { 1_000_000_000 }

    private var pause: UInt64 = 0
    private var recoveredAt: UInt64?

    /// When to try again after a failure.
    mutating func next(after now: UInt64) -> UInt64 {
        if let recoveredAt, now - min(recoveredAt, now) >= Self.stableTime { pause = 0 }
        recoveredAt = nil
        defer { pause = pause == 0 ? Self.shortest : min(2 * pause, Self.longest) }
        return now + pause
    }

    mutating func recovered(at now: UInt64) { recoveredAt = now }
}

/// Tells when a stream has stalled: no good frame came for too long while one was waited for.
public struct StallWatch {
    /// Nanoseconds.
    public struct Limits: Sendable {
        /// Between frames, and to the first of a camera that is known to be fast.
        var usual: UInt64
        /// To the very first frame: nothing is known about the camera yet.
        var first: UInt64

        /// A camera of this machine: with the time that starting it again takes, less than two seconds.
        static var camera: Limits { Limits(usual: 1_500_000_000, first: 5_000_000_000) }
        /// A command or a server: it may first have to find a camera of its own, and does not tell its rate.
        static var stream: Limits { Limits(usual: 5_000_000_000, first: 20_000_000_000) }
    }

    private let limits: Limits

    private(set) var hasStreamed = false
    private var limit: UInt64 = 0
    /// From starting the stream to its first frame, the longest that was seen.
    private var startTime: UInt64 = 0
    private var startedAt: UInt64?
    private var period: UInt64 = 0
    /// Since when a frame is waited for.
    private var waitsSince: UInt64?
    private var badSince: UInt64?
    private var wasBad = false

    init(_ limits: Limits) {
        self.limits = limits
    }

    mutating func started(at now: UInt64, rate: Double) {
        startedAt = now
        period = rate >= 0.1 ? UInt64(1e9 / rate) : 0
        limit = hasStreamed ? max(limits.usual, 2 * startTime) : limits.first
        (waitsSince, badSince, wasBad) = (now, nil, false)
    }

    /// When to give up waiting for a frame from now on.
    mutating func deadline(at now: UInt64) -> UInt64 {
        // The time that the caller had a frame for does not count.
        let since = waitsSince ?? now
        waitsSince = since
        return since + limit
    }

    func isStalled(at now: UInt64) -> Bool { waitsSince.map { now >= $0 + limit } ?? false }

    mutating func gotFrame(at now: UInt64) {
        if let startedAt { startTime = max(startTime, now - min(startedAt, now)) }
        (startedAt, waitsSince) = (nil, nil)
        hasStreamed = true
        limit = max(limits.usual, 4 * period)
        if !wasBad { badSince = nil }
        wasBad = false
    }

    /// The last frame was no picture. True where there has been none for too long.
    mutating func undecodable(at now: UInt64) -> Bool {
        let since = badSince ?? now
        (badSince, wasBad) = (since, true)
        return now - min(since, now) >= limit
    }
}
