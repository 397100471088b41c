import Platform

/// How buffers go to the driver and come back: what their order, their numbers and their times tell about a stream.
struct Passage {
    /// A driver need not fill buffers in the order in which it got them, but one that it passes over for as many rounds
    /// is not coming back.
    private static var mostRounds: UInt64 { 16 }
    /// A gap in the sequence that is longer is a new beginning, not a loss.
    private static var longestGap: UInt32 { 1 << 16 }
    /// A time stamp further in the past is none of the clock: drivers' times can wrap, or count from elsewhere.
    private static var longestAge: UInt64 { 10_000_000_000 }

    /// Counts streams.
    private(set) var stream: UInt32 = 0
    /// When filled buffers were taken last.
    var lastRound: UInt64?
    private var start: UInt64 = 0
    private var isQueued = InlineArray<32, Bool>(repeating: false)
    /// How many buffers had come back when each was queued.
    private var queuedAfter = InlineArray<32, UInt64>(repeating: 0)
    private var returned: UInt64 = 0
    private var bufferCount: UInt64 = 0
    private var lastSequence: UInt32?
    /// Those of the frame handed out last, in whichever stream.
    private var handedOut: (sequence: UInt32, timestamp: UInt64)?

    mutating func begin(at now: UInt64) {
        stream &+= 1
        start = now
        for index in isQueued.indices { isQueued[index] = false }
        (returned, bufferCount, lastSequence, lastRound) = (0, 0, nil, nil)
    }

    mutating func queued(_ buffer: UInt32) {
        isQueued[Int(buffer)] = true
        queuedAfter[Int(buffer)] = returned
        if returned == 0 { bufferCount = max(bufferCount, UInt64(buffer) + 1) }
    }

    /// Takes note of a buffer that came back. False where the driver cannot have had it.
    mutating func cameBack(_ buffer: rb_v4l2_buffer) -> Bool {
        guard buffer.index < UInt32(bufferCount), isQueued[Int(buffer.index)] else { return false }
        isQueued[Int(buffer.index)] = false
        returned += 1
        return true
    }

    /// Frames that are missing before this one by its number, which may wrap.
    mutating func missing(before sequence: UInt32) -> UInt32 {
        defer { lastSequence = sequence }
        guard let lastSequence else { return 0 }
        let step = sequence &- lastSequence
        return step > 1 && step <= Self.longestGap ? step - 1 : 0
    }

    /// Whether the driver keeps a buffer for itself.
    var isOneKept: Bool {
        for index in 0..<Int(bufferCount)
        where isQueued[index] && returned - queuedAfter[index] > Self.mostRounds * bufferCount { return true }
        return false
    }

    /// When a frame was taken; nil where its time stamp does not tell.
    func time(of buffer: rb_v4l2_buffer, now: UInt64) -> UInt64? {
        let time = buffer.timestamp_ns
        return time > 0 && time <= now && now - time <= Self.longestAge ? time : nil
    }

    /// Whether a frame was handed out before, or taken before the stream began. Only the first buffers of a stream can
    /// have been filled before it.
    func isStale(_ buffer: rb_v4l2_buffer, now: UInt64) -> Bool {
        if let handedOut, buffer.timestamp_ns != 0, buffer.timestamp_ns == handedOut.timestamp,
            buffer.sequence == handedOut.sequence
        {
            return true
        }
        guard returned <= bufferCount, let time = time(of: buffer, now: now) else { return false }
        return time < start
    }

    mutating func handOut(_ buffer: rb_v4l2_buffer) {
        handedOut = (buffer.sequence, buffer.timestamp_ns)
    }
}
