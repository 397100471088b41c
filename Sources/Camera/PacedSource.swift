import Platform

/// A source whose frames come no faster than a rate: a recording, replayed as a camera would have given it.
public struct PacedSource<Source: FrameSource & ~Copyable>: FrameSource, ~Copyable {
    private var source: Source
    /// From one frame to the next, nanoseconds.
    private let interval: UInt64
    /// When the next frame may come; nil: at once.
    private var due: UInt64?

    /// `rate`: frames a second, above 0.
    public init(_ source: consuming Source, rate: Double) {
        self.source = source
        interval = UInt64(1e9 / rate)
    }

    public var geometry: FrameGeometry { source.geometry }
    public var generation: UInt32 { source.generation }
    public var mode: CaptureMode? { source.mode }
    public var status: SourceStatus { source.status }
    public var counters: CaptureCounters { source.counters }
    public var lastRecovery: Recovery? { source.lastRecovery }
    public var failure: SourceFailure? { source.failure }

    /// Waits until the frame is due. Frames that are late by an interval and more are not made up for.
    public mutating func next(deadline: UInt64) -> Delivery {
        if let due {
            rb_sleep_until(min(due, deadline))
            guard rb_clock_ns() >= due || rb_stop_requested() else { return .idle }
        }
        switch source.next(deadline: deadline) {
        case .frame(let frame):
            let now = rb_clock_ns()
            due = max(due ?? now, now - min(now, interval)) + interval
            return .frame(frame)
        case .idle: return .idle
        case .ended: return .ended
        }
    }

    public mutating func release(_ frame: consuming Frame) { source.release(frame) }
    public mutating func reportUndecodable() { source.reportUndecodable() }
    public mutating func takeNotice() -> PictureNotice? { source.takeNotice() }
    public mutating func stop() { source.stop() }
}
