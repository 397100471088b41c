import Camera
import Platform
import Testing

private let second = World.second
private let begin = World().now
/// When a fault begins in these tests, and when its cause ends.
private let fault = begin + 2 * second
private let cure = begin + 5 * second
private let end = begin + 9 * second

/// What every run must hold, whatever happened: every frame was new when it came, and all was given back.
private func expectGoodOrder(_ seen: Observation, in world: World, _ comment: Comment = "") {
    #expect(world.violations == [], comment)
    #expect(world.isReleased, comment)
    #expect(!seen.faults.contains(Observation.hang), comment)
    let identifiers = seen.frames.map(\.identifier)
    #expect(zip(identifiers, identifiers.dropFirst()).allSatisfy(<), comment)
    for frame in seen.frames {
        let age = frame.time - world.frameTimes[Int(frame.identifier)]
        guard age < 120 * World.millisecond else {
            Issue.record("a frame of \(Double(age) / 1e9) s ago was handed out; \(comment)")
            break
        }
    }
}

/// The seconds from the end of a cause to the next frame.
private func delay(_ seen: Observation, after cure: UInt64) -> Double {
    seen.frames.first { $0.time >= cure }.map { Double($0.time - cure) / 1e9 } ?? .infinity
}

private func counts(_ counters: CaptureCounters) -> [FaultKind: UInt64] {
    var counts: [FaultKind: UInt64] = [:]
    counters.forEachFault { kind, count in
        if count > 0 { counts[kind] = count }
    }
    return counts
}

@Test func aCameraWithoutFaultsGivesEveryFrame() {
    let world = World()
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(seen.frames.count >= 9 * 20 - 2 && seen.frames.count == seen.counters.delivered)
    #expect(counts(seen.counters) == [:] && seen.counters.recoveries == 0 && seen.counters.dropped == 0)
    #expect(world.opens == 1 && seen.frames.allSatisfy { $0.generation == 1 })
}

@Test func anUnpluggedCameraComesBack() {
    let world = World()
    world.at(fault) { $0.isPlugged = false }
    world.at(cure) { $0.isPlugged = true }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(counts(seen.counters) == [.unplugged: 1])
    #expect(seen.recoveries.map(\.kind) == [.unplugged])
    #expect(seen.recoveries[0].duration > 3 * second && seen.recoveries[0].duration < 5 * second)
    let tries = world.calls.filter { $0 == .open }.count
    #expect(tries > 4 && tries < 12, "pauses between attempts grow: \(tries) attempts")
}

@Test func aCameraThatWasAwayForLongComesBackAsFast() {
    let world = World()
    world.at(fault) { $0.isPlugged = false }
    let late = begin + 600 * second
    world.at(late) { $0.isPlugged = true }
    let seen = Observation(of: world, until: late + 3 * second)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: late) < 2 && counts(seen.counters) == [.unplugged: 1])
}

@Test func aStreamThatIsStuckIsStartedAgain() {
    let world = World()
    world.at(fault) { $0.isStuck = true }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: fault + World.millisecond) < 2)
    #expect(counts(seen.counters) == [.stalled: 1] && seen.counters.recoveries == 1)
}

@Test func aSilentCameraIsStartedUntilItSpeaks() {
    let world = World()
    world.at(fault) { $0.isSilent = true }
    world.at(cure) {
        $0.isSilent = false
        $0.isStuck = true  // it takes another start to hear it
    }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(seen.counters[.stalled] >= 2 && seen.counters.recoveries == 1)
}

@Test func aQueueThatFailedIsStartedAgain() {
    let world = World()
    world.at(fault) { $0.isBroken = true }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: fault + World.millisecond) < 0.2, "the first attempt is made at once")
    #expect(counts(seen.counters) == [.driverError: 1] && seen.counters.recoveries == 1)
    #expect(seen.faults.map(\.error) == [.callFailed(SystemError(.dequeueBuffer, number: RB_EIO))])
}

