import Camera
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// Where and how a run's answers and events are told: JSON records, plain lines, or a live view on a terminal. Events are
/// JSON records among the others, else lines on standard error; there they also go where the JSON goes elsewhere than
/// standard output, and always if they are about the output.
struct Reporter: ~Copyable {
    private enum Form { case json, lines, live }

    private static let finishTime: UInt64 = 1_000_000_000

    private(set) var output: RecordOutput
    private var record: TextWriter<BufferSink>
    private var live = LiveView()
    private let form: Form
    private let logsAll: Bool
    /// Whether the terminal's keys are the program's.
    private let takesKeys: Bool
    private let memory: Memory
    private let target: OutputTarget
    /// The camera's or recording's path.
    private let source: CText

    /// `top`: how many classes an answer has at most. `isCamera`: whether waiting for a reader would lose frames.
    init(
        _ settings: OutputSettings, isJSON: Bool, model: Model, top: Int, source: CText, isCamera: Bool
    ) throws(ProgramError) {
        let target = settings.target
        let recordBytes = FrameRecord.mostBytes(model: model, top: top)
        let memory = try Memory(count: recordBytes + RecordOutput.byteCount(target, recordBytes: recordBytes))
        let bytes = memory.bytes
        do throws(OutputError) {
            output = try RecordOutput(
                target, pressure: settings.pressure ?? (isCamera ? .drops : .waits), recordBytes: recordBytes,
                memory: UnsafeMutableRawBufferPointer(rebasing: bytes[recordBytes...]))
        } catch {
            throw .failure(.cannotWrite(target, status: error.status))
        }
        record = TextWriter(BufferSink(UnsafeMutableRawBufferPointer(rebasing: bytes[..<recordBytes])))
        form = isJSON ? .json : settings.isStandard && rb_is_terminal(1) ? .live : .lines
        logsAll = !(isJSON && settings.isStandard)
        takesKeys = form == .live && rb_terminal_take_keys()
        self.memory = memory
        self.target = target
        self.source = source
    }

    /// Whether the checksum of a frame's input is told.
    var tellsChecksums: Bool { form == .json }

    /// Tells the answer to a frame. False where nobody will read any more answers.
    mutating func report(_ frame: FrameRecord, _ answer: Answer, smoothed: Bool, now: UInt64) throws(ProgramError)
        -> Bool
    {
        switch form {
        case .json: record.writeRecord(of: frame, answer, smoothed: smoothed)
        case .lines: record.writeLine(of: frame, answer)
        case .live: live.show(frame, answer, now: now, columns: Int(rb_terminal_columns(1)), on: &record)
        }
        return try writeRecord()
    }

    mutating func report(_ event: RunEvent) throws(ProgramError) -> Bool {
        if logsAll {
            // A run without incidents ends in silence, like other programs.
            if case .summary(let totals, _) = event, !totals.hasIncidents { return try writeRecord(of: event) }
            log(event)
        }
        return try writeRecord(of: event)
    }

    private mutating func writeRecord(of event: RunEvent) throws(ProgramError) -> Bool {
        guard form == .json else { return true }
        record.writeRecord(of: event, now: rb_clock_ns())
        return try writeRecord()
    }

    /// Lets the output do what is due between records.
    mutating func turn() throws(ProgramError) -> Bool {
        output.turn()
        guard let notice = output.takeNotice() else { return true }
        if !logsAll {
            log(.output(notice))
        }
        return try report(.output(notice))
    }

    /// Says something in a line on standard error, such as why a configuration is not taken.
    mutating func log(_ body: (inout TextWriter<DescriptorSink>) -> Void) {
        live.leave()
        var line = TextWriter(DescriptorSink.log)
        line.write("rarebit: ")
        body(&line)
        line.write("\n")
        line.flush()
    }

    /// The same about a file or a source of frames.
    mutating func log(of name: CText, _ body: (inout TextWriter<DescriptorSink>) -> Void) {
        log { line in
            line.write("\(name): ")
            body(&line)
        }
    }

    // MARK: Keys

    /// What a key that was pressed asks of the run, besides what it asks of the view; nil where none was.
    mutating func takeKey() -> RunKey? {
        while takesKeys {
            switch rb_terminal_key() {
            case Int32(UInt8(ascii: "q")), Int32(UInt8(ascii: "Q")): return .quit
            // The key of a plus has an equals sign below it.
            case Int32(UInt8(ascii: "+")), Int32(UInt8(ascii: "=")): return .raiseAlpha
            case Int32(UInt8(ascii: "-")), Int32(UInt8(ascii: "_")): return .lowerAlpha
            case Int32(UInt8(ascii: " ")): live.toggleHold()
            case -1: return nil
            default: break
            }
        }
        return nil
    }

    mutating func reopen() { output.reopen() }

    /// Nothing can be told any more.
    mutating func finish() {
        if takesKeys { rb_terminal_restore() }
        output.finish(deadline: rb_clock_ns() + Self.finishTime)
        output.close()
    }

    private mutating func log(_ event: RunEvent) {
        log(of: source) { $0.write(event) }
    }

    private mutating func writeRecord() throws(ProgramError) -> Bool {
        record.flush()
        defer { record.sink.clear() }
        switch output.write(record.sink.bytes) {
        case .goesOn: return true
        case .readerWentAway: return false
        case .failed(let status):
            if case .stream = target { throw .failure(.output(status: status)) }
            throw .failure(.cannotWrite(target, status: status))
        }
    }
}

/// What keys of the live view ask for.
enum RunKey {
    case quit, raiseAlpha, lowerAlpha
}
