import Camera
import Pixels
import Platform
import Testing

extension Capture where Device == ScriptedDevice {
    /// Takes the next frame and releases it: its sequence number and its first byte; nil where there is none.
    fileprivate mutating func take() throws(CameraError) -> (sequence: UInt32, byte: UInt8)? {
        guard case .frame(let frame) = try next(deadline: .max) else { return nil }
        let taken = (frame.sequence, frame.pixels.plane.0!.pointee)
        try release(frame)
        return taken
    }
}

private func counters(
    delivered: UInt64 = 0, superseded: UInt64 = 0, _ faults: [FaultKind: UInt64] = [:]
) -> CaptureCounters {
    var counters = CaptureCounters()
    (counters.delivered, counters.superseded) = (delivered, superseded)
    for (kind, count) in faults { counters[kind] = count }
    return counters
}

@Test func aFrameShowsItsBufferUntilItIsReleased() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(2, value: 77)

    let frame = try capture.nextFrame()
    let (pixels, timestamp) = (frame.pixels, frame.timestamp)
    #expect(pixels.plane.0![0] == 77 && pixels.plane.0![640 * 480 * 2 - 1] == 77)
    #expect(pixels.stride.0 == 1280)
    #expect(timestamp == 1002)
    #expect(script.queued == [0, 1, 3])
    try capture.release(frame)
    #expect(script.queued == [0, 1, 2, 3])
    #expect(capture.counters == counters(delivered: 1))
    capture.stop()
}

@Test func theNewestFrameWinsAndTheOthersGoBack() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    for index in 0..<3 as Range<UInt32> { script.fill(index, value: UInt8(index)) }
    let taken = try capture.take()
    #expect(taken?.sequence == 2 && taken?.byte == 2)
    #expect(script.queued == [0, 1, 2, 3])
    #expect(capture.counters == counters(delivered: 1, superseded: 2))
    capture.stop()
}

@Test func aCorruptFrameIsNeverUsedEvenIfItIsTheNewest() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(0, value: 1, corrupt: true)
    script.fill(1, value: 2)
    script.fill(2, value: 3, corrupt: true)
    #expect(try capture.take()?.byte == 2)
    #expect(script.queued == [0, 1, 2, 3])
    #expect(capture.counters == counters(delivered: 1, [.corruptFrame: 2]))
    capture.stop()
}

@Test(arguments: [0, 1, 614_399] as [UInt32])
func aFrameWithTooFewBytesIsNeverUsed(bytes: UInt32) throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(0, value: 1)
    script.fill(1, value: 2, bytes: bytes)
    #expect(try capture.take()?.byte == 1)
    #expect(script.queued == [0, 1, 2, 3])
    #expect(capture.counters == counters(delivered: 1, [bytes == 0 ? .emptyFrame : .shortFrame: 1]))
    capture.stop()
}

@Test func aDriverThatClaimsMoreBytesThanItsBufferHasIsNotBelieved() throws {
    let script = Script()
    script.bufferBytes = 614_399
    var capture = Capture(script)
    try capture.start()
    script.fill(0, bytes: .max)
    #expect(try capture.take() == nil)
    #expect(capture.counters == counters([.shortFrame: 1]))
    capture.stop()
}

@Test func badFramesAloneAreNoFrames() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(0, corrupt: true)
    script.fill(1, bytes: 10)
    #expect(try capture.take() == nil)
    #expect(capture.counters == counters([.corruptFrame: 1, .shortFrame: 1]))
    #expect(capture.state == .streaming && script.queued == [0, 1, 2, 3])
    capture.stop()
}

@Test func aGoodFrameAfterBadOnesIsStillTaken() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    for index in 0..<4 as Range<UInt32> { script.fill(index, corrupt: true) }
    script.fill(0, value: 9)
    #expect(try capture.take()?.byte == 9)
    #expect(capture.counters == counters(delivered: 1, [.corruptFrame: 4]))
    capture.stop()
}

@Test func askingToStopEndsTheFrames() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.waits = [.stopRequested]
    #expect(try capture.take() == nil)
    #expect(capture.state == .streaming, "stopping the stream is the caller's")
    capture.stop()
    #expect(!script.isOpen)
}

@Test(
    "a call that fails while streaming ends the capture, and it can be started again",
    arguments: [.wait, .dequeueBuffer, .queueBuffer] as [SystemCall], [RB_EIO, RB_ENODEV, RB_EINVAL])
func failingStream(call: SystemCall, number: Int32) throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(0)
    #expect(try capture.take() != nil)
    script.fill(1)
    script.failures[call] = number
    var caught: CameraError?
    do throws(CameraError) { _ = try capture.take() } catch { caught = error }
    #expect(caught == (number == RB_ENODEV ? .gone : .callFailed(SystemError(call, number: number))))
    #expect(capture.state == .closed && !script.isOpen)

    script.failures = [:]
    try capture.start()
    script.fill(3)
    #expect(try capture.take() != nil)
    #expect(capture.counters.delivered == (call == .queueBuffer ? 3 : 2))
    capture.stop()
}

@Test func aNodeThatIsReadyWithoutAFrameIsAFaultAndNotALoop() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.waits = [.ready, .ready, .ready]
    var caught: CameraError?
    do throws(CameraError) { _ = try capture.take() } catch { caught = error }
    #expect(caught == .callFailed(SystemError(.dequeueBuffer, number: RB_EAGAIN)))
}

@Test func aFrameThatOutlivesItsStreamIsReleasedWithoutHarm() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(0)
    let frame = try capture.nextFrame()
    capture.stop()
    try capture.release(frame)
    #expect(script.calls.last == .streamOff)
}

@Test func aStreamThatCannotBeStoppedIsClosedAllTheSame() throws {
    let script = Script()
    script.failures[.streamOff] = RB_ENODEV
    var capture = Capture(script)
    try capture.start()
    capture.stop()
    capture.stop()
    #expect(!script.isOpen && capture.state == .closed)
}
