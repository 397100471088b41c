import Camera
import Pixels
import Testing

/// Three YUYV frames of 4x2 pixels: frame i is all i.
private let frames = (0..<3).flatMap { [UInt8](repeating: UInt8($0), count: 16) }
private let geometry = FrameGeometry(format: RB_PIXELS_YUYV, width: 4, height: 2, stride: 8)

@Suite struct ALoopOfFrames {
    @Test func givesItsFramesOverAndOver() {
        frames.withUnsafeBytes { memory in
            guard var source = FrameLoop(of: geometry, in: memory, frameBytes: 16) else {
                Issue.record("it is not made")
                return
            }
            #expect(source.geometry == geometry)
            for expected in 0..<8 as Range<UInt32> {
                guard case .frame(let frame) = source.next(deadline: 0) else {
                    Issue.record("no frame \(expected)")
                    return
                }
                let (pixels, sequence, bytes) = (frame.pixels, frame.sequence, frame.byteCount)
                #expect(sequence == expected)
                #expect(bytes == 16)
                #expect((0..<16).allSatisfy { pixels.plane.0![$0] == UInt8(expected % 3) })
                source.release(frame)
            }
            #expect(source.counters.delivered == 8)
        }
    }

    @Test func isNotMadeOfWhatHoldsNoFrames() {
        frames.withUnsafeBytes { memory in
            for (count, frameBytes) in [(0, 16), (48, 0), (40, 16), (48, 12), (8, 16)] {
                let part = UnsafeRawBufferPointer(rebasing: memory[..<count])
                let isMade = FrameLoop(of: geometry, in: part, frameBytes: frameBytes) != nil
                #expect(!isMade, "\(frameBytes) of \(count) bytes")
            }
        }
    }
}
