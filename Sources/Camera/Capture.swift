import Pixels
import Platform

/// Frames from a camera: a state machine over one device.
///
///     closed --open--> opened --negotiate--> negotiated --allocate--> allocated --stream--> streaming
///
/// `advance` takes one step; any failure gives everything back to the device, leaves the machine `closed` with its
/// counters, and is thrown; frames that are out then are no longer readable. Starting again from there is how a caller
/// recovers.
public struct Capture<Device: CaptureDevice & ~Copyable>: ~Copyable {
    public enum State: Sendable {
        case closed, opened, negotiated, allocated, streaming
    }

    public private(set) var state = State.closed
    public internal(set) var counters = CaptureCounters()
    /// What the driver agreed to; all zero before `negotiated`.
    public private(set) var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)

    private var device: Device
    private let needed: FrameSize
    private var buffers = InlineArray<32, UnsafeRawBufferPointer>(
        repeating: UnsafeRawBufferPointer(start: nil, count: 0))
    private var bufferCount: UInt32 = 0

    /// `needed` is the size below which the model would see an enlarged picture.
    public init(device: consuming Device, covering needed: FrameSize) {
        self.device = device
        self.needed = needed
    }

    /// Goes through every state up to `streaming`.
    public mutating func start() throws(CameraError) {
        while state != .streaming { try advance() }
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

    /// The newest good frame, as soon as there is one. Older and bad ones go straight back to the driver. The machine
    /// must be `streaming`. `idle`: the deadline passed; `ended`: the program was asked to stop.
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
        guard state == .streaming else { return }
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
}

// The steps.
extension Capture where Device: ~Copyable {
    /// Buffers to ask for: one being converted, one newest, and two for the driver to fill meanwhile.
    private static var wantedBuffers: UInt32 { 4 }
    /// With one buffer the driver would have none to fill while that is converted.
    private static var leastBuffers: UInt32 { 2 }
    /// Frames a second to ask for; a driver may have its own opinion.
    private static var wantedRate: UInt32 { 30 }

    private mutating func ask<Answer>(
        _ call: (inout Device) throws(SystemError) -> Answer
    ) throws(CameraError) -> Answer {
        do throws(SystemError) {
            return try call(&device)
        } catch {
            throw CameraError(error)
        }
    }

    private mutating func open() throws(CameraError) {
        try ask { device throws(SystemError) in try device.open() }
        let capability = try ask { device throws(SystemError) in try device.capability() }
        if let kind = NodeKind(capabilities: capability.capabilities) { throw .notACamera(kind) }
        state = .opened
    }

    private mutating func negotiate() throws(CameraError) {
        let mode = try CaptureMode.choose(from: device, covering: needed)
        let given = try ask { device throws(SystemError) in try device.setFormat(mode) }
        let format = rb_pixels_format_of(given.fourcc)
        let largest = UInt32(RB_PIXELS_MAX_SIDE)
        guard format == mode.format, (1...largest).contains(given.width), (1...largest).contains(given.height),
            given.stride <= UInt32(Int32.max),
            Int32(given.stride) >= rb_pixels_min_stride(Int32(format.rawValue), Int32(given.width))
        else { throw .modeRefused(asked: mode, fourcc: given.fourcc, size: FrameSize(given)) }
        geometry = FrameGeometry(
            format: format, width: Int32(given.width), height: Int32(given.height), stride: Int32(given.stride))
        // Not every driver knows rates, and any rate will do.
        try? device.setFramesPerSecond(Self.wantedRate)
        state = .negotiated
    }

    private mutating func allocate() throws(CameraError) {
        let count = try ask { device throws(SystemError) in try device.requestBuffers(Self.wantedBuffers) }
        guard count >= Self.leastBuffers && count <= UInt32(buffers.count) else {
            throw .unusableBuffers(count: count)
        }
        for index in 0..<count {
            buffers[Int(index)] = try ask { device throws(SystemError) in try device.mapBuffer(index) }
        }
        bufferCount = count
        state = .allocated
    }

    private mutating func stream() throws(CameraError) {
        for index in 0..<bufferCount { try requeue(index) }
        try ask { device throws(SystemError) in try device.streamOn() }
        state = .streaming
    }

    private mutating func requeue(_ buffer: UInt32) throws(CameraError) {
        try ask { device throws(SystemError) in try device.queueBuffer(buffer) }
    }

    private mutating func newestFrame(deadline: UInt64) throws(CameraError) -> Delivery {
        while true {
            switch try ask({ device throws(SystemError) in try device.waitForFrame(deadline: deadline) }) {
            case .stopRequested: return .ended
            case .deadlinePassed: return .idle
            case .ready: break
            }
            if let buffer = try newestGoodBuffer() {
                counters.delivered += 1
                return .frame(
                    Frame(
                        pixels: pixels(of: buffer)!, sequence: buffer.sequence, timestamp: buffer.timestamp_ns,
                        buffer: buffer.index))
            }
        }
    }

    /// Takes what is filled, once around at most, and requeues all but the newest good buffer.
    private mutating func newestGoodBuffer() throws(CameraError) -> rb_v4l2_buffer? {
        var newest: rb_v4l2_buffer?
        for taken in 0..<bufferCount {
            guard let buffer = try ask({ device throws(SystemError) in try device.dequeueBuffer() }) else {
                // The wait said that there is one: waiting again could go round in circles without end.
                if taken == 0 { throw .callFailed(SystemError(.dequeueBuffer, number: RB_EAGAIN)) }
                break
            }
            if buffer.is_corrupt {
                counters[.corruptFrame] += 1
                try requeue(buffer.index)
            } else if pixels(of: buffer) == nil {
                counters[buffer.bytes_used == 0 ? .emptyFrame : .shortFrame] += 1
                try requeue(buffer.index)
            } else {
                if let older = newest {
                    counters.superseded += 1
                    try requeue(older.index)
                }
                newest = buffer
            }
        }
        return newest
    }

    /// The pixels of a filled buffer; nil where it does not hold the whole picture.
    private func pixels(of buffer: rb_v4l2_buffer) -> rb_pixels_frame? {
        guard buffer.index < bufferCount else { return nil }
        let memory = buffers[Int(buffer.index)]
        var frame = rb_pixels_frame()
        let isWhole = rb_pixels_frame_in(
            geometry.format, geometry.width, geometry.height, geometry.stride,
            memory.baseAddress?.assumingMemoryBound(to: UInt8.self),
            min(Int(clamping: buffer.bytes_used), memory.count), &frame)
        return isWhole ? frame : nil
    }
}
