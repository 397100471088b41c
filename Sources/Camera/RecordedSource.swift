/// A source whose frames are written to a file as they come.
public struct RecordedSource<Source: FrameSource & ~Copyable>: FrameSource, ~Copyable {
    private var source: Source
    private var recorder: Recorder

    public init(_ source: consuming Source, to recorder: consuming Recorder) {
        self.source = source
        self.recorder = recorder
    }

    public var geometry: FrameGeometry { source.geometry }
    public var generation: UInt32 { source.generation }
    public var mode: CaptureMode? { source.mode }
    public var status: SourceStatus { source.status }
    public var lastRecovery: Recovery? { source.lastRecovery }
    public var failure: SourceFailure? { source.failure }

    /// The source's, and the frames that could not be recorded.
    public var counters: CaptureCounters {
        var counters = source.counters
        counters[.recordFailed] = recorder.failures
        return counters
    }

    public mutating func next(deadline: UInt64) -> Delivery {
        switch source.next(deadline: deadline) {
        case .frame(let frame):
            recorder.record(frame, source.geometry)
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
