import Outputs
import Testing
import Text

private let second: UInt64 = 1_000_000_000

/// A notifier on a clock that the test moves, and what it told so far.
private struct Service {
    var notifier: ServiceNotifier
    var now = 1000 * second

    init(watchdogLimit: UInt64 = 0) {
        notifier = ServiceNotifier(watchdogLimit: watchdogLimit)
    }

    /// The message that is due after some time, delivered; nil: none was.
    mutating func tell(_ activity: ServiceActivity = .classifying, after seconds: Double = 0) -> String? {
        now += UInt64(seconds * Double(second))
        guard let notice = notifier.notice(of: activity, now: now) else { return nil }
        notifier.delivered(notice, now: now)
        var writer = TextWriter(MemorySink())
        "/dev/video0".withCString { writer.write(notice, source: CText($0)) }
        return writer.finish().text
    }

    mutating func answer(frames: Int) {
        for _ in 0..<frames { notifier.frameAnswered() }
    }
}

private let unplugged = ServiceActivity.searching(reason: "unplugged")
private let stalled = ServiceActivity.searching(reason: "stalled")

@Suite struct AServiceNotifier {
    @Test func saysThatItIsReadyOnce() {
        var service = Service()
        #expect(service.tell() == "READY=1\nSTATUS=classifying /dev/video0\n")
        #expect(service.tell(after: 0.5) == nil)
    }

    @Test func isReadyWhileItsCameraIsMissing() {
        var service = Service()
        #expect(service.tell(unplugged) == "READY=1\nSTATUS=/dev/video0 unplugged, looking for it\n")
    }

    @Test func saysItsRateEveryFiveSeconds() {
        var service = Service()
        _ = service.tell()
        service.answer(frames: 149)
        #expect(service.tell(after: 4.9) == nil)
        service.answer(frames: 1)
        #expect(service.tell(after: 0.1) == "STATUS=classifying /dev/video0, 30.0 frames a second\n")
        #expect(service.tell(after: 5) == "STATUS=classifying /dev/video0, 0.0 frames a second\n")
    }

    @Test func saysAtOnceThatSomethingHappened() {
        var service = Service()
        _ = service.tell()
        #expect(service.tell(unplugged, after: 2) == "STATUS=/dev/video0 unplugged, looking for it\n")
        #expect(service.tell(unplugged, after: 1) == nil)
        #expect(service.tell(stalled) == "STATUS=/dev/video0 stalled, looking for it\n")
        #expect(service.tell(after: 1) == "STATUS=classifying /dev/video0\n")
    }

    /// A loose contact must not flood the manager; its last state is told all the same.
    @Test func changesItsStatusOnceASecondAtMost() {
        var service = Service()
        _ = service.tell()
        var told = 0
        for step in 0..<1000 {
            told += service.tell(step % 2 == 0 ? unplugged : .classifying, after: 0.01) == nil ? 0 : 1
        }
        #expect((9...10).contains(told))
        #expect(service.tell(stalled, after: 1) == "STATUS=/dev/video0 stalled, looking for it\n")
    }

    @Test func saysAgainThatItIsReadyAfterReadingItsConfiguration() {
        var service = Service()
        _ = service.tell()
        service.notifier.configurationRead()
        #expect(service.tell(after: 0.1) == "READY=1\n")
        #expect(service.tell(after: 0.1) == nil)
    }

    @Test func triesAgainASecondAfterAMessageThatWasNotTaken() throws {
        var service = Service()
        let lost = try #require(service.notifier.notice(of: .classifying, now: service.now))
        #expect(lost.isReady)
        service.notifier.undelivered(now: service.now)
        #expect(service.tell(after: 0.5) == nil)
        #expect(service.tell(after: 0.5) == "READY=1\nSTATUS=classifying /dev/video0\n")
    }

    @Test func cannotBeMadeToSayMoreByANameWithLineFeeds() {
        var notice = ServiceNotice()
        notice.status = .classifying
        var writer = TextWriter(MemorySink())
        "a\nWATCHDOG=1\n".withCString { writer.write(notice, source: CText($0)) }
        #expect(writer.finish().text == "STATUS=classifying a?WATCHDOG=1?\n")
    }
}

@Suite struct TheSignOfLife {
    /// Every quarter of the 10 s that the manager waits.
    private let limit: UInt64 = 10_000_000

    private func isSign(_ message: String?) -> Bool { message?.contains("WATCHDOG=1\n") ?? false }

    @Test func isGivenWhileFramesAreAnswered() {
        var service = Service(watchdogLimit: limit)
        var signs = 0
        for _ in 0..<300 {
            service.answer(frames: 1)
            signs += isSign(service.tell(after: 0.1)) ? 1 : 0
        }
        #expect(signs == 12)
    }

    @Test func isGivenWhileTheCameraIsLookedFor() {
        var service = Service(watchdogLimit: limit)
        var signs = 0
        for _ in 0..<30 {
            service.notifier.recoveryStepTaken()
            signs += isSign(service.tell(unplugged, after: 1)) ? 1 : 0
        }
        #expect(signs == 10)
    }

    @Test func isNotGivenByALoopThatGetsNowhere() {
        var service = Service(watchdogLimit: limit)
        service.answer(frames: 1)
        #expect(isSign(service.tell()))
        for _ in 0..<1000 {
            #expect(!isSign(service.tell(after: 0.1)))
        }
        service.answer(frames: 1)
        #expect(isSign(service.tell()))
    }

    @Test func isNotGivenWhereNobodyWatches() {
        var service = Service()
        for _ in 0..<100 {
            service.answer(frames: 1)
            #expect(!isSign(service.tell(after: 1)))
        }
    }

    @Test func isRepeatedWhereItWasNotTaken() throws {
        var service = Service(watchdogLimit: limit)
        _ = service.tell()
        service.answer(frames: 1)
        let lost = try #require(service.notifier.notice(of: .classifying, now: service.now))
        #expect(lost.feedsWatchdog)
        service.notifier.undelivered(now: service.now)
        #expect(isSign(service.tell(after: 1)))
    }
}
