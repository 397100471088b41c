import Pixels
import Platform

/// Frames from a camera: a state machine over one device.
///
///     closed --open--> opened --negotiate--> negotiated --allocate--> allocated --stream--> streaming
///
/// `advance` takes one step; any failure gives everything back to the device, leaves the machine `closed` with its
/// counters, and is thrown; frames that are out then are no longer readable. Starting again from there is how a caller
/// recovers: see `RecoveringCamera`.
public struct Capture<Device: CaptureDevice & ~Copyable>: StartableCamera, ~Copyable {
    public enum State: Sendable {
        case closed, opened, negotiated, allocated, streaming
    }

    public private(set) var state = State.closed
    public var counters = CaptureCounters()
    /// What the driver agreed to; all zero before `negotiated`.
    public private(set) var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    /// The same with its rate; nil before `negotiated`.
    public private(set) var mode: CaptureMode?

    var device: Device
    private let request: CaptureRequest
    var strides = InlineArray<3, Int32>(repeating: 0)
    var memories: UInt32 = 1
    var buffers = InlineArray<32, BufferMemory>(repeating: BufferMemory())
    private(set) var bufferCount: UInt32 = 0
    /// Whether the input has a signal that can be lost.
    private(set) var hasSignal = false
    var passage = Passage()
    /// The mode that the bus had no room for last, since `start`.
    private var tooMuch: CaptureMode?

    public init(device: consuming Device, for request: CaptureRequest) {
        self.device = device
        self.request = request
    }

    public var now: UInt64 { device.now }
    public var isStopRequested: Bool { device.isStopRequested }
    public func sleep(until time: UInt64) { device.sleep(until: time) }
    public var waits: StallWatch.Limits { .camera }
    public var canStartAgain: Bool { true }

    /// Goes through every state up to `streaming`. Where the bus has no room for a mode, the next is tried that needs less.
    public mutating func start() throws(CameraError) {
        tooMuch = nil
        while state != .streaming {
            do throws(CameraError) {
                try advance()
            } catch {
                guard case .noBandwidth(let mode) = error else { throw error }
                // A driver that gives other modes than were asked for must not hold up the program.
                if let tooMuch, !mode.needsLess(than: tooMuch) { throw error }
                tooMuch = mode
            }
        }
    }

    /// Takes the next step towards `streaming`.
    public mutating func advance() throws(CameraError) {
        do throws(CameraError) {
            switch state {
            case .closed: try open()
            case .opened: try negotiate()
            case .negotiated: try allocate()
            case .allocated: try stream()
            case .streaming: break
            }
        } catch {
            stop()
            throw error
        }
    }

    /// The newest good frame, as soon as there is one: `idle` where the deadline passed first, `ended` where the
    /// program was asked to stop. Older and bad frames go straight back to the driver. The machine must be `streaming`.
    public mutating func next(deadline: UInt64) throws(CameraError) -> Delivery {
        precondition(state == .streaming)
        do throws(CameraError) {
            return try newestFrame(deadline: deadline)
        } catch {
            stop()
            throw error
        }
    }

    public mutating func release(_ frame: consuming Frame) throws(CameraError) {
        guard state == .streaming, frame.stream == passage.stream else { return }
        do throws(CameraError) {
            try requeue(frame.buffer)
        } catch {
            stop()
            throw error
        }
    }

    /// Gives everything back to the device. Allowed in every state.
    public mutating func stop() {
        // Whatever the driver answers, closing the node ends the stream.
        if state == .streaming { try? device.streamOff() }
        device.close()
        state = .closed
    }

    mutating func ask<Answer>(
        _ call: (inout Device) throws(SystemError) -> Answer
    ) throws(CameraError) -> Answer {
        do throws(SystemError) {
            return try call(&device)
        } catch {
            throw CameraError(error)
        }
    }

    mutating func requeue(_ buffer: UInt32) throws(CameraError) {
        try ask { device throws(SystemError) in try device.queueBuffer(buffer) }
        passage.queued(buffer)
    }
}

// The steps.
extension Capture where Device: ~Copyable {
    /// Buffers to ask for: one being converted, one newest, and two for the driver to fill meanwhile.
    private static var wantedBuffers: UInt32 { 4 }
    /// With one buffer the driver would have none to fill while that is converted.
    private static var leastBuffers: UInt32 { 2 }

