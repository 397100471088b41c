import Platform
import Text

/// A camera of this machine.
public struct V4L2Device: CaptureDevice, ~Copyable {
    private let address: CameraAddress
    private var node = rb_v4l2_node(descriptor: -1, has_planes: false)
    private var memories: UInt32 = 1
    private var buffers = InlineArray<32, MappedBuffer>(repeating: MappedBuffer())
    /// That of the camera opened first: the same is opened from then on.
    private var identity: CameraIdentity?

    public init(_ address: CameraAddress) {
        self.address = address
    }

    public var now: UInt64 { rb_clock_ns() }
    public var isStopRequested: Bool { rb_stop_requested() }
    public func sleep(until time: UInt64) { rb_sleep_until(time) }

    // MARK: Opening and closing

    public mutating func open() throws(SystemError) {
        if let identity {
            try open(identity.find(in: SystemNodes()))
            return
        }
        if case .node(let path) = address {
            try keep(rb_v4l2_open(path.start))
        } else {
            try open(address.find(in: SystemNodes()))
        }
        guard var identity = identityOfOpenNode(node.descriptor) else { return }
        if identity.sharesItsSerial(in: SystemNodes()) { identity.serial = FixedText() }
        self.identity = identity
    }

    private mutating func open(_ number: Int32?) throws(SystemError) {
        guard let number else { throw SystemError(.open, number: RB_ENOENT) }
        var path = InlineArray<16, CChar>(repeating: 0)
        var span = path.mutableSpan
        let result = span.withUnsafeMutableBufferPointer {
            rb_v4l2_node_path(number, $0.baseAddress!)
            return rb_v4l2_open($0.baseAddress!)
        }
        try keep(result)
    }

    private mutating func keep(_ result: Int32) throws(SystemError) {
        guard result >= 0 else { throw SystemError(.open, number: -result) }
        var capability = rb_v4l2_capability()
        let hasPlanes =
            rb_v4l2_query(result, &capability) == 0 && capability.capabilities & RB_V4L2_CAPTURE == 0
            && capability.capabilities & RB_V4L2_CAPTURE_PLANES != 0
        node = rb_v4l2_node(descriptor: result, has_planes: hasPlanes)
    }

    public mutating func close() {
        for index in buffers.indices { buffers[index].unmap() }
        if node.descriptor >= 0 { rb_close(node.descriptor) }
        node.descriptor = -1
    }

    // MARK: What it offers and is set to

    public func capability() throws(SystemError) -> rb_v4l2_capability {
        var capability = rb_v4l2_capability()
        try check(.queryCapability, rb_v4l2_query(node.descriptor, &capability))
        return capability
    }

    public func place() -> rb_v4l2_place { placeOfOpenNode(node.descriptor) }

    public func format(at index: UInt32) throws(SystemError) -> UInt32? {
        var fourcc: UInt32 = 0
        let more = try isEntry(.enumerateFormats, rb_v4l2_enumerate_format(node, index, &fourcc))
        return more ? fourcc : nil
    }

    public func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes? {
        var sizes = rb_v4l2_sizes()
        let more = try isEntry(.enumerateSizes, rb_v4l2_enumerate_sizes(node, fourcc, index, &sizes))
        return more ? sizes : nil
    }

    public func intervals(
        of fourcc: UInt32, _ size: FrameSize, at index: UInt32
    ) throws(SystemError) -> rb_v4l2_intervals? {
        var intervals = rb_v4l2_intervals()
        let result = rb_v4l2_enumerate_intervals(node, fourcc, size.width, size.height, index, &intervals)
        return try isEntry(.enumerateIntervals, result) ? intervals : nil
    }

    public func signal() throws(SystemError) -> Signal {
        var signal = RB_V4L2_SIGNAL_NONE
        try check(.getSignal, rb_v4l2_get_signal(node, &signal))
        switch signal {
        case RB_V4L2_SIGNAL_PRESENT: return .present
        case RB_V4L2_SIGNAL_LOST: return .lost
        case RB_V4L2_SIGNAL_CHANGED: return .changed
        default: return .none
        }
    }

    public mutating func followSignal() throws(SystemError) { try check(.followSignal, rb_v4l2_follow_signal(node)) }

    public func currentFormat() throws(SystemError) -> rb_v4l2_format {
        var format = rb_v4l2_format()
        try check(.getFormat, rb_v4l2_get_format(node, &format))
        return format
    }

