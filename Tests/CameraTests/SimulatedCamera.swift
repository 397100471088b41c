import Camera
import Pixels
import Platform

/// A machine with one camera on a clock of its own: frames of 6x4 YUYV at a steady rate, into the buffers that were
/// queued, in their order. Tests change it at set times and look at what came out.
final class World {
    static let second: UInt64 = 1_000_000_000
    static let millisecond: UInt64 = 1_000_000
    /// Every call takes a little time, so that nothing can go on for ever in none.
    private static let callTime: UInt64 = 20_000
    private static let frameBytes = 6 * 4 * 2

    private(set) var now: UInt64 = 100 * second
    var rate = 20.0
    var stopTime: UInt64?

    // What the camera is like.
    var isPlugged = true
    var signal = Signal.none
    var size = FrameSize(width: 6, height: 4)
    /// No frames, whatever is done.
    var isSilent = false
    /// No frames until the stream is started again.
    var isStuck = false
    /// Its queue has failed until the stream is started again.
    var isBroken = false
    /// The number of buffers, of those queued first, that the driver does not give back.
    var keptBuffers = 0
    var sequence: UInt32 = 0
    /// Added to every time stamp.
    var clockError: UInt64 = 0
    /// Changes a filled buffer.
    var spoil: (inout rb_v4l2_buffer) -> Void = { _ in }
    /// The error number with which a call fails now; nil where it works.
    var failure: (SystemCall) -> Int32? = { _ in nil }

    // What was done to it.
    private(set) var calls: [SystemCall] = []
    private(set) var opens = 0
    private(set) var closes = 0
    /// Broken rules: a buffer queued twice, a call on a closed device.
    private(set) var violations: [String] = []
    /// When each frame was taken, by the identifier that its first bytes hold.
    private(set) var frameTimes: [UInt64] = []

    private var isOpen = false
    private var isStreaming = false
    private var hasEvent = false
    private var nextFrame: UInt64 = 0
    private var queue: [UInt32] = []
    private var kept: Set<UInt32> = []
    private var filled: [rb_v4l2_buffer] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []
    private var changes: [(time: UInt64, change: (World) -> Void)] = []

    /// Makes a change at a time.
    func at(_ time: UInt64, _ change: @escaping (World) -> Void) {
        changes.append((time, change))
        changes.sort { $0.time < $1.time }
    }

    func announceChange() { hasEvent = true }

    var isReleased: Bool { !isOpen && opens == closes && memory.isEmpty }

    // MARK: Time

    private var period: UInt64 { UInt64(1e9 / rate) }

    func advance(to time: UInt64) {
        while true {
            let change = changes.first?.time ?? .max
            let frame = isStreaming ? nextFrame : .max
            guard min(change, frame) <= time else { break }
            now = max(now, min(change, frame))
            if change <= frame {
                changes.removeFirst().change(self)
            } else {
                takeFrame()
                nextFrame += period
            }
        }
        now = max(now, time)
    }

    private func takeFrame() {
        guard isPlugged, !isSilent, !isStuck, !isBroken else { return }
        sequence &+= 1
        guard !queue.isEmpty else { return }
        let index = queue.removeFirst()
        if kept.count < keptBuffers {
            kept.insert(index)
            return
        }
        memory[Int(index)].storeBytes(of: UInt32(frameTimes.count), as: UInt32.self)
        frameTimes.append(now)
        var buffer = rb_v4l2_buffer()
        (buffer.index, buffer.sequence, buffer.timestamp_ns) = (index, sequence, now &+ clockError)
        buffer.bytes_used.0 = UInt32(Self.frameBytes)
        spoil(&buffer)
        filled.append(buffer)
    }

    fileprivate var isStopRequested: Bool { stopTime.map { now >= $0 } ?? false }

    fileprivate func sleep(until time: UInt64) {
        let end = min(time, stopTime ?? .max)
        if end > now { advance(to: end) }
    }

