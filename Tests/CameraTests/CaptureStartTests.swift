import Camera
import Pixels
import Platform
import Testing

@Test func startingGoesThroughEveryStateInOrder() throws {
    let script = Script()
    var capture = Capture(script)
    var states: [Capture<ScriptedDevice>.State] = [capture.state]
    while capture.state != .streaming {
        try capture.advance()
        states.append(capture.state)
    }
    #expect(states == [.closed, .opened, .negotiated, .allocated, .streaming])
    #expect(capture.geometry == FrameGeometry(format: RB_PIXELS_YUYV, width: 640, height: 480, stride: 1280))
    #expect(script.isStreaming && script.queued == [0, 1, 2, 3])
    #expect(script.calls.filter { $0 == .streamOn } == script.calls.suffix(1))

    try capture.advance()
    #expect(script.calls.last == .streamOn, "a streaming machine has no next step")
    capture.stop()
    #expect(capture.state == .closed && !script.isOpen)
}

/// Calls that starting makes, and what it makes of an error number of each.
private let startingCalls: [SystemCall] = [
    .open, .queryCapability, .getSignal, .getFormat, .enumerateFormats, .enumerateSizes, .enumerateIntervals,
    .setFormat,
    .requestBuffers, .mapBuffer, .queueBuffer, .streamOn,
]

private func expectedError(_ call: SystemCall, _ number: Int32) -> CameraError {
    switch (call, number) {
    case (.open, RB_ENOENT), (.open, RB_ENODEV), (.open, RB_ENXIO): .noSuchNode
    case (.open, RB_EACCES): .notPermitted
    case (.queryCapability, RB_ENOTTY), (.queryCapability, RB_EINVAL): .notACamera(.notVideo)
    case (_, RB_ENODEV), (_, RB_ENXIO): .gone
    case (_, RB_EBUSY): .busy
    case (.streamOn, RB_ENOSPC):
        .noBandwidth(CaptureMode(format: RB_PIXELS_YUYV, size: FrameSize(width: 640, height: 480), rate: 30))
    default: .callFailed(SystemError(call, number: number))
    }
}

@Test(
    "every call that fails while starting is reported, with everything given back, and can be tried again",
    arguments: startingCalls,
    [RB_ENOENT, RB_EIO, RB_ENXIO, RB_EACCES, RB_EBUSY, RB_ENODEV, RB_EINVAL, RB_ENOTTY, RB_ENOSPC])
func failingStart(call: SystemCall, number: Int32) throws {
    let script = Script()
    script.failures[call] = number
    var capture = Capture(script)
    var caught: CameraError?
    do throws(CameraError) { try capture.start() } catch { caught = error }
    #expect(caught == expectedError(call, number))
    #expect(capture.state == .closed && !script.isOpen && script.queued.isEmpty)

    script.failures = [:]
    try capture.start()
    #expect(script.isStreaming)
    capture.stop()
}

@Test func aDriverWithoutFrameRatesIsStillACamera() throws {
    let script = Script()
    script.failures[.setInterval] = RB_ENOTTY
    var capture = Capture(script)
    try capture.start()
    #expect(capture.state == .streaming)
    capture.stop()
}

@Test(
    arguments: [
        (RB_V4L2_CAPTURE, .captureWithoutStreaming), (RB_V4L2_CAPTURE_PLANES, .captureWithoutStreaming),
        (0x8000, .codec), (0x4000, .codec), (RB_V4L2_OUTPUT, .output), (RB_V4L2_OUTPUT_PLANES, .output),
        (0x0080_0000, .metadata), (0x0800_0000, .metadata), (0x10, .vbi), (RB_V4L2_OVERLAY, .overlay),
        (0x0004_0000, .radio), (RB_V4L2_STREAMING, .unknown), (0, .unknown),
    ] as [(UInt32, NodeKind)])
func aNodeThatIsNoCameraIsNamedForWhatItIs(capabilities: UInt32, kind: NodeKind) {
    let script = Script()
    script.capabilities = capabilities
    var capture = Capture(script)
    #expect(throws: CameraError.notACamera(kind)) { try capture.start() }
    #expect(!script.isOpen)
}

@Test(
    "a mode that the driver changed into an unusable one is refused",
    arguments: [
        { $0.fourcc = fourcc("MJPG") }, { $0.fourcc = fourcc("GREY") }, { $0.width = 0 }, { $0.height = 0 },
        { $0.width = 16385 }, { $0.height = .max }, { $0.stride.0 = 1279 }, { $0.stride.0 = .max },
        { $0.memories = 2 },
    ] as [@Sendable (inout rb_v4l2_format) -> Void])
func refusedMode(adjust: @escaping @Sendable (inout rb_v4l2_format) -> Void) {
    let script = Script()
    script.adjust = adjust
    var capture = Capture(script)
    var caught: CameraError?
    do throws(CameraError) { try capture.start() } catch { caught = error }
    guard case .modeRefused(let asked, _, _) = caught else {
        Issue.record("expected a refused mode, got \(String(describing: caught))")
        return
    }
    #expect(asked.size == FrameSize(width: 640, height: 480))
    #expect(!script.isOpen)
}

@Test(
    arguments: [
        (false, RB_V4L2_RANGE_DEFAULT, RB_PIXELS_BT601, RB_PIXELS_RANGE_DEFAULT),
        (true, RB_V4L2_RANGE_LIMITED, RB_PIXELS_BT709, RB_PIXELS_RANGE_LIMITED),
        (true, RB_V4L2_RANGE_FULL, RB_PIXELS_BT709, RB_PIXELS_RANGE_FULL),
    ])
