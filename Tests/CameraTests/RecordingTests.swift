import Camera
import Foundation
import Pixels
import Platform
import Testing

/// A recording of 6x4 YUYV frames whose rows have 2 bytes of padding and frames 8 bytes between them: frame i is all i.
private struct Bytes {
    var magic = "RBFRAMES"
    var version: UInt32 = 1
    var fourcc = CameraTests.fourcc("YUYV")
    var width: UInt32 = 6
    var height: UInt32 = 4
    var stride: UInt32 = 14
    var frameBytes: UInt32 = 64
    var stated: UInt32 = 0
    var frames = 3

    var all: [UInt8] {
        var bytes = Array(magic.utf8)
        for field in [version, fourcc, width, height, stride, frameBytes, stated] {
            withUnsafeBytes(of: field.littleEndian) { bytes += $0 }
        }
        bytes += [UInt8](repeating: 0, count: 64 - bytes.count)
        for frame in 0..<frames { bytes += [UInt8](repeating: UInt8(frame), count: Int(frameBytes)) }
        return bytes
    }
}

extension Recording {
    /// The next frame, which there must be.
    fileprivate mutating func nextFrame() throws -> Frame {
        guard case .frame(let frame) = next(deadline: 0) else { throw NoFrame() }
        return frame
    }
}

private func withRecording<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try path.withCString(body)
}

private func refusal(_ bytes: [UInt8]) throws -> RecordingError? {
    try withRecording(bytes) { path in
        do throws(RecordingError) {
            _ = try Recording(path: path)
            return nil
        } catch {
            return error
        }
    }
}

@Test(arguments: [0, 3, 2] as [UInt32])
func aRecordingGivesItsFramesInOrderAndThenEnds(stated: UInt32) throws {
    try withRecording(Bytes(stated: stated).all) { path in
        var recording = try Recording(path: path)
        let count = stated == 0 ? 3 : stated
        #expect(recording.frameCount == count)
        #expect(recording.geometry == FrameGeometry(format: RB_PIXELS_YUYV, width: 6, height: 4, stride: 14))
        var previous: UInt64 = 1
        for expected in 0..<count {
            let frame = try recording.nextFrame()
            let (pixels, sequence, timestamp) = (frame.pixels, frame.sequence, frame.timestamp)
            #expect(sequence == expected)
            #expect(pixels.stride.0 == 14)
            #expect((0..<54).allSatisfy { pixels.plane.0![$0] == UInt8(expected) })
            #expect(timestamp >= previous)
            previous = timestamp
            recording.release(frame)
        }
        guard case .ended = recording.next(deadline: 0) else { throw NoFrame() }
        #expect(recording.counters.delivered == UInt64(count))
    }
}

@Test func aLoopedRecordingBeginsAgainAndCountsOn() throws {
    try withRecording(Bytes().all) { path in
        var recording = try Recording(path: path, loops: true)
        for expected in 0..<10 as Range<UInt32> {
            let frame = try recording.nextFrame()
            let (pixels, sequence) = (frame.pixels, frame.sequence)
            #expect(sequence == expected)
            #expect(pixels.plane.0![0] == UInt8(expected % 3))
            recording.release(frame)
        }
        #expect(recording.counters.delivered == 10)
    }
}

@Test func aRecordedFrameGivesTheModelTheSameBytesAsTheLiveOne() throws {
    let script = Script()
    var capture = Capture(script)
    try capture.start()
    script.fill(1, value: 200)
    let live = try modelInput(capture.nextFrame().pixels)
    capture.stop()

    var bytes = Bytes(width: 640, height: 480, stride: 1280, frameBytes: 614_400, frames: 1).all
    bytes.replaceSubrange(64..., with: [UInt8](repeating: 200, count: 614_400))
    let replayed = try withRecording(bytes) { path in
        var recording = try Recording(path: path)
        return try modelInput(recording.nextFrame().pixels)
    }
    #expect(live == replayed)
}

/// What a 32x32 model sees of a 640x480 YUYV frame.
private func modelInput(_ pixels: rb_pixels_frame) throws -> [UInt8] {
    var view = rb_pixels_model_view(640, 480, 32, 32, 32)
    var quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
    let bytes = rb_pixels_workspace_bytes(RB_PIXELS_YUYV, 640, 480, &view)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { workspace.deallocate() }
    var plan = rb_pixels_plan()
    let colour = rb_pixels_colour()
    try #require(rb_pixels_configure(&plan, RB_PIXELS_YUYV, 640, 480, colour, &view, &quantisation, workspace))
    var pixels = pixels
    var output = [UInt8](repeating: 0, count: 32 * 32 * 4)
    try #require(rb_pixels_run(&plan, &pixels, &output))
    return output
}

@Test func aFileThatIsNotThereIsUnreadable() {
    #expect(throws: RecordingError.unreadable(number: RB_ENOENT)) { _ = try Recording(path: "/nonexistent/frames") }
}

@Test func whatIsNoRecordingIsRefused() throws {
    #expect(try refusal([]) == .notARecording)
    #expect(try refusal(Array(Bytes().all.prefix(63))) == .notARecording)
    #expect(try refusal(Bytes(magic: "RBFRAMEZ").all) == .notARecording)
    #expect(try refusal(Bytes(magic: "XBFRAMES").all) == .notARecording)
    #expect(try refusal(Bytes(version: 2).all) == .unsupportedVersion(2))
    let film = fourcc("H264")
    #expect(try refusal(Bytes(fourcc: film).all) == .unknownFormat(fourcc: film))
}

@Test(
    "a geometry that makes no sense is refused",
    arguments: [
        Bytes(width: 0), Bytes(height: 0), Bytes(width: 16385), Bytes(width: .max), Bytes(height: 1 << 31),
        Bytes(stride: 11), Bytes(stride: .max), Bytes(frameBytes: 0), Bytes(frameBytes: 53),
    ])
private func badGeometry(recording: Bytes) throws {
    var file = recording
    file.frames = 0
    #expect(
        try refusal(file.all)
            == .badGeometry(
                width: file.width, height: file.height, stride: file.stride, frameBytes: file.frameBytes))
}

@Test func aTruncatedRecordingIsRefusedAtEveryLength() throws {
    let whole = Bytes(stated: 3).all
    for length in 64..<whole.count {
        #expect(
            try refusal(Array(whole.prefix(length)))
                == .truncated(expectedBytes: UInt64(whole.count), foundBytes: UInt64(length)))
    }
    #expect(
        try refusal(Bytes(stated: .max).all)
            == .truncated(expectedBytes: 64 + 64 * UInt64(UInt32.max), foundBytes: UInt64(whole.count)))
}

@Test func aRecordingThatEndsInsideAFrameIsRefused() throws {
    let whole = Bytes().all
    #expect(try refusal(Array(whole.dropLast())) == .truncated(expectedBytes: 256, foundBytes: 255))
    #expect(try refusal(Array(whole.prefix(65))) == .truncated(expectedBytes: 128, foundBytes: 65))
}

@Test func aRecordingWithoutFramesIsRefused() throws {
    #expect(try refusal(Bytes(frames: 0).all) == .noFrames)
}