    private mutating func open() throws(CameraError) {
        try ask { device throws(SystemError) in try device.open() }
        let capability = try ask { device throws(SystemError) in try device.capability() }
        if let kind = NodeKind(capabilities: capability.capabilities) { throw .notACamera(kind) }
        state = .opened
    }

    private mutating func negotiate() throws(CameraError) {
        try adoptSignal()
        let wanted = try CaptureMode.choose(from: device, for: request, lessThan: tooMuch)
        let given = try ask { device throws(SystemError) in try device.setFormat(wanted.fourcc, wanted.size) }
        geometry = try Self.geometry(of: given, asked: wanted, exactly: request.size != nil)
        memories = given.memories
        (strides[0], strides[1], strides[2]) =
            (Int32(clamping: given.stride.0), Int32(clamping: given.stride.1), Int32(clamping: given.stride.2))
        // Not every driver knows rates, and any rate will do; nor does every driver know events.
        let rate = try? device.setRate(request.rate)
        try? device.subscribe()
        mode = CaptureMode(format: geometry.format, size: FrameSize(given), rate: rate ?? 0)
        state = .negotiated
    }

    private mutating func adoptSignal() throws(CameraError) {
        let signal = try ask { device throws(SystemError) in try device.signal() }
        if signal == .lost { throw .signalLost }
        if signal == .changed { try ask { device throws(SystemError) in try device.followSignal() } }
        hasSignal = signal != .none
    }

    /// That of the driver's answer, which must be usable.
    private static func geometry(
        of given: rb_v4l2_format, asked: CaptureMode, exactly: Bool
    ) throws(CameraError) -> FrameGeometry {
        let format = rb_pixels_format_of(given.fourcc)
        let largest = UInt32(RB_PIXELS_MAX_SIDE)
        guard format == asked.format, !exactly || FrameSize(given) == asked.size,
            (1...largest).contains(given.width), (1...largest).contains(given.height),
            given.memories == UInt32(rb_pixels_memories(Int32(format.rawValue))),
            given.stride.0 <= UInt32(Int32.max), Self.canHold(given, as: format)
        else { throw .modeRefused(asked: asked, fourcc: given.fourcc, size: FrameSize(given)) }
        // JPEG pictures say themselves what they are.
        guard given.rows == RB_V4L2_ROWS_IN_ORDER || rb_pixels_is_compressed(Int32(format.rawValue)) else {
            throw .rowsApart(given.rows)
        }
        // A compressed picture has no rows in memory, whatever a driver says.
        let stride = rb_pixels_is_compressed(Int32(format.rawValue)) ? 0 : Int32(given.stride.0)
        return FrameGeometry(
            format: format, width: Int32(given.width), height: Int32(given.height), stride: stride,
            colour: rb_pixels_colour(given))
    }

    /// Whether rows of the stride hold pixels of the format in that width; not every format has every width.
    private static func canHold(_ given: rb_v4l2_format, as format: rb_pixels_format) -> Bool {
        let number = Int32(format.rawValue)
        let least = rb_pixels_min_stride(number, Int32(given.width))
        return rb_pixels_is_compressed(number) || least > 0 && Int32(given.stride.0) >= least
    }

    private mutating func allocate() throws(CameraError) {
        let count = try ask { device throws(SystemError) in try device.requestBuffers(Self.wantedBuffers) }
        guard count >= Self.leastBuffers && count <= UInt32(buffers.count) else {
            throw .unusableBuffers(count: count)
        }
        let memories = memories
        for index in 0..<count {
            buffers[Int(index)] = try ask { device throws(SystemError) in
                try device.mapBuffer(index, memories: memories)
            }
        }
        bufferCount = count
        state = .allocated
    }

    private mutating func stream() throws(CameraError) {
        passage.begin(at: device.now)
        for index in 0..<bufferCount { try requeue(index) }
        do throws(SystemError) {
            try device.streamOn()
        } catch {
            guard error.number == RB_ENOSPC, let mode else { throw CameraError(error) }
            throw .noBandwidth(mode)
        }
        state = .streaming
    }
}

extension rb_pixels_colour {
    init(_ format: rb_v4l2_format) {
        let range =
            format.range == RB_V4L2_RANGE_FULL
            ? RB_PIXELS_RANGE_FULL
            : format.range == RB_V4L2_RANGE_LIMITED ? RB_PIXELS_RANGE_LIMITED : RB_PIXELS_RANGE_DEFAULT
        self.init(matrix: format.is_bt709 ? RB_PIXELS_BT709 : RB_PIXELS_BT601, range: range)
    }
}
