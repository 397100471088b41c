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

    private(set) var calls: [SystemCall] = []
    private(set) var isOpen = false
    private(set) var isStreaming = false
    private(set) var askedMode: CaptureMode?
    /// The buffers that the driver holds.
    private(set) var queued: Set<UInt32> = []
    fileprivate var memory: [UnsafeMutableRawBufferPointer] = []

    /// Fills a queued buffer, each byte with `value`.
    func fill(_ index: UInt32, value: UInt8 = 0, bytes: UInt32 = 614_400, corrupt: Bool = false) {
        memory[Int(index)].initializeMemory(as: UInt8.self, repeating: value)
        filled.append(
            rb_v4l2_buffer(
                index: index, bytes_used: bytes, sequence: UInt32(filled.count), is_corrupt: corrupt,
                timestamp_ns: 1000 + UInt64(index)))
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

    fileprivate func setFormat(_ mode: CaptureMode) throws(SystemError) -> rb_v4l2_format {
        try call(.setFormat)
        askedMode = mode
        let stride = rb_pixels_min_stride(Int32(mode.format.rawValue), Int32(mode.size.width))
        var format = rb_v4l2_format(
            fourcc: mode.fourcc, width: mode.size.width, height: mode.size.height, stride: UInt32(stride),
            image_bytes: UInt32(bufferBytes))
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

    func open() throws(SystemError) { try script.open() }
    func close() { script.close() }

    func capability() throws(SystemError) -> rb_v4l2_capability {
        try script.call(.queryCapability)
        var capability = rb_v4l2_capability()
        capability.capabilities = script.capabilities
        return capability
    }

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
        guard index == 0 else { return nil }
        return rb_v4l2_intervals(min_numerator: 1, min_denominator: 30, max_numerator: 1, max_denominator: 30)
    }

    func currentFormat() throws(SystemError) -> rb_v4l2_format {
        try script.call(.getFormat)
        return rb_v4l2_format(
            fourcc: script.offers.first?.fourcc ?? 0, width: script.current.width, height: script.current.height,
            stride: 0, image_bytes: 0)
    }

    func setFormat(_ mode: CaptureMode) throws(SystemError) -> rb_v4l2_format { try script.setFormat(mode) }
    func setFramesPerSecond(_ rate: UInt32) throws(SystemError) { try script.call(.setInterval) }

    func requestBuffers(_ count: UInt32) throws(SystemError) -> UInt32 {
        try script.call(.requestBuffers)
        return script.bufferCount
    }

    func mapBuffer(_ index: UInt32) throws(SystemError) -> UnsafeRawBufferPointer {
        try script.call(.mapBuffer)
        script.memory.append(.allocate(byteCount: script.bufferBytes, alignment: 64))
        return UnsafeRawBufferPointer(script.memory[Int(index)])
    }

    func queueBuffer(_ index: UInt32) throws(SystemError) { try script.queue(index) }
    func dequeueBuffer() throws(SystemError) -> rb_v4l2_buffer? { try script.dequeue() }
    func streamOn() throws(SystemError) { try script.setStreaming(true) }
    func streamOff() throws(SystemError) { try script.setStreaming(false) }
    func waitForFrame(deadline: UInt64) throws(SystemError) -> Wait { try script.wait() }
}

extension Capture where Device == ScriptedDevice {
    init(_ script: Script, covering width: UInt32 = 32, _ height: UInt32 = 32) {
        self.init(device: ScriptedDevice(script: script), covering: FrameSize(width: width, height: height))
    }
}

struct NoFrame: Error {}

extension Capture where Device == ScriptedDevice {
    /// The next frame, which there must be.
    mutating func nextFrame() throws -> Frame {
        guard case .frame(let frame) = try next(deadline: 1) else { throw NoFrame() }
        return frame
    }
}
