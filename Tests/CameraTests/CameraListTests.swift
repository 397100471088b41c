import Camera
import Pixels
import Platform
import Testing

/// Writes down what it is told.
private struct Notes: CameraVisitor {
    var lines: [String] = []

    mutating func visit(node path: UnsafePointer<CChar>) { lines.append("node \(String(cString: path))") }
    mutating func visit(error: CameraError) { lines.append("error \(error)") }
    mutating func visit(card: borrowing rb_v4l2_capability, at place: borrowing rb_v4l2_place) { lines.append("card") }
    mutating func visit(format fourcc: UInt32, isUsable: Bool) { lines.append("format \(fourcc) \(isUsable)") }
    mutating func visit(sizes: rb_v4l2_sizes) { lines.append("size \(sizes.min_width)x\(sizes.min_height)") }
    mutating func visit(intervals: rb_v4l2_intervals) {
        lines.append("interval \(intervals.min_numerator)/\(intervals.min_denominator)")
    }
    mutating func visit(chosen mode: CaptureMode) { lines.append("chosen \(mode.size.width)x\(mode.size.height)") }
}

private func notes(on script: Script) -> [String] {
    var notes = Notes()
    var device = ScriptedDevice(script: script)
    describe(&device, for: CaptureRequest(covering: FrameSize(width: 224, height: 224)), to: &notes)
    #expect(!script.isOpen)
    return notes.lines
}

@Test func everythingThatACameraOffersIsShown() {
    let script = Script()
    script.offers = [
        (fourcc("H264"), [rb_v4l2_sizes(1280, 720)]),
        (fourcc("YUYV"), [rb_v4l2_sizes(160, 120), rb_v4l2_sizes(320, 240)]),
    ]
    #expect(
        notes(on: script) == [
            "card", "format \(fourcc("H264")) false", "size 1280x720", "interval 1/30",
            "format \(fourcc("YUYV")) true", "size 160x120", "interval 1/30", "size 320x240", "interval 1/30",
            "chosen 320x240",
        ])
    #expect(!script.calls.contains(.setFormat) && !script.calls.contains(.requestBuffers), "listing changes nothing")
}

@Test func aNodeThatIsNoCameraIsShownWithItsCard() {
    let script = Script()
    script.capabilities = 0x0080_0000
    #expect(notes(on: script) == ["card", "error \(CameraError.notACamera(.metadata))"])
}

@Test func aNodeThatCannotBeOpenedIsShownWithTheReason() {
    let script = Script()
    script.failures[.open] = RB_EACCES
    #expect(notes(on: script) == ["error notPermitted"])
}

@Test func aNodeThatFailsHalfwayIsShownAsFarAsItGoes() {
    let script = Script()
    script.failures[.enumerateSizes] = RB_ENODEV
    #expect(notes(on: script) == ["card", "format \(fourcc("YUYV")) true", "error gone"])
}

@Test func listingThisMachinesCamerasShowsEachOfItsNodes() {
    var list = Notes()
    listCameras(for: CaptureRequest(covering: FrameSize(width: 32, height: 32)), &list)
    var nodes: [String] = []
    var number = rb_v4l2_next_node(0)
    while number >= 0 {
        nodes.append("node /dev/video\(number)")
        number = rb_v4l2_next_node(number + 1)
    }
    #expect(list.lines.filter { $0.hasPrefix("node ") } == nodes)
}
