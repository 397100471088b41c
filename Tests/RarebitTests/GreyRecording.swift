/// A recording of grey frames of 12 x 10 pixels, each of one brightness.
func greyRecording(brightness: [UInt8]) -> [UInt8] {
    greyRecording(frames: brightness.map { [UInt8](repeating: $0, count: 120) }, width: 12, height: 10)
}

/// A recording of grey frames without padding.
func greyRecording(frames: [[UInt8]], width: UInt32, height: UInt32) -> [UInt8] {
    recording(of: "GREY", frames: frames, width: width, height: height, stride: width)
}

/// A recording of frames of a format with one memory, as a camera would give them that agreed to a size.
func recording(of format: String, frames: [[UInt8]], width: UInt32, height: UInt32, stride: UInt32) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64) }
    return padded(Array("RBFRAMES".utf8) + word(2))
        + frames.enumerated().flatMap { number, frame in
            let shape = Array(format.utf8) + word(width) + word(height) + word(0) + word(1)
            let header = Array("FRAM".utf8) + shape + word(UInt32(number)) + word(0) + word(0) + word(0)
            return padded(header + word(stride) + word(UInt32(frame.count))) + padded(frame)
        }
}
