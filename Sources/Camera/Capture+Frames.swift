import Pixels
import Platform

// Taking frames out of a stream.
extension Capture where Device: ~Copyable {
    /// A pause after a round that gave nothing: a driver that hands out bad buffers as fast as it gets them must not
    /// keep the processor busy.
    private static var pause: UInt64 { 2_000_000 }
    /// Rounds in which the device says that it is ready and has nothing, before that is a fault.
    private static var mostEmptyRounds: Int { 3 }
    /// Where every buffer was filled long before, the newest is older than one that could be had in this time.
    private static var longestStarvation: UInt64 { 100_000_000 }

    mutating func newestFrame(deadline: UInt64) throws(CameraError) -> Delivery {
        var emptyRounds = 0
        var refusesOld = true
        while true {
            let found: Round
            switch try ask({ device throws(SystemError) in try device.waitForFrame(deadline: deadline) }) {
            case .stopRequested: return .ended
            case .deadlinePassed: return .idle
            case .event: found = try handleEvents() ? .nothingGood : .nothing
            case .ready: found = try takeRound(refusingOld: refusesOld)
            }
            switch found {
            case .frame(let buffer, let time):
                try checkSignal()
                return handOut(buffer, time: time)
            case .nothing:
                emptyRounds += 1
                // Waiting again could go round in circles without end.
                guard emptyRounds < Self.mostEmptyRounds else {
                    throw .callFailed(SystemError(.dequeueBuffer, number: RB_EAGAIN))
                }
            case .old: refusesOld = false
            case .nothingGood: break
            }
            let now = device.now
            guard now < deadline else { return .idle }
            device.sleep(until: min(now + Self.pause, deadline))
        }
    }

    private enum Round {
        case frame(rb_v4l2_buffer, time: UInt64)
        case nothing
        case nothingGood
        /// All that there was had waited for too long.
        case old
    }

    /// Takes what is filled, once around at most, and requeues all but the newest good buffer.
    private mutating func takeRound(refusingOld: Bool) throws(CameraError) -> Round {
        let now = device.now
        let sinceLastRound = now - min(passage.lastRound ?? now, now)
        passage.lastRound = now
        var newest: rb_v4l2_buffer?
        var taken: UInt32 = 0
        while taken < bufferCount, let buffer = try takeBuffer() {
            taken += 1
            if let fault = fault(of: buffer) {
                counters[fault] += 1
                try requeue(buffer.index)
            } else if passage.isStale(buffer, now: now) {
                counters.stale += 1
                try requeue(buffer.index)
            } else {
                if let older = newest { try supersede(older) }
                newest = buffer
            }
        }
        guard let newest else { return taken > 0 ? .nothingGood : .nothing }
        let time = passage.time(of: newest, now: now)
        let age = time.map { now - $0 } ?? sinceLastRound
        if refusingOld && taken == bufferCount && age > max(Self.longestStarvation, 2 * period) {
            try supersede(newest)
            return .old
        }
        return .frame(newest, time: time ?? now)
    }

    /// From one frame to the next, nanoseconds; 0 where the driver does not tell.
    private var period: UInt64 {
        let rate = mode?.rate ?? 0
        return rate >= 0.1 ? UInt64(1e9 / rate) : 0
    }

    private mutating func supersede(_ buffer: rb_v4l2_buffer) throws(CameraError) {
        counters.superseded += 1
        try requeue(buffer.index)
    }

    private mutating func takeBuffer() throws(CameraError) -> rb_v4l2_buffer? {
        guard let buffer = try ask({ device throws(SystemError) in try device.dequeueBuffer() }) else { return nil }
        guard passage.cameBack(buffer) else { throw .callFailed(SystemError(.dequeueBuffer, number: RB_EINVAL)) }
        counters.dropped += UInt64(passage.missing(before: buffer.sequence))
        if passage.isOneKept { throw .buffersKept }
        return buffer
    }

    private func fault(of buffer: rb_v4l2_buffer) -> FaultKind? {
        if buffer.is_corrupt { return .corruptFrame }
        guard picture(in: buffer) == nil else { return nil }
        let bytes = buffer.bytes_used
        return bytes.0 == 0 && bytes.1 == 0 && bytes.2 == 0 ? .emptyFrame : .shortFrame
    }

    private mutating func handOut(_ buffer: rb_v4l2_buffer, time: UInt64) -> Delivery {
        counters.delivered += 1
        passage.handOut(buffer)
        return .frame(
            Frame(
                picture: picture(in: buffer)!, sequence: buffer.sequence, timestamp: time, buffer: buffer.index,
                stream: passage.stream))
    }

    /// The picture in a filled buffer; nil where it is not whole.
    private func picture(in buffer: rb_v4l2_buffer) -> Picture? {
        let memory = buffers[Int(buffer.index)]
        var filled = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        filled[0] = Self.filled(memory[0], buffer.bytes_used.0, from: buffer.data_offset.0, stride: strides[0])
        filled[1] = Self.filled(memory[1], buffer.bytes_used.1, from: buffer.data_offset.1, stride: strides[1])
        filled[2] = Self.filled(memory[2], buffer.bytes_used.2, from: buffer.data_offset.2, stride: strides[2])
        return Picture(of: geometry, in: filled, count: Int(memories))
    }

    /// `bytes` is what the driver says, which can be more than there is.
    private static func filled(
        _ memory: UnsafeRawBufferPointer, _ bytes: UInt32, from offset: UInt32, stride: Int32
    ) -> rb_pixels_memory {
        rb_pixels_memory(
            data: memory.baseAddress?.assumingMemoryBound(to: UInt8.self),
            bytes_used: min(Int(clamping: bytes), memory.count), data_offset: Int(clamping: offset), stride: stride)
    }

    // MARK: The signal

    private mutating func checkSignal() throws(CameraError) {
        guard hasSignal else { return }
        switch try ask({ device throws(SystemError) in try device.signal() }) {
        case .lost: throw .signalLost
        case .changed: throw .formatChanged
        case .none, .present: break
        }
    }

    /// Takes every event. False where there was none.
    private mutating func handleEvents() throws(CameraError) -> Bool {
        var count = 0
        var hasChanged = false
        while count < 64, let change = try ask({ device throws(SystemError) in try device.dequeueEvent() }) {
            count += 1
            hasChanged = hasChanged || change
        }
        if hasChanged {
            try checkSignal()
            let format = try ask { device throws(SystemError) in try device.currentFormat() }
            guard format.fourcc == mode?.fourcc, FrameSize(format) == mode?.size else { throw .formatChanged }
        }
        return count > 0
    }
}
