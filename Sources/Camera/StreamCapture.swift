import Pixels
import Platform
import Streams
import Text

/// Frames from a stream: from a command, a server, standard input or a file.
///
/// A thread reads it; see `StreamWork`. Of what is live the newest frame is handed out, of a file every frame. Sequence numbers go
/// on over restarts, and a frame's time is that of its first byte's arrival.
public struct StreamCapture: StartableCamera, ~Copyable {
    /// How long a command may take to end when it is asked to.
    private static var grace: UInt64 { 1_000_000_000 }

    public private(set) var geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 0, height: 0, stride: 0)
    public private(set) var mode: CaptureMode?
    public var counters = CaptureCounters()
    private let address: StreamAddress
    private let memory: rb_memory
    private let mailbox: OpaquePointer
    private var child: rb_child?
    private var thread: rb_thread?
    /// What was counted of the stream that is read.
    private var counted = BadFrameCounts()

    /// `raw`: what the stream holds, where that is frames without headers. `loops`: a file begins again when it is over.
    /// `name`: what its lines in the log stand under.
    public init(
        _ address: StreamAddress, name: CText, raw: RawFrames? = nil, loops: Bool = false
    ) throws(CameraError) {
        var memory = rb_memory()
        var mailbox: OpaquePointer?
        var status = rb_mailbox_make(StreamWork.slotBytes, !address.isLive, &mailbox)
        guard status == 0, let mailbox else { throw .unreadable(number: -status) }
        status = rb_map_memory(MemoryLayout<StreamWork>.size, &memory)
        guard status == 0 else {
            rb_mailbox_free(mailbox)
            throw .unreadable(number: -status)
        }
        UnsafeMutableRawPointer(memory.bytes)!.bindMemory(to: StreamWork.self, capacity: 1).initialize(
            to: StreamWork(address, name: name, raw: raw, loops: loops, mailbox: mailbox))
        (self.address, self.memory, self.mailbox) = (address, memory, mailbox)
    }

    deinit {
        _ = Self.end(thread, child, work, mailbox)
        rb_mailbox_free(mailbox)
        var memory = memory
        rb_unmap(&memory)
    }

    private var work: UnsafeMutablePointer<StreamWork> {
        UnsafeMutableRawPointer(memory.bytes)!.assumingMemoryBound(to: StreamWork.self)
    }

    public var now: UInt64 { rb_clock_ns() }
    public var isStopRequested: Bool { rb_stop_requested() }
    public func sleep(until time: UInt64) { rb_sleep_until(time) }
    public var waits: StallWatch.Limits { .stream }
    public var canStartAgain: Bool { address.canStartAgain }

    public mutating func start() throws(CameraError) {
        stop()
        rb_mailbox_reopen(mailbox)
        counted = BadFrameCounts()
        // Under the thread sanitizer Swift 6.3 does not compile a mutation of what a noncopyable's property points to.
        let work = work
        switch address {
        case .standardInput: work.pointee.begin(descriptor: 0, errors: -1)
        case .file(let path):
            var state = rb_file_state()
            let descriptor = rb_open_input(path.start, &state)
            guard descriptor >= 0 else { throw .unreadable(number: -descriptor) }
            work.pointee.begin(descriptor: descriptor, errors: -1)
        case .command(let text):
            var child = rb_child()
            let status = rb_start_child(text.start, &child)
            guard status == 0 else { throw .unreadable(number: -status) }
            self.child = child
            work.pointee.begin(descriptor: child.output, errors: child.errors)
        case .server: work.pointee.begin(descriptor: -1, errors: -1)
        }
        var thread = rb_thread()
        let status = rb_thread_start(runStreamWork, work, &thread)
        guard status == 0 else {
            stop()
            throw .unreadable(number: -status)
        }
        self.thread = thread
    }

    public mutating func next(deadline: UInt64) throws(CameraError) -> Delivery {
        while thread != nil {
            if let slot = rb_mailbox_take(mailbox, &counters.superseded) {
                return .frame(frame(in: slot))
            }
            if rb_mailbox_is_over(mailbox) {
                count(work.pointee.badFrames)
                let status = end()
                guard let failure = work.pointee.failure else { return .ended }
                if case .commandEnded = failure { throw .commandEnded(status: status) }
                throw failure
            }
            switch rb_mailbox_wait(mailbox, deadline) {
            case 0: continue
            case -RB_ETIMEDOUT: return .idle
            case -RB_EINTR: return .ended
            case let status:
                stop()
                throw .unreadable(number: -status)
            }
        }
        return .ended
    }

    /// A slot is the reader's until the next is taken.
    public mutating func release(_ frame: consuming Frame) {}

    public mutating func stop() { _ = end() }

    /// The exit status of the command, if there was one.
    private mutating func end() -> Int32 {
        let status = Self.end(thread, child, work, mailbox)
        (thread, child) = (nil, nil)
        return status
    }

    private static func end(
        _ thread: rb_thread?, _ child: rb_child?, _ work: UnsafeMutablePointer<StreamWork>, _ mailbox: OpaquePointer
    ) -> Int32 {
        if let thread {
            rb_mailbox_stop(mailbox)
            rb_thread_join(thread)
        }
        var status: Int32 = 0
        if var child {
            status = rb_end_child(&child, grace)
        } else if case .file = work.pointee.address, work.pointee.descriptor >= 0 {
            rb_close(work.pointee.descriptor)
        }
        work.pointee.descriptor = -1
        return status
    }

    private mutating func frame(in slot: UnsafePointer<UInt8>) -> Frame {
        let header = UnsafeRawPointer(slot).load(as: SlotHeader.self)
        count(header.badFrames)
        counters.delivered += 1
        let streamed = header.frame!
        let number = Int32(streamed.format.rawValue)
        geometry = FrameGeometry(
            format: streamed.format, width: streamed.width, height: streamed.height,
            stride: rb_pixels_is_compressed(number) ? 0 : rb_pixels_min_stride(number, streamed.width),
            colour: rb_pixels_colour(matrix: RB_PIXELS_BT601, range: streamed.range))
        mode = CaptureMode(
            format: streamed.format,
            size: FrameSize(width: UInt32(streamed.width), height: UInt32(streamed.height)), rate: streamed.rate)
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        memories[0] = rb_pixels_memory(
            data: slot + SlotHeader.bytes, bytes_used: streamed.byteCount, data_offset: 0, stride: geometry.stride)
        // The reader gives whole frames alone.
        let picture = Picture(of: geometry, in: memories, count: 1)!
        return Frame(
            picture: picture, sequence: header.sequence, timestamp: header.timestamp, buffer: 0, stream: 0)
    }

    private mutating func count(_ bad: BadFrameCounts) {
        counters[.shortFrame] += bad.cut - counted.cut
        counters[.undecodableFrame] += bad.noPicture - counted.noPicture
        counters[.corruptFrame] += bad.tooLarge - counted.tooLarge
        counted = bad
    }
}
