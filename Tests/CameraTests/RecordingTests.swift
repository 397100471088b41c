import Foundation
import Pixels
import Platform
import Testing

@testable import Camera

/// A recorded frame of 6x4 YUYV whose rows have 2 bytes of padding, each byte the same.
private struct RecordedBytes {
    var marker = "FRAM"
    var fourcc = CameraTests.fourcc("YUYV")
    var width: UInt32 = 6
    var height: UInt32 = 4
    var colour: UInt32 = 0
    var memories: UInt32 = 1
    var sequence: UInt32 = 0
    var stride: UInt32 = 14
    var bytes: UInt32 = 56
    var value: UInt8 = 0

    var all: [UInt8] {
        var all = Array(marker.utf8)
        for field in [fourcc, width, height, colour, memories, sequence, 0, 5, 0, stride, bytes] {
            withUnsafeBytes(of: field.littleEndian) { all += $0 }
        }
        return padded(padded(all) + [UInt8](repeating: value, count: min(Int(bytes), 1000)))
    }
}

private func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) }

private func file(_ frames: [RecordedBytes], magic: String = "RBFRAMES", version: UInt8 = 2) -> [UInt8] {
    padded(Array(magic.utf8) + [version, 0, 0, 0]) + frames.flatMap(\.all)
}

private func withPath<Result>(_ body: (String) throws -> Result) rethrows -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

private func withRecording<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    try withPath { path in
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }
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

extension Recording {
    /// The next frame, which there must be.
    fileprivate mutating func nextFrame() throws -> Frame {
        guard case .frame(let frame) = next(deadline: 0) else { throw NoFrame() }
        return frame
    }

    fileprivate mutating func expectEnd() throws {
        guard case .ended = next(deadline: 0) else {
            Issue.record("there should be no more frames")
            return
        }
    }
}

private let threeFrames = (0..<3).map { RecordedBytes(sequence: 7 + 2 * $0, value: UInt8($0)) }

@Test func aRecordingGivesItsFramesInOrderAndThenEnds() throws {
    try withRecording(file(threeFrames)) { path in
        var recording = try Recording(path: path)
        #expect(recording.frameCount == 3 && recording.cutBytes == 0)
        #expect(recording.geometry == FrameGeometry(format: RB_PIXELS_YUYV, width: 6, height: 4, stride: 14))
        var previous: UInt64 = 1
        for expected in 0..<3 {
            let frame = try recording.nextFrame()
            let (pixels, sequence, timestamp) = (frame.pixels, frame.sequence, frame.timestamp)
            #expect(sequence == UInt32(7 + 2 * expected))
            #expect(pixels.stride.0 == 14)
            #expect((0..<54).allSatisfy { pixels.plane.0![$0] == UInt8(expected) })
            #expect(timestamp >= previous)
            previous = timestamp
            recording.release(frame)
        }
        try recording.expectEnd()
        #expect(recording.counters.delivered == 3 && recording.generation == 1)
    }
}

@Test func aLoopingRecordingBeginsAgainAndItsNumbersGoOn() throws {
    try withRecording(file(threeFrames)) { path in
        var recording = try Recording(path: path, loops: true)
        var seen: [UInt32] = []
        for _ in 0..<7 {
            let frame = try recording.nextFrame()
            seen.append(frame.sequence)
            let value = frame.pixels.plane.0![0]
            #expect(Int(value) == (seen.count - 1) % 3)
        }
        #expect(seen == [7, 9, 11, 12, 14, 16, 17])
    }
}

@Test func aFrameOfAnotherShapeChangesTheGeneration() throws {
    let frames = [
        RecordedBytes(), RecordedBytes(width: 4), RecordedBytes(width: 4),
        RecordedBytes(width: 4, colour: 0x21), RecordedBytes(width: 4, colour: 0x21, stride: 12),
    ]
    try withRecording(file(frames)) { path in
        var recording = try Recording(path: path)
        var generations: [UInt32] = []
        for expected in frames {
            _ = try recording.nextFrame()
            generations.append(recording.generation)
            let geometry = recording.geometry
            #expect(geometry.width == Int32(expected.width) && geometry.stride == Int32(expected.stride))
            #expect(geometry.colour.matrix.rawValue == expected.colour & 15)
            #expect(geometry.colour.range.rawValue == expected.colour >> 4)
        }
        #expect(generations == [1, 2, 2, 3, 4])
    }
}

@Test func whatIsNoRecordingIsRefused() throws {
    #expect(throws: RecordingError.unreadable(number: RB_ENOENT)) { _ = try Recording(path: "/nonexistent/frames") }
    #expect(try refusal([]) == .notARecording)
    #expect(try refusal(Array(file(threeFrames).prefix(63))) == .notARecording)
    #expect(try refusal(file(threeFrames, magic: "RBFRAMEZ")) == .notARecording)
    #expect(try refusal(file(threeFrames, magic: "XBFRAMES")) == .notARecording)
    for version in [0, 1, 3] as [UInt8] {
        #expect(try refusal(file(threeFrames, version: version)) == .unsupportedVersion(UInt32(version)))
    }
    #expect(try refusal(file([])) == .noFrames)
}