    public mutating func setFormat(_ fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> rb_v4l2_format {
        var format = rb_v4l2_format()
        (format.fourcc, format.width, format.height) = (fourcc, size.width, size.height)
        try check(.setFormat, rb_v4l2_set_format(node, &format))
        return format
    }

    public mutating func setRate(_ rate: Double) throws(SystemError) -> Double {
        var (numerator, denominator) = (UInt32(1000), UInt32((rate * 1000).rounded()))
        try check(.setInterval, rb_v4l2_set_interval(node, &numerator, &denominator))
        return numerator > 0 ? Double(denominator) / Double(numerator) : 0
    }

    public mutating func subscribe() throws(SystemError) { try check(.subscribeEvent, rb_v4l2_subscribe(node)) }

    // MARK: Frames

    public mutating func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32 {
        var count = count
        try check(.requestBuffers, rb_v4l2_request_buffers(node, &count))
        return count
    }

    public mutating func mapBuffer(_ index: UInt32, memories: UInt32) throws(SystemError) -> BufferMemory {
        var mapped = MappedBuffer()
        let result = mapped.withMemories { rb_v4l2_map_buffer(node, index, memories, $0) }
        try check(.mapBuffer, result)
        self.memories = memories
        buffers[Int(index)] = mapped
        return mapped.bytes
    }

    public mutating func queueBuffer(_ index: UInt32) throws(SystemError) {
        try check(.queueBuffer, rb_v4l2_queue(node, index, memories))
    }

    public mutating func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? {
        var buffer = rb_v4l2_buffer()
        let result = rb_v4l2_dequeue(node, memories, &buffer)
        if result == -RB_EAGAIN { return nil }
        try check(.dequeueBuffer, result)
        return buffer
    }

    public mutating func dequeueEvent() throws(SystemError) -> Bool? {
        var isSourceChange = false
        let result = rb_v4l2_next_event(node, &isSourceChange)
        if result == -RB_ENOENT { return nil }
        try check(.dequeueEvent, result)
        return isSourceChange
    }

    public mutating func streamOn() throws(SystemError) { try check(.streamOn, rb_v4l2_stream_on(node)) }

    public mutating func streamOff() throws(SystemError) { try check(.streamOff, rb_v4l2_stream_off(node)) }

    public func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait {
        var hasEvent = false
        switch rb_v4l2_wait(node, deadline, &hasEvent) {
        case 0: return hasEvent ? .event : .ready
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

/// The memories of one buffer.
private struct MappedBuffer {
    private var memories = InlineArray<3, rb_memory>(repeating: rb_memory())

    mutating func withMemories(_ body: (UnsafeMutablePointer<rb_memory>) -> Int32) -> Int32 {
        var span = memories.mutableSpan
        return span.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }

    var bytes: BufferMemory {
        var bytes = BufferMemory()
        for index in memories.indices {
            bytes[index] = UnsafeRawBufferPointer(start: memories[index].bytes, count: memories[index].count)
        }
        return bytes
    }

    mutating func unmap() {
        for index in memories.indices { rb_unmap(&memories[index]) }
    }
}

/// The nodes under /dev.
struct SystemNodes: NodeDirectory {
    func next(from number: Int32) -> Int32 { rb_v4l2_next_node(number) }

    func identity(of number: Int32) -> CameraIdentity? {
        var path = InlineArray<16, CChar>(repeating: 0)
        var span = path.mutableSpan
        let descriptor = span.withUnsafeMutableBufferPointer {
            rb_v4l2_node_path(number, $0.baseAddress!)
            return rb_v4l2_open($0.baseAddress!)
        }
        guard descriptor >= 0 else { return nil }
        defer { rb_close(descriptor) }
        return identityOfOpenNode(descriptor)
    }
}

/// nil for a node that captures nothing.
private func identityOfOpenNode(_ descriptor: Int32) -> CameraIdentity? {
    var capability = rb_v4l2_capability()
    guard rb_v4l2_query(descriptor, &capability) == 0, NodeKind(capabilities: capability.capabilities) == nil else {
        return nil
    }
    let place = placeOfOpenNode(descriptor)
    var identity = CameraIdentity()
    identity.port = FixedText(copying: capability.bus)
    identity.card = FixedText(copying: capability.card)
    identity.serial = FixedText(copying: place.serial)
    identity.index = place.index
    return identity
}

private func placeOfOpenNode(_ descriptor: Int32) -> rb_v4l2_place {
    var place = rb_v4l2_place()
    rb_v4l2_find_place(CText("/sys").start, descriptor, &place)
    return place
}
