import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// The loop of `rarebit run`: one frame after another on its path, in one thread, with everything else that must go on
/// beside it even while no frames come.
struct RunLoop: ~Copyable {
    /// How long to wait for a frame before looking after everything else, nanoseconds.
    private static let longestWait: UInt64 = 250_000_000

    private var invocation: Invocation
    /// The camera's or recording's path.
    private let name: CText
    private var path: FramePath
    private var watch = SourceWatch()
    /// nil: nobody asked for metrics or a page.
    private var web: WebServer?
    /// nil: there is no page.
    private var uploads: Uploads?
    /// What answers are judged by now: the page can change it.
    private var judging: JudgingSettings
    private var manager = ServiceManager()
    private var totals = RunTotals()
    private var times = RunTimes()
    private let begin = rb_clock_ns()
    /// Where the configuration is read again: the texts of the settings in use lie in the other half.
    private let rereading: Memory
    private var isRereadingInSecondHalf = false

    init(_ invocation: Invocation, _ engine: Engine, source name: CText, isCamera: Bool) throws(ProgramError) {
        let settings = invocation.settings
        var path = try FramePath(
            settings, engine,
            to: try Reporter(
                settings.run.output, isJSON: settings.isJSON, model: engine.model, top: settings.judging.top,
                source: name, isCamera: isCamera),
            page: settings.run.page.place == nil
                ? nil
                : try Page(
                    model: engine.model, path: settings.model, source: name, keeps: settings.run.keep.folder != nil),
            keeper: settings.run.keep.folder == nil
                ? nil
                : try Keeper(
                    to: settings.run.keep.folder!, settings, model: engine.model, source: name, isCamera: isCamera))
        // Before anybody can ask for them.
        path.page?.publishSettings(path.judge, place: nil)
        var web = WebServer?.none
        if settings.run.metrics != nil || settings.run.page.place != nil {
            web = try WebServer(
                metrics: settings.run.metrics, page: settings.run.page, picture: path.pagePicture(),
                model: settings.model, source: name)
        }
        let uploads = settings.run.page.place == nil ? nil : try Uploads(settings, of: engine.model)
        rereading = try Memory(count: 2 * (ConfigurationText.limit + 1))
        self.invocation = invocation
        self.name = name
        self.path = path
        self.web = web
        self.uploads = uploads
        judging = settings.judging
    }

    /// Until the source ends, enough frames are answered, nobody reads the answers, or the program is asked to stop.
    mutating func run<Source: FrameSource & ~Copyable>(on source: inout Source) throws(ProgramError) {
        setActivity("classifying frames")
        tellDoubt()
        if invocation.settings.run.configuration != nil || invocation.settings.run.output.isFile {
            rb_let_hangup_reload()
        }
        let goesOn = try answerFrames(of: &source)
        manager.tellStopping()
        path.keeper?.finish()
        tellKeeping()
        updateTotals(from: source)
        if goesOn {
            _ = try path.reporter.report(.summary(totals, path.engine.model))
        }
        path.reporter.finish()
        switch source.failure {
        case .camera(let error)?: throw .failure(.camera(name, error))
        case .recording(let error)?: throw .failure(.recording(name, error))
        case .folder(let error)?: throw .failure(.folder(name, error))
        case nil: break
        }
    }