@Test(arguments: [1, 2, 3])
func buffersThatTheDriverKeepsAreTakenBack(count: Int) {
    let world = World()
    world.rate = 60
    world.at(fault) { $0.keptBuffers = count }
    world.at(cure) { $0.keptBuffers = 0 }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(seen.counters[.droppedFrames] >= 1 && seen.counters.recoveries >= 1)
    #expect(Set(counts(seen.counters).keys) == [.droppedFrames])
}

@Test func aCameraWhoseBuffersAreAllKeptHasStalled() {
    let world = World()
    world.at(fault) { $0.keptBuffers = 4 }
    world.at(cure) { $0.keptBuffers = 0 }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(Set(counts(seen.counters).keys) == [.stalled])
}

private struct BadFrame: Sendable {
    let kind: FaultKind
    let spoil: @Sendable (inout rb_v4l2_buffer) -> Void

    static let all = [
        BadFrame(kind: .corruptFrame) { $0.is_corrupt = true }, BadFrame(kind: .shortFrame) { $0.bytes_used.0 -= 1 },
        BadFrame(kind: .emptyFrame) { $0.bytes_used.0 = 0 }, BadFrame(kind: .shortFrame) { $0.data_offset.0 = 1 },
        BadFrame(kind: .shortFrame) { $0.data_offset.0 = .max },
    ]
}

@Test("bad frames are counted and passed over", arguments: BadFrame.all)
private func badFrames(bad: BadFrame) {
    let world = World()
    world.at(fault) { $0.spoil = { bad.spoil(&$0) } }
    world.at(fault + second) { $0.spoil = { _ in } }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: fault + second) < 0.1)
    #expect(counts(seen.counters) == [bad.kind: 20] && seen.counters.recoveries == 0 && world.opens == 1)
}

@Test func aStreamOfBadFramesOnlyIsStartedAgain() {
    let world = World()
    world.at(fault) { $0.spoil = { $0.is_corrupt = true } }
    world.at(cure) { $0.spoil = { _ in } }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(Set(counts(seen.counters).keys) == [.corruptFrame, .stalled] && seen.counters.recoveries == 1)
}

@Test func picturesThatCannotBeDecodedAreCountedAndAtLastTheStreamIsStartedAgain() {
    let world = World()
    let seen = Observation(of: world, until: end) { !(fault..<cure).contains($0) }
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: cure) < 2)
    #expect(seen.counters[.undecodableFrame] > 10 && seen.counters[.stalled] >= 1)

    let other = World()
    let single = Observation(of: other, until: end) { !(fault..<fault + second).contains($0) }
    #expect(counts(single.counters) == [.undecodableFrame: 20] && other.opens == 1)
}

@Test func aLostSignalIsWaitedForWithoutFrames() {
    let world = World()
    world.signal = .present
    world.at(fault) { $0.signal = .lost }
    world.at(cure) { $0.signal = .present }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(!seen.frames.contains { (fault..<cure).contains($0.time) }, "noise is no picture")
    #expect(delay(seen, after: cure) < 2)
    #expect(counts(seen.counters) == [.signalLost: 1] && seen.counters.recoveries == 1)
}

@Test func aCameraWithoutASignalAtFirstIsNoFailure() {
    let world = World()
    world.signal = .lost
    world.at(cure) { $0.signal = .present }
    let seen = Observation(of: world, until: end)
    #expect(seen.failure == nil && delay(seen, after: cure) < 2)
    #expect(counts(seen.counters) == [.signalLost: 1])
}

@Test(arguments: [true, false])
func aChangedSignalIsFollowedAndTheNewSizeAnnounced(withEvent: Bool) {
    let world = World()
    world.signal = .present
    world.at(fault) {
        $0.signal = .changed
        $0.size = FrameSize(width: 4, height: 4)
        if withEvent { $0.announceChange() }
    }
    let seen = Observation(of: world, until: end)
    expectGoodOrder(seen, in: world)
    #expect(delay(seen, after: fault + World.millisecond) < 0.5)
    #expect(counts(seen.counters) == [.formatChanged: 1] && seen.counters.recoveries == 1)
    #expect(seen.frames.allSatisfy { ($0.generation == 1) == ($0.time < fault) })
}

