import HTTP
import Pixels
import Platform
import Streams
import Text

/// What the thread of a stream does: it reads all that comes as soon as it comes, so that nothing waits in pipes to grow old,
/// and hands over the newest whole frame.
///
/// The other thread looks at it before the thread has started and after the mailbox is over, and not between.
struct StreamWork {
    /// The largest frame, bytes: RGB of 4,096 by 2,730 pixels.
    static var mostFrameBytes: Int { 32 << 20 }
    /// Of a slot of the mailbox: what is known of the frame, then its bytes.
    static var slotBytes: Int { SlotHeader.bytes + mostFrameBytes }

    let address: StreamAddress
    /// Under which a command's lines go to the log.
    let name: CText
    let loops: Bool
    let mailbox: OpaquePointer
    private let raw: RawFrames?
    /// A pipe or file, and the pipe of a command's error lines; -1 where there is none.
    var descriptor: Int32 = -1
    var errors: Int32 = -1
    private var reader: FrameReader
    private var header = SlotHeader()
    /// Why it ended, where that was no ordinary end.
    private(set) var failure: CameraError?

    /// What became of frames so far that are none.
    var badFrames: BadFrameCounts { header.badFrames }

    init(_ address: StreamAddress, name: CText, raw: RawFrames?, loops: Bool, mailbox: OpaquePointer) {
        (self.address, self.name, self.raw) = (address, name, raw)
        (self.loops, self.mailbox) = (loops, mailbox)
        reader = FrameReader(raw: raw)
    }

    /// To be called before each start of the thread. Numbers go on.
    mutating func begin(descriptor: Int32, errors: Int32) {
        (self.descriptor, self.errors) = (descriptor, errors)
        reader = FrameReader(raw: raw)
        failure = nil
        header.badFrames = BadFrameCounts()
        header.framesOfStream = 0
    }

    // MARK: The thread

    mutating func run() {
        let stop = rb_mailbox_stop_descriptor(mailbox)
        var status: Int32
        repeat {
            status =
                switch address {
                case .standardInput, .file, .command:
                    rb_pump(descriptor, errors, name.start, stop, takeBytes, &self)
                case .server(let text): rb_http_get(text.start, stop, takeBytes, &self)
                }
        } while status == 0 && rewind()
        conclude(status)
        rb_mailbox_close(mailbox)
    }

    /// Whether a file that comes over and over begins again: one without a frame never does.
    private mutating func rewind() -> Bool {
        guard loops, header.framesOfStream > 0, rb_rewind(descriptor) == 0 else { return false }
        countCutFrame()
        reader = FrameReader(raw: raw)
        return true
    }

    private mutating func countCutFrame() {
        header.badFrames.cut += reader.isInsideFrame ? 1 : 0
    }

    private mutating func conclude(_ status: Int32) {
        if status != -RB_EINTR { countCutFrame() }
        guard failure == nil else { return }
        failure =
            switch (status, address) {
            case (-RB_EINTR, _), (-RB_ECANCELED, _): nil
            case (0, .command): .commandEnded(status: 0)
            case (0, .server): .connectionEnded
            case (0, _): header.framesOfStream == 0 ? .noFrames : nil
            case (-RB_ECONNREFUSED, .server): .noAnswer
            case (1..., .server): .serverRefused(status: status)
            default: .unreadable(number: -status)
            }
    }

    /// False where no more bytes are wanted.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var bytes = bytes
        do throws(StreamError) {
            while true {
                if !reader.isInsideFrame { header.timestamp = rb_clock_ns() }
                let slot = UnsafeMutableRawPointer(rb_mailbox_writing(mailbox))!
                let memory = UnsafeMutableRawBufferPointer(
                    start: slot + SlotHeader.bytes, count: Self.mostFrameBytes)
                switch try reader.take(&bytes, into: memory) {
                case .more: return true
                case .bad(let bad): header.badFrames.count(bad)
                case .frame(let frame):
                    header.frame = frame
                    header.framesOfStream &+= 1
                    slot.storeBytes(of: header, as: SlotHeader.self)
                    header.sequence &+= 1
                    guard rb_mailbox_post(mailbox) else { return false }
                }
            }
        } catch {
            failure = .stream(error)
            return false
        }
    }
}

private func takeBytes(_ work: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
    work!.assumingMemoryBound(to: StreamWork.self).pointee.take(UnsafeRawBufferPointer(start: bytes, count: count))
}

/// For `rb_thread_start`, with a `StreamWork`.
func runStreamWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    work!.assumingMemoryBound(to: StreamWork.self).pointee.run()
    return nil
}

/// What stands in front of a frame's bytes.
struct SlotHeader {
    /// A multiple of 64, so that pixels begin where a driver's would.
    static var bytes: Int { 128 }

    var frame: StreamedFrame?
    var sequence: UInt32 = 0
    var timestamp: UInt64 = 0
    /// Since the stream began.
    var framesOfStream: UInt64 = 0
    var badFrames = BadFrameCounts()
}

/// How many frames of a stream were none, since it began.
struct BadFrameCounts {
    var cut: UInt64 = 0
    var noPicture: UInt64 = 0
    var tooLarge: UInt64 = 0

    mutating func count(_ bad: BadFrame) {
        switch bad {
        case .cut: cut += 1
        case .noPicture: noPicture += 1
        case .tooLarge: tooLarge += 1
        }
    }
}
