import HTTP
import ModelFormat
import Platform
import Reports
import Text

/// Metrics and the live page of a run, served over HTTP by a thread of their own. The run's thread only leaves there what is new.
struct WebServer: ~Copyable {
    private static var interval: UInt64 { 1_000_000_000 }

    private let model: CText
    private let source: CText
    private let memory: Memory
    private(set) var board = BoardConditions()
    private var due: UInt64 = 0

    /// `picture`: what the page shows; nil where there is none to be served. `source`: the camera's or recording's path.
    init(
        metrics: OptionValue?, page: PageSettings, picture: UnsafeMutablePointer<PagePicture>?, model: CText,
        source: CText
    ) throws(ProgramError) {
        var served = rb_page()
        served.listener = try page.place.map(Self.listen) ?? -1
        served.token = try page.readToken()
        served.encode = encodePagePicture
        served.context = UnsafeMutableRawPointer(picture)
        let status = rb_http_serve(try metrics.map(Self.listen) ?? -1, &served)
        guard status == 0 else { throw .failure(.cannotServe((metrics ?? page.place)!, status: status)) }
        memory = try Memory(count: Int(RB_METRICS_BYTES))
        self.model = model
        self.source = source
    }

    private static func listen(at place: OptionValue) throws(ProgramError) -> Int32 {
        let listener = rb_tcp_listen(place.text.start)
        guard listener >= 0 else { throw .failure(.cannotServe(place, status: listener)) }
        return listener
    }

    /// Whether new metrics are due.
    func isDue(now: UInt64) -> Bool { now >= due }

    mutating func publish(
        _ totals: RunTotals, _ times: RunTimes, of network: Model, prior: PriorReport?, now: UInt64
    ) {
        var conditions = rb_conditions()
        rb_read_conditions(CText("/sys").start, rb_current_cpu(), &conditions)
        board.update(conditions)
        var text = TextWriter(BufferSink(memory.bytes))
        text.write(
            metricsOf: totals, times, board, model: model, source: source, of: network, prior: prior)
        let bytes = text.finish().bytes
        rb_metrics_publish(bytes.baseAddress, bytes.count)
        due = now + Self.interval
    }
}

extension PageSettings {
    /// A shorter one is soon guessed.
    private static var leastTokenBytes: Int { 8 }

    /// The token's file holds one line; nil: everybody on this machine may look.
    fileprivate func readToken() throws(ProgramError) -> UnsafePointer<CChar>? {
        guard let path = tokenFile else { return nil }
        let memory = try Memory.keeping(count: Int(RB_TOKEN_BYTES))
        let count = rb_read_file(path.start, memory.baseAddress, memory.count - 1)
        guard count >= 0 else { throw .failure(.unreadableFile(path, status: Int32(count))) }
        var end = count
        while end > 0 && memory[end - 1] <= UInt8(ascii: " ") {
            end -= 1
        }
        memory[end] = 0
        guard end >= Self.leastTokenBytes else { throw .failure(.shortToken(path, least: Self.leastTokenBytes)) }
        for byte in memory[..<end] where !(0x21...0x7E).contains(byte) || byte == UInt8(ascii: ";") {
            throw .failure(.oddToken(path))
        }
        return UnsafePointer(memory.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
}
