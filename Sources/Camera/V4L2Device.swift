import Platform

/// A video node of this machine.
public struct V4L2Device: CaptureDevice, ~Copyable {
    private let path: UnsafePointer<CChar>
    private var descriptor: Int32 = -1
    private var buffers = InlineArray<32, rb_memory>(repeating: rb_memory())

    /// `path` ends in zero and outlives the device.
    public init(path: UnsafePointer<CChar>) {
        self.path = path
    }

    public mutating func open() throws(SystemError) {
        let result = rb_v4l2_open(path)
        guard result >= 0 else { throw SystemError(.open, number: -result) }
        descriptor = result
    }

    public mutating func close() {
        for index in buffers.indices { rb_unmap(&buffers[index]) }
        if descriptor >= 0 { rb_close(descriptor) }
        descriptor = -1
    }

    public func capability() throws(SystemError) -> rb_v4l2_capability {
        var capability = rb_v4l2_capability()
        try check(.queryCapability, rb_v4l2_query(descriptor, &capability))
        return capability
    }

    public func format(at index: UInt32) throws(SystemError) -> UInt32? {
        var fourcc: UInt32 = 0
        let more = try isEntry(.enumerateFormats, rb_v4l2_enumerate_format(descriptor, index, &fourcc))
        return more ? fourcc : nil
    }

    public func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes? {
        var sizes = rb_v4l2_sizes()
        let more = try isEntry(.enumerateSizes, rb_v4l2_enumerate_sizes(descriptor, fourcc, index, &sizes))
        return more ? sizes : nil
    }

    public func intervals(
        of fourcc: UInt32, _ size: FrameSize, at index: UInt32
    ) throws(SystemError) -> rb_v4l2_intervals? {
        var intervals = rb_v4l2_intervals()
        let result = rb_v4l2_enumerate_intervals(descriptor, fourcc, size.width, size.height, index, &intervals)
        return try isEntry(.enumerateIntervals, result) ? intervals : nil
    }

    public func currentFormat() throws(SystemError) -> rb_v4l2_format {
        var format = rb_v4l2_format()
        try check(.getFormat, rb_v4l2_get_format(descriptor, &format))
        return format
    }

    public mutating func setFormat(_ mode: CaptureMode) throws(SystemError) -> rb_v4l2_format {
        var format = rb_v4l2_format()
        (format.fourcc, format.width, format.height) = (mode.fourcc, mode.size.width, mode.size.height)
        try check(.setFormat, rb_v4l2_set_format(descriptor, &format))
        return format
    }

    public mutating func setFramesPerSecond(_ rate: UInt32) throws(SystemError) {
        try check(.setInterval, rb_v4l2_set_interval(descriptor, 1, rate))
    }

    public mutating func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32 {
        var count = count
        try check(.requestBuffers, rb_v4l2_request_buffers(descriptor, &count))
        return count
    }

    public mutating func mapBuffer(_ index: UInt32) throws(SystemError) -> UnsafeRawBufferPointer {
        var memory = rb_memory()
        try check(.mapBuffer, rb_v4l2_map_buffer(descriptor, index, &memory))
        buffers[Int(index)] = memory
        return UnsafeRawBufferPointer(start: memory.bytes, count: memory.count)
    }

    public mutating func queueBuffer(_ index: UInt32) throws(SystemError) {
        try check(.queueBuffer, rb_v4l2_queue(descriptor, index))
    }

    public mutating func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? {
        var buffer = rb_v4l2_buffer()
        let result = rb_v4l2_dequeue(descriptor, &buffer)
        if result == -RB_EAGAIN { return nil }
        try check(.dequeueBuffer, result)
        if buffer.timestamp_ns == 0 { buffer.timestamp_ns = rb_clock_ns() }
        return buffer
    }

    public mutating func streamOn() throws(SystemError) { try check(.streamOn, rb_v4l2_stream_on(descriptor)) }

    public mutating func streamOff() throws(SystemError) { try check(.streamOff, rb_v4l2_stream_off(descriptor)) }

    public func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait {
        switch rb_wait_readable(descriptor, deadline) {
        case 0: return .ready
        case -RB_ETIMEDOUT: return .deadlinePassed
        case -RB_EINTR: return .stopRequested
        case let result: throw SystemError(.wait, number: -result)
        }
    }

    private func check(_ call: SystemCall, _ result: Int32) throws(SystemError) {
        if result != 0 { throw SystemError(call, number: -result) }
    }

    /// EINVAL ends an enumeration; ENOTTY says that the driver has none.
    private func isEntry(_ call: SystemCall, _ result: Int32) throws(SystemError) -> Bool {
        if result == -RB_EINVAL || result == -RB_ENOTTY { return false }
        try check(call, result)
        return true
    }
}
