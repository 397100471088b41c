import HTTP
import Images
import Inference
import ModelFormat
import Platform
import Reports
import Text

/// Answers the pictures that clients of the page send, as `rarebit classify` does with the settings in use.
///
/// A thread of its own decodes a picture and runs the network, on an engine of its own that it makes for the first picture: it takes
/// as much memory as the run's, and no time of any frame. The run's thread, which alone knows the settings in use, then judges
/// the features between two frames.
struct Uploads: ~Copyable {
    private let work: UnsafeMutablePointer<UploadWork>
    private let ready: OpaquePointer
    private let top: Int
    private let memory: Memory
    private let policyBytes: Int

    init(_ settings: Settings, of model: Model) throws(ProgramError) {
        policyBytes = (Policy.byteCount(classes: Int(model.head.classes), heads: Int(model.head.heads)) + 63) & ~63
        let memory = try Memory(count: policyBytes + Int(RB_ANSWER_BYTES))
        var mailbox: OpaquePointer?
        let status = rb_mailbox_make(64, false, &mailbox)
        guard status == 0, let mailbox else { throw .failure(.noMemory(bytes: 3 * 64, status: status)) }
        let state = try Memory.keeping(count: MemoryLayout<UploadWork>.size)
        let work = UnsafeMutableRawPointer(state.baseAddress!).bindMemory(to: UploadWork.self, capacity: 1)
        work.initialize(to: try UploadWork(settings, running: model, ready: mailbox))
        var thread = rb_thread()
        let started = rb_thread_start(runUploadWork, work, &thread)
        guard started == 0 else { throw .failure(.cannotStartThreads(1, status: started)) }
        (self.work, ready, top) = (work, mailbox, settings.judging.top)
        self.memory = memory
    }

    /// Answers a picture whose features are there.
    mutating func turn(_ judge: borrowing Judge) {
        var superseded: UInt64 = 0
        guard rb_mailbox_take(ready, &superseded) != nil, let engine = work.pointee.engine else { return }
        var policy = Policy(
            forSinglePicturesLike: judge.policy,
            memory: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<policyBytes]))
        let answer = Answer(
            judging: engine, alpha: judge.alpha, policy: &policy, top: top, at: 0,
            inputChecksum: work.pointee.inputChecksum)
        var text = TextWriter(BufferSink(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[policyBytes...])))
        text.record { $0.members(of: answer) }
        let bytes = text.finish().bytes
        rb_page_answer_upload(200, bytes.baseAddress, bytes.count)
    }
}

/// What the thread does that looks at clients' pictures. It has one at a time, and the next only when that is answered.
struct UploadWork: ~Copyable {
    /// The most pixels of a picture: three times as many bytes are decoded.
    private static var mostPixels: Int { 1 << 25 }

    private let path: CText
    private let trust: CText?
    private let view: FrameView
    /// What the run answers with.
    private let running: Model
    private let ready: OpaquePointer
    private let message: ImageMessage
    private var loaded: LoadedModel?
    /// With the features of the last picture, once something was posted to `ready`.
    private(set) var engine: Engine?
    private(set) var inputChecksum: UInt32 = 0

    init(_ settings: Settings, running: Model, ready: OpaquePointer) throws(ProgramError) {
        (path, trust, view) = (settings.model, settings.trust, settings.view)
        (self.running, self.ready) = (running, ready)
        message = ImageMessage(try Memory(count: Int(RB_IMAGE_MESSAGE_BYTES)))
    }

    mutating func run() {
        while true {
            var bytes: UnsafePointer<UInt8>?
            let count = rb_page_await_upload(&bytes)
            do throws(ProgramError) {
                try look(at: UnsafeRawBufferPointer(start: bytes, count: count))
                _ = rb_mailbox_post(ready)
            } catch {
                refuse(error)
            }
        }
    }

    private mutating func look(at file: UnsafeRawBufferPointer) throws(ProgramError) {
        let picture = try DecodedPicture(
            file, named: "picture", message, ignoresEXIF: false, limit: Self.mostPixels)
        if engine == nil { try prepare() }
        try picture.quantise(view, into: engine!)
        inputChecksum = Checksum.of(UnsafeRawBufferPointer(engine!.inputBytes))
        engine!.runBackbone { _ in }
    }

    /// Reads the file once more: the run has given back the weights that it has packed.
    private mutating func prepare() throws(ProgramError) {
        let model = try LoadedModel(path: path, trust: trust)
        setActivity("classifying frames")
        let header = Layout.headerBytes
        guard
            UnsafeRawBufferPointer(rebasing: model.model.bytes[..<header])
                .isEqual(to: UnsafeRawBufferPointer(rebasing: running.bytes[..<header]))
        else { throw .failure(.modelChanged(path)) }
        engine = model.engine
        loaded = consume model
    }

    private func refuse(_ error: ProgramError) {
        var memory = InlineArray<512, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &memory) {
            var text = TextWriter(BufferSink($0))
            text.record { $0.member("error", error.text) }
            let bytes = text.finish().bytes
            rb_page_answer_upload(400, bytes.baseAddress, bytes.count)
        }
    }
}

/// For `rb_thread_start`, with an `UploadWork`.
func runUploadWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    work!.assumingMemoryBound(to: UploadWork.self).pointee.run()
    return nil
}
