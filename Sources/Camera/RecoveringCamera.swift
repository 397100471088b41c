/// A camera that is left alone: frames for as long as there is a way to get them.
///
/// Whatever stops the frames is a fault: it is counted, the camera is given back, and then started again, at once and,
/// while that fails, after pauses that grow to a second. The device finds the camera under whatever node it has by then.
///
///     streaming --fault--> waiting --pause is over--> starting --> streaming, or waiting again
public struct RecoveringCamera<Device: CaptureDevice & ~Copyable>: FrameSource, ~Copyable {
    private enum Phase {
        case streaming
        /// Until a time of the device's clock.
        case waiting(until: UInt64)
        case ended
    }

    public private(set) var generation: UInt32 = 0
    public private(set) var status = SourceStatus.streaming
    public private(set) var lastRecovery: Recovery?
    /// Why it gave up.
    public private(set) var lastError: CameraError?
    public var failure: SourceFailure? { lastError.map { .camera($0) } }

    private var capture: Capture<Device>
    private let patience: UInt64?
    private var phase = Phase.ended
    private var announced: FrameGeometry?
    private var backOff = BackOff()
    private var watch = StallWatch()
    /// The kind of the attempt that failed last.
    private var lastKind: FaultKind?

    /// `patience`: how long the camera may be away before the source gives up, nanoseconds. nil: no time at all before
    /// its first frame, and any time after it.
    public init(device: consuming Device, for request: CaptureRequest, patience: UInt64? = nil) {
        capture = Capture(device: device, for: request)
        self.patience = patience
    }

    public var geometry: FrameGeometry { capture.geometry }
    public var counters: CaptureCounters { capture.counters }
    public var mode: CaptureMode? { capture.mode }

    /// Starts the camera. Throws where it cannot be started and there is no patience with it.
    public mutating func start() throws(CameraError) {
        attempt()
        if let lastError { throw lastError }
    }

    public mutating func stop() {
        capture.stop()
        phase = .ended
    }

    public mutating func next(deadline: UInt64) -> Delivery {
        if capture.device.isStopRequested { return .ended }
        switch phase {
        case .ended: return .ended
        case .streaming: return stream(deadline: deadline)
        case .waiting(let end):
            capture.device.sleep(until: min(end, deadline))
            if capture.device.isStopRequested { return .ended }
            if capture.device.now >= end { attempt() }
            return isEnded ? .ended : .idle
        }
    }

    public mutating func release(_ frame: consuming Frame) {
        do throws(CameraError) {
            try capture.release(frame)
        } catch {
            fail(error)
        }
    }

    public mutating func reportUndecodable() {
        capture.counters[.undecodableFrame] += 1
        if watch.undecodable(at: capture.device.now) { fail(timeout) }
    }

    private var isEnded: Bool {
        if case .ended = phase { return true }
        return false
    }

    private var timeout: CameraError {
        .timeout(corrupt: counters[.corruptFrame], short: counters[.shortFrame] + counters[.emptyFrame])
    }
}

// The steps.
extension RecoveringCamera where Device: ~Copyable {
    private mutating func attempt() {
        do throws(CameraError) {
            try capture.start()
        } catch {
            return fail(error)
        }
        if announced != capture.geometry {
            announced = capture.geometry
            generation += 1
        }
        phase = .streaming
        watch.started(at: capture.device.now, rate: capture.mode?.rate ?? 0)
    }

    private mutating func stream(deadline: UInt64) -> Delivery {
        do throws(CameraError) {
            let now = capture.device.now
            switch try capture.next(deadline: min(deadline, watch.deadline(at: now))) {
            case .frame(let frame):
                recovered()
                return .frame(frame)
            case .idle:
                if watch.isStalled(at: capture.device.now) { throw timeout }
                return .idle
            case .ended: return .ended
            }
        } catch {
            fail(error)
            return isEnded ? .ended : .idle
        }
    }

    private mutating func recovered() {
        let now = capture.device.now
        watch.gotFrame(at: now)
        guard case .recovering(let fault) = status else { return }
        let recovery = Recovery(kind: fault.kind, duration: now - min(fault.since, now))
        lastRecovery = recovery
        capture.counters.recoveries += 1
        backOff.recovered(at: now)
        lastKind = nil
        status = .streaming
    }

    /// Counts a fault and decides when to try again, or that there is no use.
    private mutating func fail(_ error: CameraError) {
        capture.stop()
        let now = capture.device.now
        let kind = FaultKind(error)
        var fault = Fault(kind: kind, since: now, error: error)
        if case .recovering(let ongoing) = status {
            fault.kind = ongoing.kind
            fault.since = ongoing.since
        }
        // A camera that is still away is the same fault; a call that fails again is another.
        if kind != lastKind || kind == .driverError || kind == .stalled { capture.counters[kind] += 1 }
        lastKind = kind
        status = .recovering(fault)

        // A stall has been waited for long enough.
        var end = kind == .stalled ? now : backOff.next(after: now)
        if let patience {
            guard now < fault.since + patience else { return giveUp(error) }
            end = min(end, fault.since + patience)
        } else if !watch.hasStreamed && kind != .signalLost {
            return giveUp(error)
        }
        phase = .waiting(until: end)
    }

    private mutating func giveUp(_ error: CameraError) {
        lastError = error
        phase = .ended
    }
}

extension FaultKind {
    /// What a failure of a camera counts as.
    init(_ error: CameraError) {
        switch error {
        case .gone, .noSuchNode: self = .unplugged
        case .timeout: self = .stalled
        case .signalLost: self = .signalLost
        case .formatChanged: self = .formatChanged
        case .buffersKept: self = .droppedFrames
        default: self = .driverError
        }
    }
}
