import Camera
import Pixels
import Platform
import Testing
import Text

/// What a capture asks its driver for.
private func choice(
    _ script: Script, covering width: UInt32, _ height: UInt32, _ adjust: (inout CaptureRequest) -> Void = { _ in }
) throws -> String {
    script.bufferBytes = 16
    var request = CaptureRequest(covering: FrameSize(width: width, height: height))
    adjust(&request)
    var capture = Capture(device: ScriptedDevice(script: script), for: request)
    try capture.start()
    capture.stop()
    let mode = try #require(script.askedMode)
    let name = (0..<4).map { UInt8(truncatingIfNeeded: mode.fourcc >> (8 * $0)) }
    return "\(String(decoding: name, as: UTF8.self)) \(mode.size.width)x\(mode.size.height)"
}

private let webcam: [rb_v4l2_sizes] = [
    rb_v4l2_sizes(640, 480), rb_v4l2_sizes(160, 120), rb_v4l2_sizes(320, 240), rb_v4l2_sizes(1280, 720),
]

@Test(
    arguments: [(32, 32, "160x120"), (120, 120, "160x120"), (224, 224, "320x240"), (320, 241, "640x480")]
        as [(UInt32, UInt32, String)])
func theSmallestSizeThatCoversTheModelIsChosen(width: UInt32, height: UInt32, expected: String) throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam)]
    #expect(try choice(script, covering: width, height) == "YUYV \(expected)")
}

@Test func whereNothingCoversTheModelTheLargestSizeIsChosen() throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam)]
    #expect(try choice(script, covering: 2000, 2000) == "YUYV 1280x720")
}

@Test func atEqualSizeTheFormatsHaveAnOrderOfPreference() throws {
    let script = Script()
    for (first, second) in [("YUYV", "NV12"), ("NV12", "RGB3"), ("RGB3", "GREY"), ("YUYV", "GREY")] {
        script.offers = [(fourcc(second), webcam), (fourcc("MJPG"), webcam), (fourcc(first), webcam)]
        #expect(try choice(script, covering: 32, 32) == "\(first) 160x120")
    }
}

@Test func aSmallerFrameOutweighsTheFormat() throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), [rb_v4l2_sizes(640, 480)]), (fourcc("GREY"), [rb_v4l2_sizes(320, 240)])]
    #expect(try choice(script, covering: 32, 32) == "GREY 320x240")
    #expect(try choice(script, covering: 400, 400) == "YUYV 640x480")
}

@Test func theRateAskedForOutweighsASmallerFrame() throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam)]
    script.rates = { $1.width >= 640 ? 30 : 15 }
    #expect(try choice(script, covering: 32, 32) == "YUYV 640x480")
    #expect(try choice(script, covering: 32, 32) { $0.rate = 15 } == "YUYV 160x120")
    #expect(try choice(script, covering: 32, 32) { $0.rate = 60 } == "YUYV 640x480", "the nearest there is")
    script.rates = { _, _ in nil }
    #expect(try choice(script, covering: 32, 32) == "YUYV 160x120", "a rate that is not told may be any")
}

@Test func aCompressedFormatIsTakenWhereTheBusIsTooSlowForARawOne() throws {
    let script = Script()
    script.offers = [(fourcc("MJPG"), webcam), (fourcc("YUYV"), webcam)]
    script.rates = { $0 == fourcc("MJPG") || $1.width < 1280 ? 30 : 10 }
    #expect(try choice(script, covering: 224, 224) == "YUYV 320x240")
    #expect(try choice(script, covering: 720, 720) == "MJPG 1280x720")
    #expect(try choice(script, covering: 720, 720) { $0.rate = 10 } == "YUYV 1280x720")
}

@Test func aFormatThatOffersTheRateOutweighsAPreferredOneThatDoesNot() throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam), (fourcc("NV12"), webcam)]
    script.rates = { $0 == fourcc("NV12") || $1.width < 640 ? 30 : 10 }
    #expect(try choice(script, covering: 500, 400) == "NV12 640x480")
    #expect(try choice(script, covering: 300, 200) == "YUYV 320x240")
}

@Test func aSizeAndAFormatThatAreAskedForAreTaken() throws {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam), (fourcc("NV12"), webcam)]
    #expect(try choice(script, covering: 32, 32) { $0.size = FrameSize(width: 1280, height: 720) } == "YUYV 1280x720")
    #expect(try choice(script, covering: 32, 32) { $0.format = fourcc("NV12") } == "NV12 160x120")
    let range = rb_v4l2_sizes(
        min_width: 32, max_width: 1920, step_width: 32, min_height: 20, max_height: 1080, step_height: 2)
    script.offers = [(fourcc("YUYV"), [range])]
    #expect(try choice(script, covering: 32, 32) { $0.size = FrameSize(width: 64, height: 22) } == "YUYV 64x22")
}

@Test(
    arguments: [
        (nil, FrameSize(width: 641, height: 480)), (fourcc("NV12"), nil),
        (fourcc("NV12"), FrameSize(width: 640, height: 480)),
    ] as [(UInt32?, FrameSize?)])