@Test func anEventAboutAFormatThatIsTheSameChangesNothing() {
    let world = World()
    world.at(fault) { $0.announceChange() }
    let seen = Observation(of: world, until: end)
    #expect(counts(seen.counters) == [:] && world.opens == 1)
    #expect(world.calls.contains(.dequeueEvent))
}

@Test func aFormatThatChangesWithoutASignalIsNoticedByItsEvent() {
    let world = World()
    world.at(fault) {
        $0.size = FrameSize(width: 4, height: 4)
        $0.announceChange()
    }
    let seen = Observation(of: world, until: end)
    #expect(counts(seen.counters) == [.formatChanged: 1] && delay(seen, after: fault + World.millisecond) < 0.5)
}

@Test func wrappedSequenceNumbersAreNoLoss() {
    let world = World()
    world.sequence = .max - 30
    let seen = Observation(of: world, until: begin + 4 * second)
    #expect(seen.counters.dropped == 0 && counts(seen.counters) == [:])
    #expect(seen.frames.count > 70)
}

@Test(arguments: [UInt64.max / 2, 0 &- 101 * World.second, 0 &- 90 * World.second, 1 << 40])
func timeStampsThatWrapOrComeFromAnotherClockAreNotBelieved(error: UInt64) {
    let world = World()
    world.clockError = error
    let seen = Observation(of: world, until: begin + 4 * second)
    expectGoodOrder(seen, in: world)
    #expect(counts(seen.counters) == [:] && seen.frames.count > 70 && seen.counters.stale == 0)
    #expect(seen.frames.allSatisfy { $0.timestamp <= $0.time && $0.time - $0.timestamp < 60 * World.millisecond })
}

@Test func framesThatTheDriverHadNoBufferForAreCountedAsDropped() {
    let world = World()
    let seen = Observation(of: world, until: begin + 4 * second, work: 500 * World.millisecond)
    expectGoodOrder(seen, in: world)
    #expect(counts(seen.counters) == [:] && seen.counters.dropped > 20 && seen.counters.superseded > 10)
}

@Test func aRepeatedFrameIsNotHandedOutAgain() {
    let world = World()
    world.at(fault) { world in
        let (sequence, time) = (world.sequence, world.now)
        world.spoil = { ($0.sequence, $0.timestamp_ns) = (sequence, time) }
    }
    world.at(fault + second) { $0.spoil = { _ in } }
    let seen = Observation(of: world, until: end)
    let repeated = seen.frames.filter { (fault..<fault + second).contains($0.time) }
    #expect(repeated.count <= 2 && seen.counters.stale >= 18)
    #expect(delay(seen, after: fault + second) < 0.1)
}

@Test func aFrameFromBeforeARecoveryIsNotHandedOut() {
    let world = World()
    world.at(fault) {
        $0.isBroken = true
        let stale = $0.now - World.millisecond
        $0.spoil = { $0.timestamp_ns = min($0.timestamp_ns, stale) }
    }
    world.at(fault + 120 * World.millisecond) { $0.spoil = { _ in } }
    let seen = Observation(of: world, until: end)
    #expect(seen.counters.stale >= 1)
    #expect(seen.frames.allSatisfy { $0.time < fault || $0.timestamp > fault })
}

@Test func aCameraThatIsNotThereAtFirstIsAFailureAtOnce() {
    let world = World()
    world.isPlugged = false
    let seen = Observation(of: world, until: end)
    #expect(seen.failure == .noSuchNode && seen.hasEnded && world.now < begin + second)
}

@Test func aCameraThatNeverGivesAFrameIsAFailure() {
    let world = World()
    world.isSilent = true
    let seen = Observation(of: world, until: end)
    #expect(seen.failure == .timeout(corrupt: 0, short: 0) && seen.hasEnded && world.isReleased)
}