    /// False where nobody reads the answers any more.
    private mutating func answerFrames<Source: FrameSource & ~Copyable>(
        of source: inout Source
    ) throws(ProgramError) -> Bool {
        while path.answered < invocation.settings.run.count {
            let delivery = source.next(deadline: rb_clock_ns() + Self.longestWait)
            if let notice = source.takeNotice() {
                path.reporter.log(of: name) { $0.write("\(notice)") }
            }
            guard try tellEvents(of: source) else { return false }
            switch consume delivery {
            case .frame(let frame):
                guard try follow(source, to: frame) else {
                    source.release(frame)
                    source.reportUndecodable()
                    continue
                }
                guard try answer(frame, of: &source) else { return false }
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

    /// False where a picture has a size that cannot be seen, which the next one of its folder need not have.
    private mutating func follow<Source: FrameSource & ~Copyable>(
        _ source: borrowing Source, to frame: borrowing Frame
    ) throws(ProgramError) -> Bool {
        do throws(ProgramError) {
            guard try path.follow(source) else { return true }
        } catch {
            guard let picture = frame.name else { throw error }
            path.reporter.log(of: name) { $0.write("\(picture): passed over: \(error)") }
            return false
        }
        if let mode = source.mode { tell(mode) }
        let place = path.place
        path.page?.publishSettings(path.judge, place: place)
        return true
    }

    private mutating func answer<Source: FrameSource & ~Copyable>(
        _ frame: consuming Frame, of source: inout Source
    ) throws(ProgramError) -> Bool {
        guard let passage = try path.answer(frame, of: &source) else {
            source.reportUndecodable()
            return true
        }
        if let oddity = path.takeOddity() {
            path.reporter.log(of: name) { $0.write(oddity) }
        }
        manager.frameAnswered()
        totals.tally.add(passage.verdict)
        times.add(frameAge(timestamp: passage.record.timestamp, at: passage.begun), to: .capture)
        times.add(passage.converted - passage.begun, to: .convert)
        times.add(passage.answered - passage.converted, to: .infer)
        times.add(passage.reported - passage.answered, to: .report)
        times.addAge(passage.record.age)
        path.page?.answered(
            passage.record, path.engine, path.judge, passage.verdict, totals: totals,
            board: web?.board ?? BoardConditions(), now: passage.answered)
        guard path.judge.takeNewEstimate() else { return passage.goesOn }
        if let report = path.judge.priorReport {
            guard try path.reporter.report(.prior(report)) else { return false }
        }
        return passage.goesOn
    }

    /// Tells what happened to the source. After a recovery the evidence of before counts no more.
    private mutating func tellEvents<Source: FrameSource & ~Copyable>(
        of source: borrowing Source
    ) throws(ProgramError) -> Bool {
        while let event = watch.nextEvent(
            counters: counters(of: source), status: source.status, lastRecovery: source.lastRecovery, now: rb_clock_ns()
        ) {
            if case .recovered = event {
                path.judge.restart()
            }
            guard try path.reporter.report(.source(event)) else { return false }
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
        if let isDue = web?.isDue(now: now), isDue {
            updateTotals(from: source)
            web?.publish(totals, times, of: path.engine.model, prior: path.judge.priorReport, now: now)
        }
        followKeys()
        let place = path.place
        switch path.page?.takeCommand() {
        case .change(let text)?: path.page?.change(text, &path.judge, &judging, place: place)
        case .keep?: path.keepNext()
        case nil: break
        }
        uploads?.turn(path.judge)
        if case .recovering(let fault) = source.status {
            path.page?.waiting(for: fault.kind, totals, web?.board ?? BoardConditions())
        }
        tellKeeping()
        return try path.reporter.turn()
    }

    private mutating func followKeys() {
        while let key = path.reporter.takeKey() {
            switch key {
            case .quit: rb_request_stop()
            case .raiseAlpha: changeAlpha(by: 0.1)
            case .lowerAlpha: changeAlpha(by: -0.1)
            }
        }
    }

    /// To a whole tenth.
    private mutating func changeAlpha(by step: Float) {
        var changed = judging
        changed.alpha = min(max((10 * (path.judge.alpha + step)).rounded() / 10, 0), 1000)
        do throws(ProgramError) {
            try path.judge.change(to: changed)
            judging = changed
            path.page?.publishSettings(path.judge, place: path.place)
        } catch {
            path.reporter.log { $0.write("\(error); the old settings stay") }
        }
    }

    /// "rarebit: /dev/video0: YUYV 640 x 480 at 30 frames a second"
    private mutating func tell(_ mode: CaptureMode) {
        path.reporter.log(of: name) { $0.write(mode.rate > 0 ? "\(mode) frames a second" : "\(mode)") }
    }

    private mutating func tellDoubt() {
        if let doubt = path.judge.doubt { path.reporter.log { $0.write("\(doubt)") } }
    }

    /// Takes from the configuration file what can change while the program runs; a file with a mistake changes nothing.
    private mutating func reload() {
        // Whoever sends the signal may have renamed the output file.
        path.reporter.reopen()
        guard let file = invocation.settings.run.configuration else { return }
        do throws(ProgramError) {
            let (settings, texts) = try invocation.readConfiguration(into: freeHalf)
            try path.judge.change(to: settings.judging)
            judging = settings.judging
            isRereadingInSecondHalf.toggle()
            let place = path.place
            path.page?.publishSettings(path.judge, place: place)
            logReload(of: file, texts)
            tellDoubt()
        } catch {
            path.reporter.log { $0.write("\(error); the old settings stay") }
        }
    }

    private var freeHalf: UnsafeMutableRawBufferPointer {
        let size = ConfigurationText.limit + 1
        let start = isRereadingInSecondHalf ? size : 0
        return UnsafeMutableRawBufferPointer(rebasing: rereading.bytes[start..<(start + size)])
    }

    /// "rarebit.conf: read again; a restart is needed for camera, top"
    private mutating func logReload(of file: CText, _ texts: OptionTexts) {
        let old = invocation.texts
        path.reporter.log(of: file) { line in
            line.write("read again")
            var separator: StaticString = "; a restart is needed for "
            for number in 0..<OptionTable.all.count {
                let option = OptionTable.all[number]
                guard option.isKey, !option.isLive, !texts.saysSame(as: old, of: number) else { continue }
                line.write("\(separator)\(option.name)")
                separator = ", "
            }
        }
    }

    private mutating func updateTotals<Source: FrameSource & ~Copyable>(from source: borrowing Source) {
        totals.answered = UInt64(path.answered)
        totals.duration = rb_clock_ns() - begin
        totals.counters = counters(of: source)
        totals.alpha = path.judge.alpha
        totals.kept = path.keptTotals
    }

    /// Those of the outputs are among them.
    private func counters<Source: FrameSource & ~Copyable>(of source: borrowing Source) -> CaptureCounters {
        var counters = source.counters
        counters[.outputFull] += path.reporter.output.lost
        counters[.outputGone] += path.reporter.output.gone
        counters[.keepFailed] += path.keepFailures
        return counters
    }

    private mutating func tellKeeping() {
        guard let folder = invocation.settings.run.keep.folder, let notice = path.keeper?.takeNotice() else { return }
        path.reporter.log(of: folder) { $0.write(notice) }
    }
}
