import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// The loop of `rarebit run`: frame -> input tensor -> logits -> answer -> output, in one thread, with everything else that
/// must go on beside it even while no frames come.
struct RunLoop: ~Copyable {
    /// How long to wait for a frame before looking after everything else, nanoseconds.
    private static let longestWait: UInt64 = 250_000_000

    private var invocation: Invocation
    private let engine: Engine
    /// The camera's or recording's path.
    private let name: UnsafePointer<CChar>
    private var judge: Judge
    private var reporter: Reporter
    private var watch = SourceWatch()
    /// nil: nobody asked for metrics.
    private var metrics: MetricsServer?
    private var manager = ServiceManager()
    private var totals = RunTotals()
    private var times = RunTimes()
    private let begin = rb_clock_ns()
    /// Where the configuration is read again.
    private let rereading: Memory

    init(
        _ invocation: Invocation, _ engine: Engine, source name: UnsafePointer<CChar>, isCamera: Bool
    ) throws(ProgramError) {
        let judge = try Judge(invocation.settings, of: engine.model)
        let reporter = try Reporter(invocation.settings, model: engine.model, source: name, isCamera: isCamera)
        var metrics = MetricsServer?.none
        if let place = invocation.settings.metrics {
            metrics = try MetricsServer(at: place, model: invocation.settings.model, source: name)
        }
        rereading = try Memory(count: ConfigurationText.limit + 1)
        self.invocation = invocation
        self.engine = engine
        self.name = name
        self.judge = judge
        self.reporter = reporter
        self.metrics = metrics
    }

    /// Until the source ends, enough frames are answered, nobody reads the answers, or the program is asked to stop.
    mutating func run<Source: FrameSource & ~Copyable>(on source: inout Source) throws(ProgramError) {
        setActivity("classifying frames")
        if invocation.settings.configuration != nil || invocation.settings.output.isFile {
            rb_let_hangup_reload()
        }
        let goesOn = try answerFrames(of: &source)
        manager.tellStopping()
        updateTotals(from: source)
        if goesOn {
            _ = try reporter.report(.summary(totals))
        }
        reporter.finish()
        switch source.failure {
        case .camera(let error)?: throw .camera(name, error)
        case .recording(let error)?: throw .recording(name, error)
        case nil: break
        }
    }

    /// False where nobody reads the answers any more.
    private mutating func answerFrames<Source: FrameSource & ~Copyable>(
        of source: inout Source
    ) throws(ProgramError) -> Bool {
        var view = SourceView(invocation.settings.view)
        while totals.answered < invocation.settings.count {
            let delivery = source.next(deadline: rb_clock_ns() + Self.longestWait)
            guard try tellEvents(of: source) else { return false }
            switch consume delivery {
            case .frame(let frame):
                if try view.follow(source, for: engine.model.input), let mode = source.mode {
                    tell(mode)
                }
                guard try answer(frame, of: &source, through: &view) else { return false }
            case .idle:
                if source.status != .streaming {
                    manager.recoveryStepTaken()
                }
            case .ended: return true
            }
            guard try turn(source) else { return false }
        }
        return true
    }

    private mutating func answer<Source: FrameSource & ~Copyable>(
        _ frame: consuming Frame, of source: inout Source, through view: inout SourceView
    ) throws(ProgramError) -> Bool {
        let (sequence, timestamp, start) = (frame.sequence, frame.timestamp, rb_clock_ns())
        let isPicture = view.show(frame.pixels, to: engine)
        source.release(frame)
        guard isPicture else {
            source.reportUndecodable()
            return true
        }
        let converted = rb_clock_ns()
        let answer = judge.answer(
            from: engine, top: invocation.settings.top, at: timestamp, checksInput: reporter.tellsChecksums)
        let now = rb_clock_ns()
        let record = FrameRecord(
            number: Int(totals.answered), sequence: sequence, timestamp: timestamp, answered: now)
        totals.answered += 1
        var goesOn = try reporter.report(record, answer, smoothed: judge.policy.rules.smoothing > 0, now: now)
        if goesOn, let seen = answer.verdict.newlyConfirmed {
            goesOn = try reporter.report(.seen(record, seen, engine.model))
        }
        manager.frameAnswered()
        times.add(frameAge(timestamp: timestamp, at: start), to: .capture)
        times.add(converted - start, to: .convert)
        times.add(now - converted, to: .infer)
        times.add(rb_clock_ns() - now, to: .report)
        times.addAge(record.age)
        return goesOn
    }

    /// Tells what happened to the source. After a recovery the evidence of before counts no more.
    private mutating func tellEvents<Source: FrameSource & ~Copyable>(
        of source: borrowing Source
    ) throws(ProgramError) -> Bool {
        while let event = watch.nextEvent(
            counters: source.counters, status: source.status, lastRecovery: source.lastRecovery, now: rb_clock_ns())
        {
            if case .recovered = event {
                judge.restart()
            }
            guard try reporter.report(.source(event)) else { return false }
        }
        return true
    }

    /// Everything that goes on whether frames come or not.
    private mutating func turn<Source: FrameSource & ~Copyable>(
        _ source: borrowing Source
    ) throws(ProgramError) -> Bool {
        let now = rb_clock_ns()
        if rb_reload_requested() {
            manager.tellReloading(now: now)
            reload()
        }
        var activity = ServiceActivity.classifying
        if case .recovering(let fault) = source.status {
            activity = .searching(reason: fault.kind.name)
        }
        manager.tell(activity, source: name, now: now)
        if let isDue = metrics?.isDue(now: now), isDue {
            updateTotals(from: source)
            metrics?.publish(totals, times, now: now)
        }
        return try reporter.turn()
    }

    /// "rarebit: /dev/video0: YUYV 640 x 480 at 30 frames a second"
    private mutating func tell(_ mode: CaptureMode) {
        reporter.log(of: name) { line in
            line.append(mode)
            line.append(mode.rate > 0 ? " frames a second" : "")
        }
    }

    /// Takes from the configuration file what can change while the program runs; a file with a mistake changes nothing.
    private mutating func reload() {
        // Whoever sends the signal may have renamed the output file.
        reporter.reopen()
        guard let path = invocation.settings.configuration else { return }
        do throws(ProgramError) {
            let (settings, texts) = try invocation.readConfiguration(into: rereading.bytes)
            try judge.change(to: settings, of: engine.model)
            logReload(of: path, texts)
        } catch {
            reporter.log { line in
                line.append(reason: error)
                line.append("; the old settings stay")
            }
        }
    }

    /// "rarebit.conf: read again; a restart is needed for camera, top"
    private mutating func logReload(of path: UnsafePointer<CChar>, _ texts: OptionTexts) {
        let old = invocation.texts
        reporter.log(of: path) { line in
            line.append("read again")
            var separator: StaticString = "; a restart is needed for "
            for number in 0..<OptionTable.all.count {
                let option = OptionTable.all[number]
                guard option.isKey, !option.isLive, !texts.saysSame(as: old, of: number) else { continue }
                line.append(separator)
                line.append(option.name)
                separator = ", "
            }
        }
    }

    private mutating func updateTotals<Source: FrameSource & ~Copyable>(from source: borrowing Source) {
        totals.duration = rb_clock_ns() - begin
        totals.counters = source.counters
        totals.counters[.outputFull] += reporter.output.lost
        totals.counters[.outputGone] += reporter.output.gone
    }
}
