import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// Keeps the frames that are worth labelling. The run's thread chooses and copies them; a thread of its own encodes and writes
/// them, in memory that stays. Where that one is behind, a camera's frame is passed over, and counted: none waits. Those of a
/// recording wait.
struct Keeper: ~Copyable {
    /// One is written while the next one waits.
    private static var mostWaiting: UInt64 { 2 }

    /// What is to be told, once each time.
    enum Notice {
        /// With a negative error number.
        case failing(Int32)
        /// Frames of a format that only one thread can convert.
        case foreignFormat
        case goesOn
    }

    let folder: CText
    /// Somebody asks for the next frame.
    var isAsked = false
    private var selection: FrameSelection
    private let model: CText
    private let source: CText
    private let recordBytes: Int
    private let waits: Bool
    private let memory: Memory
    private let jobs: OpaquePointer
    private let results: OpaquePointer
    private let thread: rb_thread
    private var handedOver: UInt64 = 0
    private var latest = KeepResults()
    private var passedOver: UInt64 = 0
    private var ofForeignFormats: UInt64 = 0
    private var isFailing = false
    private var notice: Notice?

    /// Frames go into the folder at `path`, by the rules of the settings. `source`: as records name it. `isCamera`: whether
    /// waiting would lose frames.
    init(
        to path: CText, _ settings: Settings, model: Model, source: CText, isCamera: Bool
    ) throws(ProgramError) {
        let keep = settings.run.keep
        let rules = try keep.readRules()
        if rules.rare, !model.tellsClassCounts { throw .value(keep.rules!, .rareNeedsClassCounts) }
        let memory = try Memory(count: FrameSelection.byteCount(of: model))
        let recordBytes = (FrameRecord.mostBytes(model: model, top: settings.judging.top) + 63) & ~63
        let jobs = try Self.mailbox(
            slotBytes: KeepJob.headerBytes + recordBytes + KeepWork.mostFrameBytes, waits: !isCamera)
        let results = try Self.mailbox(slotBytes: 64, waits: false)
        let work = try Memory.keeping(count: MemoryLayout<KeepWork>.size)
        let state = UnsafeMutableRawPointer(work.baseAddress!).bindMemory(to: KeepWork.self, capacity: 1)
        state.initialize(
            to: KeepWork(
                folder: try Self.open(path, keep.usedLimit), brightness: settings.view.brightness, jobs: jobs,
                results: results))
        var thread = rb_thread()
        let status = rb_thread_start(runKeepWork, state, &thread)
        guard status == 0 else { throw .failure(.cannotStartThreads(1, status: status)) }
        selection = FrameSelection(rules, keep.spacing ?? FrameSelection.Spacing(), of: model, memory: memory.bytes)
        (folder, self.model, self.source, self.recordBytes) = (path, settings.model, source, recordBytes)
        (self.jobs, self.results, self.thread) = (jobs, results, thread)
        self.memory = memory
        waits = !isCamera
    }

    private static func mailbox(slotBytes: Int, waits: Bool) throws(ProgramError) -> OpaquePointer {
        var mailbox: OpaquePointer?
        let status = rb_mailbox_make(slotBytes, waits, &mailbox)
        guard status == 0, let mailbox else { throw .failure(.noMemory(bytes: slotBytes, status: status)) }
        return mailbox
    }

    private static func open(_ path: CText, _ limit: FrameFolder.Limit) throws(ProgramError) -> FrameFolder {
        let memory = try Memory.keeping(count: FrameFolder.byteCount(limit))
        do throws(OutputError) {
            return try FrameFolder(path: path, limit, memory: memory)
        } catch {
            throw .failure(.cannotKeep(path, status: error.status))
        }
    }

    // MARK: Frames

    /// To be called with each frame that was answered, before it is released. `place`: where in it the model's input came from.
    /// True where it will be kept.
    mutating func consider(
        _ frame: borrowing Frame, of geometry: FrameGeometry, _ place: InputPlace?, _ record: FrameRecord,
        _ answer: Answer, by judge: borrowing Judge
    ) -> Bool {
        let reasons = selection.reasons(for: answer, by: judge.policy, at: record.timestamp, isAsked: isAsked)
        guard !reasons.isEmpty else { return false }
        guard FrameEncoder.takes(geometry.format) else {
            ofForeignFormats += 1
            if ofForeignFormats == 1 { notice = .foreignFormat }
            return false
        }
        takeResults()
        guard waits || handedOver - latest.done < Self.mostWaiting else {
            passedOver += 1
            return false
        }
        let kept = KeptFrame(
            reasons: reasons, timeOfDay: rb_time_of_day() - Int64(record.age / 1_000_000_000), geometry: geometry,
            place: place, model: model, source: source)
        guard handOver(frame, kept, record, answer, smoothed: judge.policy.rules.smoothing > 0) else {
            passedOver += 1
            return false
        }
        selection.remember(answer, for: reasons, at: record.timestamp)
        isAsked = false
        return true
    }

    /// False where the frame is too large.
    private mutating func handOver(
        _ frame: borrowing Frame, _ kept: KeptFrame, _ record: FrameRecord, _ answer: Answer, smoothed: Bool
    ) -> Bool {
        let slot = UnsafeMutableRawPointer(rb_mailbox_writing(jobs))!
        let pixels = UnsafeMutableRawBufferPointer(
            start: slot + KeepJob.headerBytes + recordBytes, count: KeepWork.mostFrameBytes)
        guard let copy = frame.copy(into: pixels, of: kept.geometry) else { return false }
        var text = TextWriter(
            BufferSink(UnsafeMutableRawBufferPointer(start: slot + KeepJob.headerBytes, count: recordBytes)))
        text.writeRecord(of: kept, record, answer, smoothed: smoothed)
        let job = KeepJob(
            frame: copy, geometry: kept.geometry, timeOfDay: kept.timeOfDay, record: text.finish().bytes)
        job.write(to: slot)
        handedOver += 1
        return rb_mailbox_post(jobs)
    }

    // MARK: How it goes

    /// Frames that could not be kept.
    var failures: UInt64 { latest.failed + ofForeignFormats }

    var totals: KeptTotals {
        var totals = KeptTotals()
        (totals.kept, totals.passedOver) = (latest.kept, passedOver)
        return totals
    }

    /// To be called between frames.
    mutating func takeNotice() -> Notice? {
        takeResults()
        defer { notice = nil }
        return notice
    }

    private mutating func takeResults() {
        var superseded: UInt64 = 0
        guard let slot = rb_mailbox_take(results, &superseded) else { return }
        latest = UnsafeRawPointer(slot).load(as: KeepResults.self)
        let fails = latest.status != 0
        if fails != isFailing {
            notice = fails ? .failing(latest.status) : .goesOn
            isFailing = fails
        }
    }

    /// Waits until all is written that was chosen. No more frames can be kept then.
    mutating func finish() {
        rb_mailbox_close(jobs)
        rb_thread_join(thread)
        takeResults()
    }
}

extension Keeper.Notice: TextConvertible {
    var text: Message {
        switch self {
        case .failing(let status): "frames cannot be kept: \(systemError: status)"
        case .foreignFormat:
            "frames of this format cannot be kept, since only one thread can convert them; give another --format"
        case .goesOn: "frames are kept again"
        }
    }
}
