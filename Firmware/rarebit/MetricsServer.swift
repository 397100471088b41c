import HTTP
import Platform
import Reports
import Text

/// The metrics of a run, served over HTTP by a thread of their own. The run's thread only writes their text, once a second.
struct MetricsServer: ~Copyable {
    private static var interval: UInt64 { 1_000_000_000 }

    private let model: CText
    private let source: CText
    private let memory: Memory
    private var board = BoardConditions()
    private var due: UInt64 = 0

    /// `source`: the camera's or recording's path.
    init(at place: OptionValue, model: CText, source: CText) throws(ProgramError) {
        let listener = rb_tcp_listen(place.text.start)
        guard listener >= 0 else { throw .failure(.cannotServe(place, status: listener)) }
        let status = rb_metrics_start(listener)
        guard status == 0 else { throw .failure(.cannotServe(place, status: status)) }
        memory = try Memory(count: Int(RB_METRICS_BYTES))
        self.model = model
        self.source = source
    }

    /// Whether a new text is due.
    func isDue(now: UInt64) -> Bool { now >= due }

    mutating func publish(_ totals: RunTotals, _ times: RunTimes, now: UInt64) {
        var conditions = rb_conditions()
        rb_read_conditions(CText("/sys").start, rb_current_cpu(), &conditions)
        board.update(conditions)
        var text = TextWriter(BufferSink(memory.bytes))
        text.write(metricsOf: totals, times, board, model: model, source: source)
        let bytes = text.finish().bytes
        rb_metrics_publish(bytes.baseAddress, bytes.count)
        due = now + Self.interval
    }
}
