import Platform

/// A camera that is left alone: frames as long as there is a way to get them.
public struct RecoveringCamera<Device: CaptureDevice & ~Copyable>: FrameSource, ~Copyable {
    /// How long a camera may take to its next good frame, nanoseconds.
    private static var stallTime: UInt64 { 5_000_000_000 }

    public let generation: UInt32 = 1
    public let status = SourceStatus.streaming
    public let lastRecovery: Recovery? = nil
    public private(set) var failure: CameraError?
    private var capture: Capture<Device>
    private var lastGood: UInt64 = 0

    /// `needed` is the size below which the model would see an enlarged picture.
    public init(device: consuming Device, covering needed: FrameSize) {
        capture = Capture(device: device, covering: needed)
    }

    public var geometry: FrameGeometry { capture.geometry }
    public var counters: CaptureCounters { capture.counters }

    public mutating func start() throws(CameraError) {
        try capture.start()
        lastGood = rb_clock_ns()
    }

    /// Gives the camera back.
    public mutating func stop() { capture.stop() }

    public mutating func next(deadline: UInt64) -> Delivery {
        guard failure == nil else { return .ended }
        do throws(CameraError) {
            switch try capture.next(deadline: deadline) {
            case .frame(let frame):
                lastGood = rb_clock_ns()
                return .frame(frame)
            case .idle:
                guard rb_clock_ns() - lastGood < Self.stallTime else { throw timeout }
                return .idle
            case .ended: return .ended
            }
        } catch {
            capture.stop()
            failure = error
            return .ended
        }
    }

    private var timeout: CameraError {
        .timeout(corrupt: counters[.corruptFrame], short: counters[.shortFrame] + counters[.emptyFrame])
    }

    public mutating func release(_ frame: consuming Frame) {
        do throws(CameraError) {
            try capture.release(frame)
        } catch {
            failure = error
        }
    }

    public mutating func reportUndecodable() { capture.counters[.undecodableFrame] += 1 }
}
