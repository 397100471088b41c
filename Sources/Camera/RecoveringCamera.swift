/// What `RecoveringCamera` starts, and starts again: a camera, or whatever else gives frames as they come.
public protocol StartableCamera: ~Copyable {
    /// The clock of deadlines and of frame times, nanoseconds.
    var now: UInt64 { get }
    var isStopRequested: Bool { get }
    /// Returns at a time of the clock, or sooner where the program is asked to stop.
    func sleep(until time: UInt64)

    /// That of the frame given last; before the first one what is known by then.
    var geometry: FrameGeometry { get }
    var mode: CaptureMode? { get }
    var counters: CaptureCounters { get set }
    /// How long its frames are waited for.
    var waits: StallWatch.Limits { get }
    /// Whether there is any use in starting it after a failure.
    var canStartAgain: Bool { get }

    /// A failure of these three gives everything back, as `stop` does.
    mutating func start() throws(CameraError)
    mutating func next(deadline: UInt64) throws(CameraError) -> Delivery
    mutating func release(_ frame: consuming Frame) throws(CameraError)
    mutating func stop()
}

/// A camera that is left alone: frames for as long as there is a way to get them.
///
/// Whatever stops the frames is a fault: it is counted, the camera is given back, and then started again, at once and,
/// while that fails, after pauses that grow to a second. The device finds the camera under whatever node it has by then.
///
///     streaming --fault--> waiting --pause is over--> starting --> streaming, or waiting again
public struct RecoveringCamera<Camera: StartableCamera & ~Copyable>: FrameSource, ~Copyable {
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

    private var camera: Camera
    private let patience: UInt64?
    private var phase = Phase.ended
    private var announced: FrameGeometry?
    private var backOff = BackOff()
    private var watch: StallWatch
    /// The kind of the attempt that failed last.
    private var lastKind: FaultKind?

    /// `patience`: how long the camera may be away before the source gives up, nanoseconds. nil: no time at all before
    /// its first frame, and any time after it.
    public init(_ camera: consuming Camera, patience: UInt64? = nil) {
        watch = StallWatch(camera.waits)
        self.camera = camera
        self.patience = patience
    }

    public init<Device: CaptureDevice & ~Copyable>(
        device: consuming Device, for request: CaptureRequest, patience: UInt64? = nil
    ) where Camera == Capture<Device> {
        self.init(Capture(device: device, for: request), patience: patience)
    }

    public var geometry: FrameGeometry { camera.geometry }
    public var counters: CaptureCounters { camera.counters }
    public var mode: CaptureMode? { camera.mode }

    /// Starts the camera. Throws where it cannot be started and there is no patience with it.
    public mutating func start() throws(CameraError) {
        attempt()
        if let lastError { throw lastError }
    }

    public mutating func stop() {
        camera.stop()
        phase = .ended
    }

    public mutating func next(deadline: UInt64) -> Delivery {
        if camera.isStopRequested { return .ended }
        switch phase {
        case .ended: return .ended
        case .streaming: return stream(deadline: deadline)
        case .waiting(let end):
            camera.sleep(until: min(end, deadline))
            if camera.isStopRequested { return .ended }
            if camera.now >= end { attempt() }
            return isEnded ? .ended : .idle
        }
    }

    public mutating func release(_ frame: consuming Frame) {
        do throws(CameraError) {
            try camera.release(frame)
        } catch {
            fail(error)
        }
    }

    public mutating func reportUndecodable() {
        camera.counters[.undecodableFrame] += 1
        if watch.undecodable(at: camera.now) { fail(timeout) }
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
extension RecoveringCamera where Camera: ~Copyable {
    private mutating func attempt() {
        do throws(CameraError) {
            try camera.start()
        } catch {
            return fail(error)
        }
        announce()
        phase = .streaming
        watch.started(at: camera.now, rate: camera.mode?.rate ?? 0)
    }

    private mutating func announce() {
        guard announced != camera.geometry else { return }
        announced = camera.geometry
        generation += 1
    }

    private mutating func stream(deadline: UInt64) -> Delivery {
        do throws(CameraError) {
            let now = camera.now
            switch try camera.next(deadline: min(deadline, watch.deadline(at: now))) {
            case .frame(let frame):
                announce()
                recovered()
                return .frame(frame)
            case .idle:
                if watch.isStalled(at: camera.now) { throw timeout }
                return .idle
            case .ended: return .ended
            }
        } catch {
            fail(error)
            return isEnded ? .ended : .idle
        }
    }

    private mutating func recovered() {
        let now = camera.now
        watch.gotFrame(at: now)
        guard case .recovering(let fault) = status else { return }
        let recovery = Recovery(kind: fault.kind, duration: now - min(fault.since, now))
        lastRecovery = recovery
        camera.counters.recoveries += 1
        backOff.recovered(at: now)
        lastKind = nil
        status = .streaming
    }

    /// Counts a fault and decides when to try again, or that there is no use.
    private mutating func fail(_ error: CameraError) {
        camera.stop()
        let now = camera.now
        let kind = FaultKind(error)
        var fault = Fault(kind: kind, since: now, error: error)
        if case .recovering(let ongoing) = status {
            fault.kind = ongoing.kind
            fault.since = ongoing.since
        }
        // A camera that is still away is the same fault; a call that fails again is another.
        if kind != lastKind || kind == .driverError || kind == .stalled { camera.counters[kind] += 1 }
        lastKind = kind
        status = .recovering(fault)

        // A stall has been waited for long enough.
        var end = kind == .stalled ? now : backOff.next(after: now)
        if !camera.canStartAgain { return giveUp(error) }
        if let patience {
            guard now < fault.since + patience else { return giveUp(error) }
            end = min(end, fault.since + patience)
        } else if !watch.hasStreamed && kind != .signalLost {
            status = .streaming  // nothing was lost, and nothing is waited for
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
        case .commandEnded, .connectionEnded, .noAnswer, .serverRefused, .noFrames: self = .sourceEnded
        case .stream: self = .unreadableStream
        default: self = .driverError
        }
    }
}
