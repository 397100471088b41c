import Camera
import Reports
import Testing
import Text

/// What happens to a source is told once, in order.
@Suite struct SourceWatchTests {
    private static let second: UInt64 = 1_000_000_000

    private var watch = SourceWatch()
    private var counters = CaptureCounters()

    /// Everything that is told at one time, as text.
    private mutating func told(
        _ status: SourceStatus = .streaming, last: Recovery? = nil, at now: UInt64 = 0
    ) -> [String] {
        var told: [String] = []
        while let event = watch.nextEvent(counters: counters, status: status, lastRecovery: last, now: now) {
            switch event {
            case .fault(let kind, let error): told.append("fault \(kind.name)\(error == nil ? "" : " with its error")")
            case .badFrames(let kind, let total): told.append("\(total) \(kind.name)")
            case .recovered(let recovery): told.append("recovered from \(recovery.kind.name)")
            }
            #expect(told.count < 100)
        }
        return told
    }

    @Test mutating func `nothing is told of a source that delivers`() {
        #expect(told() == [])
        counters.delivered = 1000
        counters.superseded = 3
        counters.dropped = 4
        counters[.droppedFrames] = 5
        #expect(told() == [])
    }

    @Test mutating func `a fault is told when it begins and when it is over`() {
        let fault = SourceStatus.recovering(Fault(kind: .stalled, since: 0, error: .timeout(corrupt: 1, short: 2)))
        counters[.stalled] = 1
        #expect(told(fault) == ["fault stalled with its error"])
        #expect(told(fault, at: 60 * Self.second) == [])
        counters.recoveries = 1
        let recovery = Recovery(kind: .stalled, duration: Self.second)
        #expect(told(last: recovery) == ["recovered from stalled"])
        #expect(told(last: recovery) == [])
    }

    @Test mutating func `a fault that was over before it was looked at is told with its end`() {
        counters.recoveries = 1
        #expect(
            told(last: Recovery(kind: .signalLost, duration: 1)) == ["fault signal_lost", "recovered from signal_lost"])
    }

    @Test mutating func `a fault right after a recovery is another one`() {
        let fault = SourceStatus.recovering(Fault(kind: .unplugged, since: 0, error: .gone))
        #expect(told(fault) == ["fault unplugged with its error"])
        counters.recoveries = 1
        #expect(
            told(fault, last: Recovery(kind: .unplugged, duration: 1)) == [
                "recovered from unplugged", "fault unplugged with its error",
            ])
    }

    @Test(arguments: [FaultKind.corruptFrame, .shortFrame, .emptyFrame, .undecodableFrame, .recordFailed])
    mutating func `bad frames are told with the first, then every ten seconds as long as more come`(kind: FaultKind) {
        counters[kind] = 1
        #expect(told(at: 5 * Self.second) == ["1 \(kind.name)"])
        counters[kind] = 300
        #expect(told(at: 15 * Self.second - 1) == [])
        #expect(told(at: 15 * Self.second) == ["300 \(kind.name)"])
        #expect(told(at: 100 * Self.second) == [])
        counters[kind] = 301
        #expect(told(at: 100 * Self.second) == ["301 \(kind.name)"])
    }

    @Test mutating func `bad frames of one kind do not silence another`() {
        counters[.corruptFrame] = 1
        #expect(told() == ["1 corrupt_frame"])
        counters[.shortFrame] = 2
        #expect(told(at: 1) == ["2 short_frame"])
    }
}