    fileprivate func call(_ call: SystemCall) throws(SystemError) {
        calls.append(call)
        advance(to: now + Self.callTime)
        if !isOpen && call != .open { violations.append("\(call) on a closed device") }
        if let number = failure(call) { throw SystemError(call, number: number) }
        if !isPlugged { throw SystemError(call, number: call == .open ? RB_ENOENT : RB_ENODEV) }
    }

    // MARK: The driver

    fileprivate func open() throws(SystemError) {
        if isOpen { violations.append("opened twice") }
        try call(.open)
        isOpen = true
        opens += 1
    }

    fileprivate func close() {
        guard isOpen else { return }
        for buffer in memory { buffer.deallocate() }
        (memory, isOpen, hasEvent) = ([], false, false)
        closes += 1
        stopStreaming()
    }

    private func stopStreaming() {
        (queue, filled, kept, isStreaming, isStuck, isBroken) = ([], [], [], false, false, false)
    }

    fileprivate func format() -> rb_v4l2_format {
        var format = rb_v4l2_format()
        (format.fourcc, format.width, format.height, format.memories) =
            (fourcc("YUYV"), size.width, size.height, 1)
        format.stride.0 = 2 * size.width
        return format
    }

    fileprivate func map(_ index: UInt32) throws(SystemError) -> BufferMemory {
        try call(.mapBuffer)
        memory.append(.allocate(byteCount: Self.frameBytes, alignment: 64))
        var mapped = BufferMemory()
        mapped[0] = UnsafeRawBufferPointer(memory[Int(index)])
        return mapped
    }

    fileprivate func queueBuffer(_ index: UInt32) throws(SystemError) {
        try call(.queueBuffer)
        if queue.contains(index) || kept.contains(index) || filled.contains(where: { $0.index == index }) {
            violations.append("buffer \(index) queued twice")
        }
        queue.append(index)
    }

    fileprivate func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? {
        try call(.dequeueBuffer)
        if isBroken { throw SystemError(.dequeueBuffer, number: RB_EIO) }
        return filled.isEmpty ? nil : filled.removeFirst()
    }

    fileprivate func dequeueEvent() throws(SystemError) -> Bool? {
        try call(.dequeueEvent)
        defer { hasEvent = false }
        return hasEvent ? true : nil
    }

    fileprivate func setStreaming(_ on: Bool) throws(SystemError) {
        try call(on ? .streamOn : .streamOff)
        if !on { return stopStreaming() }
        isStreaming = true
        nextFrame = now + period
    }

    fileprivate func wait(deadline: UInt64) throws(SystemError) -> Wait {
        calls.append(.wait)
        if let number = failure(.wait) { throw SystemError(.wait, number: number) }
        while true {
            if isStopRequested { return .stopRequested }
            if !isPlugged || isBroken { return .ready }
            if hasEvent { return .event }
            if !filled.isEmpty { return .ready }
            guard now < deadline else { return .deadlinePassed }
            let next = min(changes.first?.time ?? .max, isStreaming ? nextFrame : .max)
            advance(to: max(now, min(min(next, deadline), stopTime ?? .max)))
        }
    }
}

struct SimulatedCamera: CaptureDevice {
    let world: World

    var now: UInt64 { world.now }
    var isStopRequested: Bool { world.isStopRequested }
    func sleep(until time: UInt64) { world.sleep(until: time) }
    func open() throws(SystemError) { try world.open() }
    func close() { world.close() }

    func capability() throws(SystemError) -> rb_v4l2_capability {
        try world.call(.queryCapability)
        var capability = rb_v4l2_capability()
        capability.capabilities = RB_V4L2_CAPTURE | RB_V4L2_STREAMING
        return capability
    }

    func place() -> rb_v4l2_place { rb_v4l2_place() }

    func format(at index: UInt32) throws(SystemError) -> UInt32? {
        try world.call(.enumerateFormats)
        return index == 0 ? fourcc("YUYV") : nil
    }

    func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes? {
        try world.call(.enumerateSizes)
        return index == 0 ? rb_v4l2_sizes(world.size.width, world.size.height) : nil
    }

