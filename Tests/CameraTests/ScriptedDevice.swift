import Camera
import Pixels
import Platform
import Testing

func fourcc(_ name: String) -> UInt32 {
    name.utf8.enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
}

extension rb_v4l2_sizes {
    init(_ width: UInt32, _ height: UInt32) {
        self.init(
            min_width: width, max_width: width, step_width: 1, min_height: height, max_height: height, step_height: 1)
    }
}

/// What a scripted camera is and does, and what was done to it. By default a camera that offers 640x480 YUYV.
final class Script {
    /// The time of the newest frame.
    private(set) var now: UInt64 = 900
    var rates: (UInt32, FrameSize) -> UInt32? = { _, _ in 30 }
    var capabilities = RB_V4L2_CAPTURE | RB_V4L2_STREAMING
    var offers: [(fourcc: UInt32, sizes: [rb_v4l2_sizes])] = [(fourcc("YUYV"), [rb_v4l2_sizes(640, 480)])]
    var current = FrameSize(width: 640, height: 480)
    /// Changes what the driver answers to VIDIOC_S_FMT.
    var adjust: (inout rb_v4l2_format) -> Void = { _ in }
    var bufferCount: UInt32 = 4
    var bufferBytes = 640 * 480 * 2
    /// Filled buffers, oldest first. A wait finds them; without any, it runs into its deadline.
    var filled: [rb_v4l2_buffer] = []
    /// How waits end, before `filled` decides.
    var waits: [Wait] = []
    /// Error numbers with which calls fail, every time.
    var failures: [SystemCall: Int32] = [:]
    /// Whether the bus has room for a format and size.
    var hasRoom: (UInt32, FrameSize) -> Bool = { _, _ in true }

    private(set) var calls: [SystemCall] = []
    private(set) var isOpen = false
    private(set) var isStreaming = false
    private(set) var askedMode: (fourcc: UInt32, size: FrameSize)?
    /// The buffers that the driver holds.
    private(set) var queued: Set<UInt32> = []
    fileprivate var memory: [UnsafeMutableRawBufferPointer] = []

    /// One that offers 6x4 NV12 with a memory of so many bytes for each plane.
    static func withTwoMemories(bytes: Int) -> Script {
        let script = Script()
        script.capabilities = RB_V4L2_CAPTURE_PLANES | RB_V4L2_STREAMING
        script.offers = [(fourcc("NM12"), [rb_v4l2_sizes(6, 4)])]
        script.bufferBytes = bytes
        return script
    }

    /// Fills a queued buffer, each byte with `value`.
    func fill(_ index: UInt32, value: UInt8 = 0, bytes: UInt32 = 614_400, corrupt: Bool = false) {
        memory[Int(index)].initializeMemory(as: UInt8.self, repeating: value)
        var buffer = rb_v4l2_buffer()
        (buffer.index, buffer.sequence, buffer.is_corrupt) = (index, UInt32(filled.count), corrupt)
        (buffer.bytes_used.0, buffer.timestamp_ns) = (bytes, 1000 + UInt64(index))
        filled.append(buffer)
        now = max(now, buffer.timestamp_ns)
    }

    /// Fills the memories of a queued buffer, each from its first pixel on.
    func fill(_ index: UInt32, planes: [(used: UInt32, offset: UInt32, value: UInt8)]) {
        var buffer = rb_v4l2_buffer()
        (buffer.index, buffer.timestamp_ns) = (index, 1000 + UInt64(index))
        for (plane, content) in planes.enumerated() {
            let bytes = memory[Int(index) * planes.count + plane]
            bytes[Int(content.offset)...].withMemoryRebound(to: UInt8.self) { $0.update(repeating: content.value) }
            withUnsafeMutableBytes(of: &buffer.bytes_used) {
                $0.storeBytes(of: content.used, toByteOffset: 4 * plane, as: UInt32.self)
            }
            withUnsafeMutableBytes(of: &buffer.data_offset) {
                $0.storeBytes(of: content.offset, toByteOffset: 4 * plane, as: UInt32.self)
            }
        }
        filled.append(buffer)
        now = max(now, buffer.timestamp_ns)
    }

    fileprivate func call(_ call: SystemCall) throws(SystemError) {
        calls.append(call)
        if let number = failures[call] { throw SystemError(call, number: number) }
    }

    fileprivate func open() throws(SystemError) {
        try call(.open)
        #expect(!isOpen)
        isOpen = true
    }

    fileprivate func close() {
        for buffer in memory { buffer.deallocate() }
        (memory, queued, filled, isOpen, isStreaming) = ([], [], [], false, false)
    }

