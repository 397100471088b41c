import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// The path of a frame: source -> input tensor -> logits -> answer -> whoever reads it. `run` and `bench --camera-path`
/// share it, so that the one measures what the other does.
struct FramePath: ~Copyable {
    let engine: Engine
    private let top: Int
    private var view: SourceView
    var judge: Judge
    var reporter: Reporter
    /// nil: there is none.
    var page: Page?
    /// nil: no frames are kept.
    var keeper: Keeper?
    /// How many frames were.
    private(set) var answered = 0

    init(
        _ settings: Settings, _ engine: Engine, to reporter: consuming Reporter, page: consuming Page? = nil,
        keeper: consuming Keeper? = nil
    ) throws(ProgramError) {
        view = SourceView(settings.view)
        judge = try Judge(settings.judging, of: engine.model)
        top = settings.judging.top
        self.engine = engine
        self.reporter = reporter
        self.page = page
        self.keeper = keeper
    }

    /// What the page shows; nil without one.
    mutating func pagePicture() -> UnsafeMutablePointer<PagePicture>? { page?.picture }

    // An optional lends what cannot be copied only for changes.

    /// nil: no frames are kept.
    var keptTotals: KeptTotals? {
        switch keeper {
        case .none: nil
        case .some(let keeper): keeper.totals
        }
    }

    var keepFailures: UInt64 {
        switch keeper {
        case .none: 0
        case .some(let keeper): keeper.failures
        }
    }

    /// Where in the frames the model's input comes from; nil before the first.
    var place: InputPlace? { view.place(of: engine.model.input) }

    /// Somebody who looks at the page wants the next frame kept.
    mutating func keepNext() {
        if keeper == nil { page?.refuseKeeping() } else { keeper!.isAsked = true }
    }

    /// To be called before each frame. True where the source's geometry is another than before, or the first.
    mutating func follow<Source: FrameSource & ~Copyable>(_ source: borrowing Source) throws(ProgramError) -> Bool {
        try view.follow(source, for: engine.model.input)
    }

    /// What is to be told of the frames, once.
    mutating func takeOddity() -> FrameOddity? { view.takeOddity() }

    /// Answers a frame, which it gives back to its source, and tells the answer; nil where the frame is no picture.
    mutating func answer<Source: FrameSource & ~Copyable>(
        _ frame: consuming Frame, of source: inout Source
    ) throws(ProgramError) -> Passage? {
        let (sequence, timestamp, begun) = (frame.sequence, frame.timestamp, rb_clock_ns())
        let name = frame.name
        let isPicture = view.show(frame.pixels, to: engine)
        if isPicture { page?.show(frame, of: view.geometry) }
        guard isPicture else {
            source.release(frame)
            return nil
        }
        // Whether a frame is kept, its answer tells; else it goes back at once, for a camera has few buffers.
        var held: Frame? = nil
        if keeper == nil {
            source.release(frame)
        } else {
            held = consume frame
        }
        let converted = rb_clock_ns()
        let answer = judge.answer(
            from: engine, top: top, at: timestamp, checksInput: reporter.tellsChecksums,
            keeping: page?.wantedEvidence() ?? nil)
        let now = rb_clock_ns()
        let record = FrameRecord(
            number: answered, sequence: sequence, image: name, timestamp: timestamp, answered: now)
        answered += 1
        if let frame = held.take() {
            let place = place
            let isAsked = keeper!.isAsked
            let isKept = keeper!.consider(frame, of: view.geometry, place, record, answer, by: judge)
            if isAsked && isKept { page?.replyKept(record.number) }
            source.release(frame)
        }
        var goesOn = try reporter.report(record, answer, smoothed: judge.policy.rules.smoothing > 0, now: now)
        if goesOn, let seen = answer.verdict.newlyConfirmed {
            goesOn = try reporter.report(.seen(record, seen, engine.model))
        }
        return Passage(
            record: record, verdict: answer.verdict, begun: begun, converted: converted, answered: now,
            reported: rb_clock_ns(), goesOn: goesOn)
    }
}

/// A frame that was answered, and when each part of its path was done: nanoseconds of the monotonic clock.
struct Passage {
    let record: FrameRecord
    let verdict: Verdict
    /// When the source had given the frame.
    let begun: UInt64
    /// Its pixels were the model's input.
    let converted: UInt64
    /// The answer was there.
    let answered: UInt64
    /// The answer was told.
    let reported: UInt64
    /// False where nobody will read any more answers.
    let goesOn: Bool
}