    func intervals(of fourcc: UInt32, _ size: FrameSize, at index: UInt32) throws(SystemError) -> rb_v4l2_intervals? {
        try world.call(.enumerateIntervals)
        guard index == 0 else { return nil }
        let rate = UInt32(world.rate)
        return rb_v4l2_intervals(min_numerator: 1, min_denominator: rate, max_numerator: 1, max_denominator: rate)
    }

    func signal() throws(SystemError) -> Signal {
        try world.call(.getSignal)
        return world.signal
    }

    func followSignal() throws(SystemError) {
        try world.call(.followSignal)
        world.signal = .present
    }

    func currentFormat() throws(SystemError) -> rb_v4l2_format {
        try world.call(.getFormat)
        return world.format()
    }

    func setFormat(_ fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> rb_v4l2_format {
        try world.call(.setFormat)
        return world.format()
    }

    func setRate(_ rate: Double) throws(SystemError) -> Double {
        try world.call(.setInterval)
        return world.rate
    }

    func subscribe() throws(SystemError) { try world.call(.subscribeEvent) }

    func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32 {
        try world.call(.requestBuffers)
        return count
    }

    func mapBuffer(_ index: UInt32, memories: UInt32) throws(SystemError) -> BufferMemory { try world.map(index) }
    func queueBuffer(_ index: UInt32) throws(SystemError) { try world.queueBuffer(index) }
    func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? { try world.dequeueBuffer() }
    func dequeueEvent() throws(SystemError) -> Bool? { try world.dequeueEvent() }
    func streamOn() throws(SystemError) { try world.setStreaming(true) }
    func streamOff() throws(SystemError) { try world.setStreaming(false) }
    func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait { try world.wait(deadline: deadline) }
}

/// What came out of a camera while a world went on.
struct Observation {
    struct Taken {
        let time: UInt64
        let identifier: UInt32
        let generation: UInt32
        let timestamp: UInt64
    }

    var frames: [Taken] = []
    var recoveries: [Recovery] = []
    var faults: [Fault] = []
    var counters = CaptureCounters()
    var failure: CameraError?
    var hasEnded = false

    /// Runs a camera as the program does, until it ends or a time comes; `work` is how long each frame keeps the
    /// program busy.
    init(
        of world: World, until end: UInt64, patience: UInt64? = nil, work: UInt64 = 0,
        isDecodable: (UInt64) -> Bool = { _ in true }
    ) {
        var camera = RecoveringCamera(
            device: SimulatedCamera(world: world), for: CaptureRequest(covering: FrameSize(width: 4, height: 4)),
            patience: patience)
        do throws(CameraError) { try camera.start() } catch { failure = error }
        var calls = 0
        loop: while world.now < end, calls < 100_000 {
            calls += 1
            let begin = world.now
            switch camera.next(deadline: world.now + 250 * World.millisecond) {
            case .frame(let frame):
                let identifier = UnsafeRawPointer(frame.pixels.plane.0!).loadUnaligned(as: UInt32.self)
                frames.append(
                    Taken(
                        time: world.now, identifier: identifier, generation: camera.generation,
                        timestamp: frame.timestamp))
                camera.release(frame)
                if !isDecodable(world.now) { camera.reportUndecodable() }
                world.advance(to: world.now + work)
            case .idle: break
            case .ended:
                hasEnded = true
                break loop
            }
            if world.now - begin > 2 * World.second + work { faults.append(Self.hang) }
            if case .recovering(let fault) = camera.status, faults.last != fault { faults.append(fault) }
            if camera.counters.recoveries > UInt64(recoveries.count) { recoveries.append(camera.lastRecovery!) }
        }
        if calls == 100_000 { faults.append(Self.hang) }
        failure = failure ?? camera.lastError
        counters = camera.counters
        camera.stop()
    }

    /// Stands for a call that took too long, or for one too many.
    static let hang = Fault(kind: .outputFull, since: 0, error: .busy)
}
