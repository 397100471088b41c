import Camera
import HTTP
import Inference
import ModelFormat
import Platform
import Reports
import Text

/// Where the live page is served, and who may look.
struct PageSettings {
    /// nil: nowhere.
    var place: OptionValue?
    /// Holds what clients must know.
    var tokenFile: CText?

    func check() throws(ProgramError) {
        guard tokenFile == nil || place != nil else { throw .usage(.needsPage) }
        if let place, tokenFile == nil, !rb_is_loopback_place(place.text.start) {
            throw .value(place, .needsToken)
        }
    }
}

/// What the run's thread does for the page: while nobody looks, it looks whether somebody does.
struct Page: ~Copyable {
    /// Classes that the page shows of a picture.
    private static var top: Int { 8 }

    private let model: Model
    private let source: CText
    private let modelPath: CText
    /// Whether frames can be kept.
    private let keeps: Bool
    private let memory: Memory
    /// Where the picture and the evidence are: one of each, as long as the program.
    private let state: Memory
    /// The map, and then the places' shares, of which the page is told: once somebody has looked.
    private var evidenceMemory: rb_memory?
    private var hasEvidence = false
    /// Whether somebody waited for the answer of the frame that is answered when that began: else its evidence is not there.
    private var isAnswerWanted = false
    private var changes: PageChanges
    /// The class whose evidence is shown; nil: the best one.
    private var explained: Int?
    private var rate = FrameRate()

    init(model: Model, path: CText, source: CText, keeps: Bool) throws(ProgramError) {
        let memory = try Memory(count: Int(RB_ANSWER_BYTES))
        let changes = try PageChanges()
        let state = try Memory(count: 4096 + 4096)
        (self.model, modelPath, self.source, self.keeps) = (model, path, source, keeps)
        self.memory = memory
        self.changes = changes
        self.state = state
        precondition(MemoryLayout<PagePicture>.size <= 4096 && MemoryLayout<Evidence>.size <= 4096)
        picture.initialize(to: PagePicture())
    }

    var picture: UnsafeMutablePointer<PagePicture> {
        state.bytes.baseAddress!.assumingMemoryBound(to: PagePicture.self)
    }

    private var evidence: UnsafeMutablePointer<Evidence> {
        (state.bytes.baseAddress! + 4096).assumingMemoryBound(to: Evidence.self)
    }

    // MARK: Frames

    private func wants(_ what: Int) -> Bool { rb_page_wants() & UInt32(what) != 0 }

    func show(_ frame: borrowing Frame, of geometry: FrameGeometry) {
        if wants(Int(RB_WANTS_PICTURE)) { picture.pointee.leave(frame, of: geometry) }
    }

    /// Where the next answer is to leave its evidence; nil where nobody looks, or the model has none.
    mutating func wantedEvidence() -> UnsafeMutablePointer<Evidence>? {
        isAnswerWanted = wants(Int(RB_WANTS_ANSWER))
        guard isAnswerWanted else { return nil }
        if evidenceMemory == nil {
            prepareEvidence()
        }
        return hasEvidence ? evidence : nil
    }

    /// Memory is taken when somebody looks for the first time; without it there is no map, and the answers go on.
    private mutating func prepareEvidence() {
        var memory = rb_memory()
        defer { evidenceMemory = memory }
        guard let count = Evidence.byteCount(of: model), rb_map_memory(Self.padded(count) + 8 * count, &memory) == 0,
            let made = Evidence(
                of: model, memory: UnsafeMutableRawBufferPointer(start: memory.bytes, count: memory.count))
        else { return }
        evidence.initialize(to: made)
        hasEvidence = true
    }

    private static func padded(_ count: Int) -> Int { (count + 63) & ~63 }

    /// Two numbers of each place, behind the map.
    private var shares: UnsafeMutableBufferPointer<Float> {
        let start = UnsafeMutableRawPointer(evidenceMemory!.bytes!) + Self.padded(Evidence.byteCount(of: model)!)
        return UnsafeMutableBufferPointer(
            start: start.assumingMemoryBound(to: Float.self), count: 2 * evidence.pointee.places)
    }