func whatIsNotOfferedIsRefused(format: UInt32?, size: FrameSize?) {
    let script = Script()
    script.offers = [(fourcc("YUYV"), webcam)]
    var request = CaptureRequest(covering: FrameSize(width: 32, height: 32))
    (request.format, request.size) = (format, size)
    var capture = Capture(device: ScriptedDevice(script: script), for: request)
    #expect(throws: CameraError.notOffered(format: format, size: size)) { try capture.start() }
    #expect(!script.isOpen)
}

@Test func aDriverThatChangesASizeThatWasAskedForIsRefused() {
    let script = Script()
    script.adjust = { $0.width = 600 }
    let size = FrameSize(width: 640, height: 480)
    var capture = Capture(device: ScriptedDevice(script: script), for: CaptureRequest(covering: size, size: size))
    let asked = CaptureMode(format: RB_PIXELS_YUYV, size: size, rate: 30)
    #expect(
        throws: CameraError.modeRefused(asked: asked, fourcc: fourcc("YUYV"), size: FrameSize(width: 600, height: 480))
    ) {
        try capture.start()
    }
}

@Test func aDriverThatListsNoSizesKeepsItsOwn() throws {
    let script = Script()
    script.offers = [(fourcc("NV12"), []), (fourcc("YUYV"), [])]
    script.current = FrameSize(width: 720, height: 576)
    #expect(try choice(script, covering: 32, 32) == "YUYV 720x576")
}

@Test(
    arguments: [
        (640, 480, 32, 32, "640x480"), (640, 480, 700, 32, "704x32"), (640, 480, 33, 500, "64x500"),
        (10, 10, 1, 1, "32x20"), (640, 480, 5000, 5000, "1920x1080"), (1930, 1080, 65, 65, "96x66"),
    ] as [(UInt32, UInt32, UInt32, UInt32, String)])
func outOfARangeTheCurrentSizeIsKeptIfItCovers(
    currentWidth: UInt32, currentHeight: UInt32, width: UInt32, height: UInt32, expected: String
) throws {
    let script = Script()
    let range = rb_v4l2_sizes(
        min_width: 32, max_width: 1920, step_width: 32, min_height: 20, max_height: 1080, step_height: 2)
    script.offers = [(fourcc("YUYV"), [range])]
    script.current = FrameSize(width: currentWidth, height: currentHeight)
    #expect(try choice(script, covering: width, height) == "YUYV \(expected)")
}

@Test(arguments: [(0, 0, 0), (.max, 0, 0), (1, .max, .max), (.max, .max, 1)] as [(UInt32, UInt32, UInt32)])
func aRangeThatMakesNoSenseDoesNoHarm(least: UInt32, greatest: UInt32, step: UInt32) throws {
    let script = Script()
    let nonsense = rb_v4l2_sizes(
        min_width: least, max_width: greatest, step_width: step, min_height: least, max_height: greatest,
        step_height: step)
    script.offers = [(fourcc("YUYV"), [rb_v4l2_sizes(640, 480)]), (fourcc("GREY"), [nonsense])]
    #expect(try choice(script, covering: 32, 32) == "YUYV 640x480")
}

@Test func aCameraWithoutAUsableFormatIsRefusedWithTheListOfWhatItOffers() {
    let script = Script()
    script.offers = [(fourcc("H264"), webcam), (fourcc("HEVC"), webcam)]
    var capture = Capture(script)
    var caught: CameraError?
    do throws(CameraError) { try capture.start() } catch { caught = error }
    guard case .noUsableFormat(let offered) = caught else {
        Issue.record("expected no usable format, got \(String(describing: caught))")
        return
    }
    #expect((0..<offered.count).map { offered[$0] } == [fourcc("H264"), fourcc("HEVC")])
    #expect(offered.isComplete)

    script.offers = (0..<20).map { (fourcc("MJP\($0 % 10)"), webcam) }
    do throws(CameraError) { try capture.start() } catch { caught = error }
    guard case .noUsableFormat(let many) = caught else { return }
    #expect(many.count == 16 && !many.isComplete && many != offered)
    #expect(!script.isOpen)
}

@Test func aFormatHasItsFourccAndOftenAName() {
    for (name, expected) in [
        ("YUYV", "YUYV"), ("yuyv", "YUYV"), ("mjpg", "MJPG"), ("mjpeg", "MJPG"), ("MJPEG", "MJPG"), ("JPEG", "JPEG"),
        ("rgb24", "RGB3"), ("RGB3", "RGB3"), ("y16", "Y16 "), ("Y16 ", "Y16 "), ("grey", "GREY"), ("nv12", "NV12"),
        ("yuv420", "YU12"),
    ] {
        #expect(name.withCString { pixelFormat(named: CText($0)) } == fourcc(expected), "\(name)")
    }
    for name in ["", "YUY", "YUYVV", "H264", "mjpegs", "mjpe"] {
        #expect(name.withCString { pixelFormat(named: CText($0)) } == nil, "\(name)")
    }
}