    fileprivate func setFormat(_ fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> rb_v4l2_format {
        try call(.setFormat)
        let mode = (fourcc: fourcc, size: size)
        askedMode = mode
        let pixels = Int32(rb_pixels_format_of(mode.fourcc).rawValue)
        var format = rb_v4l2_format()
        (format.fourcc, format.width, format.height) = (mode.fourcc, mode.size.width, mode.size.height)
        format.memories = UInt32(rb_pixels_memories(pixels))
        format.stride.0 = UInt32(rb_pixels_min_stride(pixels, Int32(mode.size.width)))
        if format.memories > 1 { (format.stride.1, format.stride.2) = (format.stride.0, format.stride.0) }
        adjust(&format)
        return format
    }

    fileprivate func queue(_ index: UInt32) throws(SystemError) {
        try call(.queueBuffer)
        #expect(queued.insert(index).inserted, "buffer \(index) was queued twice")
    }

    fileprivate func dequeue() throws(SystemError) -> rb_v4l2_buffer? {
        try call(.dequeueBuffer)
        guard let buffer = filled.first else { return nil }
        filled.removeFirst()
        #expect(queued.remove(buffer.index) != nil, "buffer \(buffer.index) was filled without being queued")
        return buffer
    }

    fileprivate func setStreaming(_ on: Bool) throws(SystemError) {
        try call(on ? .streamOn : .streamOff)
        if on, let mode = askedMode, !hasRoom(mode.fourcc, mode.size) {
            throw SystemError(.streamOn, number: RB_ENOSPC)
        }
        isStreaming = on
    }

    fileprivate func wait() throws(SystemError) -> Wait {
        try call(.wait)
        if !waits.isEmpty { return waits.removeFirst() }
        return filled.isEmpty ? .deadlinePassed : .ready
    }
}

struct ScriptedDevice: CaptureDevice {
    let script: Script

    var now: UInt64 { script.now }
    var isStopRequested: Bool { false }
    func sleep(until time: UInt64) {}

    func open() throws(SystemError) { try script.open() }
    func close() { script.close() }

    func capability() throws(SystemError) -> rb_v4l2_capability {
        try script.call(.queryCapability)
        var capability = rb_v4l2_capability()
        capability.capabilities = script.capabilities
        return capability
    }

    func place() -> rb_v4l2_place { rb_v4l2_place() }

    func format(at index: UInt32) throws(SystemError) -> UInt32? {
        try script.call(.enumerateFormats)
        return index < script.offers.count ? script.offers[Int(index)].fourcc : nil
    }

    func sizes(of fourcc: UInt32, at index: UInt32) throws(SystemError) -> rb_v4l2_sizes? {
        try script.call(.enumerateSizes)
        let sizes = script.offers.first { $0.fourcc == fourcc }!.sizes
        return index < sizes.count ? sizes[Int(index)] : nil
    }

    func intervals(of fourcc: UInt32, _ size: FrameSize, at index: UInt32) throws(SystemError) -> rb_v4l2_intervals? {
        try script.call(.enumerateIntervals)
        guard index == 0, let rate = script.rates(fourcc, size) else { return nil }
        return rb_v4l2_intervals(min_numerator: 1, min_denominator: rate, max_numerator: 1, max_denominator: rate)
    }

    func currentFormat() throws(SystemError) -> rb_v4l2_format {
        try script.call(.getFormat)
        var format = rb_v4l2_format()
        (format.width, format.height) = (script.current.width, script.current.height)
        return format
    }

    func setFormat(_ fourcc: UInt32, _ size: FrameSize) throws(SystemError) -> rb_v4l2_format {
        try script.setFormat(fourcc, size)
    }

    func signal() throws(SystemError) -> Signal {
        try script.call(.getSignal)
        return .none
    }

    func followSignal() throws(SystemError) { try script.call(.followSignal) }

    func setRate(_ rate: Double) throws(SystemError) -> Double {
        try script.call(.setInterval)
        return rate
    }

    func subscribe() throws(SystemError) { try script.call(.subscribeEvent) }

    func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32 {
        try script.call(.requestBuffers)
        return script.bufferCount
    }

    func mapBuffer(_ index: UInt32, memories: UInt32) throws(SystemError) -> BufferMemory {
        try script.call(.mapBuffer)
        var mapped = BufferMemory()
        for memory in 0..<Int(memories) {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: script.bufferBytes, alignment: 64)
            script.memory.append(bytes)
            mapped[memory] = UnsafeRawBufferPointer(bytes)
        }
        return mapped
    }

    func queueBuffer(_ index: UInt32) throws(SystemError) { try script.queue(index) }
    func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? { try script.dequeue() }
    func dequeueEvent() throws(SystemError) -> Bool? { nil }
    func streamOn() throws(SystemError) { try script.setStreaming(true) }
    func streamOff() throws(SystemError) { try script.setStreaming(false) }
    func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait { try script.wait() }
}

extension Capture where Device == ScriptedDevice {
    init(_ script: Script, covering width: UInt32 = 32, _ height: UInt32 = 32) {
        self.init(
            device: ScriptedDevice(script: script),
            for: CaptureRequest(covering: FrameSize(width: width, height: height)))
    }
}

struct NoFrame: Error {}

extension Capture where Device == ScriptedDevice {
    /// The next frame, which there must be.
    mutating func nextFrame() throws -> Frame {
        guard case .frame(let frame) = try next(deadline: .max) else { throw NoFrame() }
        return frame
    }
}