    mutating func answered(
        _ record: FrameRecord, _ engine: Engine, _ judge: borrowing Judge, _ verdict: Verdict, totals: RunTotals,
        board: BoardConditions, now: UInt64
    ) {
        rate.add(now)
        guard isAnswerWanted else { return }
        let top = judge.policy.ranked(plain: engine.plainLogits, adjusted: engine.logits, top: Self.top)
        var text = TextWriter(BufferSink(memory.bytes))
        text.beginRecord()
        text.member("status", "streaming" as Message)
        text.members(
            of: record, verdict, top: top, of: model, alpha: judge.alpha, rate: rate.perSecond, totals, board)
        if let report = judge.priorReport { text.object("prior") { $0.members(of: report) } }
        if hasEvidence, top.count > 0 {
            let floats = shares
            let places = evidence.pointee.places
            let (plain, adjusted) = (
                UnsafeMutableBufferPointer(rebasing: floats[..<places]),
                UnsafeMutableBufferPointer(rebasing: floats[places...])
            )
            let index = explained ?? top[0].index
            evidence.pointee.shares(
                of: index, alpha: judge.alpha, engine, weighedBy: judge.policy, plain: plain, adjusted: adjusted)
            text.members(
                ofEvidenceFor: index, of: model, rows: evidence.pointee.rows, columns: evidence.pointee.columns,
                plain: plain, adjusted: adjusted)
        }
        text.endObject()
        let bytes = text.finish().bytes
        rb_page_publish_answer(bytes.baseAddress, bytes.count)
    }

    /// To be called while no frames come.
    func waiting(for fault: FaultKind, _ totals: RunTotals, _ board: BoardConditions) {
        guard wants(Int(RB_WANTS_ANSWER)) else { return }
        var text = TextWriter(BufferSink(memory.bytes))
        text.beginRecord()
        text.member("status", fault.name)
        text.members(of: totals, board)
        text.endObject()
        let bytes = text.finish().bytes
        rb_page_publish_answer(bytes.baseAddress, bytes.count)
    }

    // MARK: Settings

    func publishSettings(_ judge: borrowing Judge, place: InputPlace?) {
        var text = TextWriter(BufferSink(memory.bytes))
        write(judge, place: place, to: &text)
        let bytes = text.finish().bytes
        rb_page_publish_settings(bytes.baseAddress, bytes.count)
    }

    private func write(_ judge: borrowing Judge, place: InputPlace?, to text: inout TextWriter<BufferSink>) {
        let policy = judge.policy
        text.record {
            $0.member("model", modelPath)
            $0.member("source", source)
            $0.members(ofSettings: model, alpha: judge.alpha, policy, place: place)
            $0.member("prior", judge.prior.name)
            if let fault = model.priorFault { $0.member("no_prior", fault.text(of: "")) }
            $0.member("explains", explained ?? -1)
            $0.member("keeps", keeps)
        }
    }

    /// What a client asks for, to be answered.
    enum Command {
        case change(CText)
        case keep
    }

    func takeCommand() -> Command? {
        var text: UnsafePointer<CChar>?
        switch rb_page_take_command(&text) {
        case RB_CHANGE_SETTINGS: return .change(CText(text!))
        case RB_KEEP_FRAME: return .keep
        default: return nil
        }
    }

    /// Says which frame is kept.
    func replyKept(_ frame: Int) {
        var answer = TextWriter(BufferSink(memory.bytes))
        answer.record { $0.member("frame", frame) }
        reply(200, &answer)
    }

    func refuseKeeping() {
        var answer = TextWriter(BufferSink(memory.bytes))
        answer.record { $0.member("error", "frames are kept where the program was started with --keep DIR" as Message) }
        reply(409, &answer)
    }

    /// Changes the settings as a client asks. `judging`: those in use.
    mutating func change(
        _ text: CText, _ judge: inout Judge, _ judging: inout JudgingSettings, place: InputPlace?
    ) {
        var changed = judging
        var answer = TextWriter(BufferSink(memory.bytes))
        do throws(ProgramError) {
            let explained = try changes.read(text, into: &changed, explained: explained, of: model)
            try judge.change(to: changed)
            changes.keep()
            (judging, self.explained) = (changed, explained)
            publishSettings(judge, place: place)
            write(judge, place: place, to: &answer)
            reply(200, &answer)
        } catch {
            answer.record { $0.member("error", error.text) }
            reply(400, &answer)
        }
    }

    private func reply(_ status: Int32, _ answer: inout TextWriter<BufferSink>) {
        answer.flush()
        let bytes = answer.sink.bytes
        rb_page_reply(status, bytes.baseAddress, bytes.count)
    }
}

/// Frames a second, over about the last second.
struct FrameRate {
    private var last: UInt64 = 0
    /// Between frames, nanoseconds, averaged.
    private var interval = 0.0

    var perSecond: Double { interval > 0 ? 1e9 / interval : 0 }

    mutating func add(_ now: UInt64) {
        defer { last = now }
        guard last > 0 else { return }
        let latest = Double(now - min(last, now))
        // A longer one counts for more, so that the average is over time and not over frames.
        let weight = min(latest / 1e9, 1)
        interval = interval == 0 ? latest : (1 - weight) * interval + weight * latest
    }
}
