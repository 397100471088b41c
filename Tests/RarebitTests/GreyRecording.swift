/// A recording of grey frames of 12 x 10 pixels, each of one brightness.
func greyRecording(brightness: [UInt8]) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let header =
        Array("RBFRAMES".utf8) + word(1) + Array("GREY".utf8) + word(12) + word(10) + word(12) + word(120)
        + word(UInt32(brightness.count))
    return header + [UInt8](repeating: 0, count: 64 - header.count)
        + brightness.flatMap { [UInt8](repeating: $0, count: 120) }
}