@Test(
    "a frame that makes no sense is refused, wherever it stands",
    arguments: [
        RecordedBytes(marker: "FRAN"), RecordedBytes(width: 0), RecordedBytes(height: 0), RecordedBytes(width: 16385),
        RecordedBytes(width: .max), RecordedBytes(height: 1 << 31), RecordedBytes(stride: 11),
        RecordedBytes(stride: .max), RecordedBytes(bytes: 0), RecordedBytes(bytes: 53), RecordedBytes(bytes: .max),
        RecordedBytes(memories: 0), RecordedBytes(memories: 2), RecordedBytes(memories: 4), RecordedBytes(colour: 2),
        RecordedBytes(colour: 0x30),
    ])
private func damagedFrame(frame: RecordedBytes) throws {
    #expect(try refusal(file([frame, RecordedBytes()])) == .damaged(frame: 0))
    #expect(try refusal(file([RecordedBytes(), frame, RecordedBytes()])) == .damaged(frame: 1))
    let unknown = fourcc("H264")
    #expect(
        try refusal(file([RecordedBytes(), RecordedBytes(fourcc: unknown)]))
            == .unknownFormat(frame: 1, fourcc: unknown))
}

@Test func aRecordingCanBeReadAtAnyLength() throws {
    let whole = file(threeFrames)
    for length in 64..<whole.count {
        let frames = (length - 64) / 128
        let cut = Array(whole.prefix(length))
        if frames == 0 {
            #expect(try refusal(cut) == .noFrames)
            continue
        }
        try withRecording(cut) { path in
            var recording = try Recording(path: path)
            #expect(recording.frameCount == UInt32(frames) && recording.cutBytes == (length - 64) % 128)
            for _ in 0..<frames { _ = try recording.nextFrame() }
            try recording.expectEnd()
        }
    }
}

@Test func aFileThatIsDamagedAnywhereIsRefusedOrReplayed() throws {
    let whole = file(threeFrames)
    let values: [UInt8] = [0, 0x80, 0xFF]
    try withPath { path in
        for position in 0..<whole.count {
            for value in values where value != whole[position] {
                var bytes = whole
                bytes[position] = value
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                // Throws one of its errors, or gives as many frames as it says.
                guard var recording = try? Recording(path: path) else { continue }
                while case .frame(let frame) = recording.next(deadline: 0) { recording.release(frame) }
                #expect(recording.counters.delivered == UInt64(recording.frameCount), "\(value) at \(position)")
            }
        }
    }
}

// MARK: Recording and replaying

@Test func recordedFramesAreReplayedBitForBit() throws {
    let script = Script()
    script.adjust = { ($0.is_bt709, $0.range) = (true, RB_V4L2_RANGE_FULL) }
    var capture = Capture(script)
    try capture.start()
    try withPath { path in
        var live: [[UInt8]] = []
        do {
            var recorder = try Recorder(path: path)
            for (index, value) in ([0, 128, 200] as [UInt8]).enumerated() {
                script.fill(UInt32(index), value: value)
                let frame = try capture.nextFrame()
                live.append(try modelInput(frame.pixels, capture.geometry))
                recorder.record(frame, capture.geometry)
                try capture.release(frame)
            }
            #expect(recorder.failure == nil && recorder.failures == 0)
        }
        var recording = try Recording(path: path)
        #expect(recording.geometry == capture.geometry)
        for expected in live {
            let replayed = try modelInput(recording.nextFrame().pixels, recording.geometry)
            #expect(replayed == expected)
        }
        try recording.expectEnd()
    }
    capture.stop()
}

@Test func aFrameInSeveralMemoriesIsRecordedWithoutWhatLiesBeforeItsPixels() throws {
    let script = Script.withTwoMemories(bytes: 80)
    script.adjust = { ($0.stride.0, $0.stride.1) = (8, 10) }
    var capture = Capture(script, covering: 4, 4)
    try capture.start()
    script.fill(1, planes: [(used: 32 + 5, offset: 5, value: 50), (used: 20 + 3, offset: 3, value: 60)])
    try withPath { path in
        let frame = try capture.nextFrame()
        do {
            var recorder = try Recorder(path: path)
            recorder.record(frame, capture.geometry)
        }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect(size == 64 + 64 + 64 + 64)
        var recording = try Recording(path: path)
        let pixels = try recording.nextFrame().pixels
        #expect(recording.geometry == capture.geometry && pixels.stride.1 == 10)
        #expect(pixels.plane.0![0] == 50 && pixels.plane.0![31] == 50 && pixels.plane.1![19] == 60)
    }
    capture.stop()
}

@Test func whatTakesNoBytesCannotBeRecordedTo() {
    for path in ["/", "/nonexistent/frames"] {
        var caught: RecordingError?
        do throws(RecordingError) { _ = try Recorder(path: path) } catch { caught = error }
        guard case .unwritable = caught else {
            Issue.record("\(path): \(String(describing: caught))")
            continue
        }
    }
}

/// What a 32x32 model sees of a frame.
private func modelInput(_ pixels: rb_pixels_frame, _ geometry: FrameGeometry) throws -> [UInt8] {
    var view = rb_pixels_model_view(geometry.width, geometry.height, RB_PIXELS_CROP, 32, 32, 32)
    var quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
    let bytes = rb_pixels_workspace_bytes(geometry.format, geometry.width, geometry.height, &view)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { workspace.deallocate() }
    var plan = rb_pixels_plan()
    try #require(
        rb_pixels_configure(
            &plan, geometry.format, geometry.width, geometry.height, geometry.colour, &view, &quantisation, workspace))
    var pixels = pixels
    var output = [UInt8](repeating: 0, count: 32 * 32 * 4)
    try #require(rb_pixels_run(&plan, &pixels, &output))
    return output
}