@Test func patienceBoundsHowLongACameraMayBeAway() {
    let world = World()
    world.at(fault) { $0.isPlugged = false }
    let seen = Observation(of: world, until: end, patience: 2 * second)
    #expect(seen.failure == .noSuchNode && seen.hasEnded && world.isReleased)
    #expect(world.now >= fault + 2 * second && world.now < fault + 2 * second + second / 2)

    let late = World()
    late.isPlugged = false
    late.at(begin + second) { $0.isPlugged = true }
    let patient = Observation(of: late, until: end, patience: 2 * second)
    #expect(patient.failure == nil && delay(patient, after: begin + second) < 2)
}

@Test func aRequestToStopEndsWithinAMomentWhateverGoesOn() {
    for milliseconds in stride(from: 0, to: 6000, by: 7) as StrideTo<UInt64> {
        let world = World()
        world.at(fault) { $0.isPlugged = false }
        world.at(fault + second) { $0.isPlugged = true }
        world.at(fault + 2 * second) { $0.isSilent = true }
        world.stopTime = begin + milliseconds * World.millisecond
        let seen = Observation(of: world, until: end)
        #expect(seen.hasEnded && seen.failure == nil && world.isReleased)
        #expect(world.now < world.stopTime! + 10 * World.millisecond)
    }
}

@Test func aDriverThatGivesBadBuffersWithoutEndDoesNotKeepTheProcessorBusy() {
    let world = World()
    world.rate = 40_000
    world.spoil = { $0.is_corrupt = true }
    _ = Observation(of: world, until: begin + second, patience: 100 * second)
    #expect(world.calls.filter { $0 == .wait }.count < 600)
}

// MARK: Every call, every error number

private let errorNumbers: [Int32] = [
    1, RB_ENOENT, RB_EIO, RB_ENXIO, RB_EAGAIN, 12, RB_EACCES, RB_EBUSY, RB_ENODEV, RB_EINVAL, RB_ENOTTY, 28, RB_EPIPE,
    61, 67, RB_ETIMEDOUT,
]

@Test("whichever call fails once, and how, frames come back at once", arguments: errorNumbers)
func failingOnce(number: Int32) {
    let untroubled = World()
    untroubled.rate = 10
    _ = Observation(of: untroubled, until: begin + second, patience: 9 * second)
    for failing in 0..<untroubled.calls.count {
        let world = World()
        world.rate = 10
        world.failure = { _ in world.calls.count == failing + 1 ? number : nil }
        let seen = Observation(of: world, until: begin + 3 * second, patience: 9 * second)
        let call = world.calls[failing]
        expectGoodOrder(seen, in: world, "\(call) failed with \(number)")
        #expect(seen.failure == nil && seen.frames.count >= 18, "\(call) failed with \(number)")
        let faults = counts(seen.counters).values.reduce(0, +)
        #expect(faults <= 1 && seen.counters.recoveries == faults, "\(call) failed with \(number)")
        let isTolerated = [.setInterval, .subscribeEvent, .streamOff].contains(call)
        #expect(!isTolerated || faults == 0, "\(call) failed with \(number)")
    }
}

@Test(
    "whatever call fails for seconds, and how, frames come back within two seconds", arguments: errorNumbers)
func failingForSeconds(number: Int32) {
    var raw: UInt8 = 0
    while let failing = SystemCall(rawValue: raw) {
        raw += 1
        let world = World()
        world.failure = {
            guard (fault..<cure).contains(world.now) else { return nil }
            return $0 == failing ? number : nil
        }
        world.at(fault) { $0.isBroken = true }
        let seen = Observation(of: world, until: end)
        expectGoodOrder(seen, in: world, "\(failing) failed with \(number)")
        #expect(delay(seen, after: cure) < 2, "\(failing) failed with \(number)")
        #expect(seen.failure == nil && seen.counters.recoveries >= 1, "\(failing) failed with \(number)")
        #expect(seen.counters[.driverError] + seen.counters[.unplugged] >= 1, "\(failing) failed with \(number)")
    }
}