func theColourThatTheDriverGivesIsTaken(
    isBT709: Bool, range: rb_v4l2_range, matrix: rb_pixels_matrix, expected: rb_pixels_range
) throws {
    let script = Script()
    script.adjust = { ($0.is_bt709, $0.range) = (isBT709, range) }
    var capture = Capture(script)
    try capture.start()
    let colour = capture.geometry.colour
    #expect(colour.matrix == matrix && colour.range == expected)
    capture.stop()
}

@Test func planesInMemoriesOfTheirOwnAreTakenFromEach() throws {
    let script = Script.withTwoMemories(bytes: 64)
    script.adjust = { ($0.stride.0, $0.stride.1) = (8, 10) }
    var capture = Capture(script, covering: 4, 4)
    try capture.start()
    #expect(capture.geometry == FrameGeometry(format: RB_PIXELS_NV12M, width: 6, height: 4, stride: 8))
    script.fill(1, planes: [(used: 32 + 5, offset: 5, value: 50), (used: 20 + 3, offset: 3, value: 60)])
    let pixels = try capture.nextFrame().pixels
    #expect(pixels.stride.0 == 8 && pixels.stride.1 == 10)
    #expect(pixels.plane.0![0] == 50 && pixels.plane.0![29] == 50 && pixels.plane.1![15] == 60)
    capture.stop()
}

@Test func aPlaneThatIsNotWholeMakesTheFrameShort() throws {
    let script = Script.withTwoMemories(bytes: 64)
    var capture = Capture(script, covering: 4, 4)
    try capture.start()
    script.fill(0, planes: [(used: 24, offset: 0, value: 1), (used: 11, offset: 0, value: 2)])
    script.fill(1, planes: [(used: 24, offset: 1, value: 1), (used: 12, offset: 0, value: 2)])
    guard case .idle = try capture.next(deadline: .max) else { throw NoFrame() }
    #expect(capture.counters[.shortFrame] == 2)
    capture.stop()
}

@Test func theSizeAndPaddingThatTheDriverGivesAreTaken() throws {
    let script = Script()
    script.adjust = { ($0.width, $0.height, $0.stride.0) = (638, 478, 1344) }
    var capture = Capture(script)
    try capture.start()
    #expect(capture.geometry == FrameGeometry(format: RB_PIXELS_YUYV, width: 638, height: 478, stride: 1344))
    capture.stop()
}

@Test(arguments: [0, 1, 33] as [UInt32])
func anUnusableNumberOfBuffersIsRefused(count: UInt32) {
    let script = Script()
    script.bufferCount = count
    var capture = Capture(script)
    #expect(throws: CameraError.unusableBuffers(count: count)) { try capture.start() }
    #expect(!script.isOpen)
}

@Test(arguments: [2, 32] as [UInt32])
func theDriverMayGiveFewerOrMoreBuffersThanAsked(count: UInt32) throws {
    let script = Script()
    script.bufferCount = count
    script.bufferBytes = 16
    var capture = Capture(script)
    try capture.start()
    #expect(script.queued == Set(0..<count))
    capture.stop()
}

@Test(arguments: [RB_V4L2_ROWS_BY_FIELD, RB_V4L2_ONE_FIELD])
func picturesWhoseRowsComeApartAreRefusedByName(rows: rb_v4l2_rows) {
    let script = Script()
    script.adjust = { $0.rows = rows }
    var capture = Capture(script)
    #expect(throws: CameraError.rowsApart(rows)) { try capture.start() }
    #expect(!script.isOpen)
}

@Suite struct ABusWithoutRoom {
    private let small = rb_v4l2_sizes(320, 240)
    private let large = rb_v4l2_sizes(640, 480)

    /// How often streaming was tried, and where that ended.
    private func start(_ script: Script) -> (tries: Int, error: CameraError?) {
        var capture = Capture(script, covering: 400, 400)
        var caught: CameraError?
        do throws(CameraError) { try capture.start() } catch { caught = error }
        capture.stop()
        return (script.calls.filter { $0 == .streamOn }.count, caught)
    }

    @Test func isLeftToCompressedPicturesOfTheSameSizeFirst() {
        let script = Script()
        script.offers = [(fourcc("YUYV"), [large, small]), (fourcc("MJPG"), [large, small])]
        script.hasRoom = { code, _ in code == fourcc("MJPG") }
        #expect(start(script).error == nil)
        #expect(script.askedMode?.fourcc == fourcc("MJPG") && script.askedMode?.size.width == 640)
    }

    @Test func isLeftToSmallerPicturesElse() {
        let script = Script()
        script.offers = [(fourcc("YUYV"), [large, small])]
        script.hasRoom = { _, size in size.width < 640 }
        #expect(start(script).error == nil)
        #expect(script.askedMode?.fourcc == fourcc("YUYV") && script.askedMode?.size.width == 320)
    }

    @Test func isToldWhereNothingFits() {
        let script = Script()
        script.offers = [(fourcc("YUYV"), [large, small]), (fourcc("MJPG"), [large, small])]
        script.hasRoom = { _, _ in false }
        let (tries, error) = start(script)
        #expect(tries == 3, "raw, then compressed pictures, then smaller ones")
        let last = CaptureMode(format: RB_PIXELS_MJPEG, size: FrameSize(width: 320, height: 240), rate: 30)
        #expect(error == .noBandwidth(last))
        #expect(!script.isOpen)
    }
}
