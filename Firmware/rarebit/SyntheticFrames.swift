import Camera
import Pixels

/// 640x480 YUYV frames such as a webcam gives, made on the spot for benchmarks: slopes, edges and noise, a little
/// further with every frame.
struct SyntheticFrames: ~Copyable {
    private static var count: Int { 4 }
    private static var width: Int { 640 }
    private static var height: Int { 480 }
    private static var frameBytes: Int { 2 * width * height }

    private let memory: Memory

    init() throws(ProgramError) {
        memory = try Memory(count: Self.count * Self.frameBytes)
        var scene = Scene()
        var offset = 0
        for frame in 0..<Self.count {
            for y in 0..<Self.height {
                for x in 0..<Self.width {
                    let (brightness, chroma) = scene.pixel(x, y, frame: frame)
                    memory.bytes[offset] = brightness
                    memory.bytes[offset + 1] = chroma
                    offset += 2
                }
            }
        }
    }

    /// Valid as long as the frames are.
    func source() -> FrameLoop {
        let geometry = FrameGeometry(
            format: RB_PIXELS_YUYV, width: Int32(Self.width), height: Int32(Self.height), stride: Int32(2 * Self.width))
        return FrameLoop(of: geometry, in: UnsafeRawBufferPointer(memory.bytes), frameBytes: Self.frameBytes)!
    }
}

/// What synthetic frames show.
private struct Scene {
    private var noise: UInt32 = 1

    /// Brightness, and the chroma value that stands beside it.
    mutating func pixel(_ x: Int, _ y: Int, frame: Int) -> (UInt8, UInt8) {
        noise = noise &* 1_664_525 &+ 1_013_904_223  // Numerical Recipes' generator
        let grain = Int(noise >> 29) - 4
        let edge = (x / 48 + y / 48 + frame) % 2 * 32
        func slope(_ place: Int) -> Int {
            let place = (place + 8 * frame) % 320
            return place < 160 ? place : 320 - place
        }
        return (UInt8(24 + slope(x / 2 + y) + edge + grain), UInt8(48 + slope(x % 2 == 0 ? x + y / 3 : x / 5 + 2 * y)))
    }
}
