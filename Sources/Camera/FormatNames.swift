import Pixels

/// The fourcc of the format that a text names: by its fourcc, as V4L2 writes it, in capitals or not, or by a name of its
/// own, such as mjpeg or rgb24. nil where no format that Pixels converts has that name. `text` ends in zero.
public func pixelFormat(named text: UnsafePointer<CChar>) -> UInt32? {
    for index in ownNames.indices where isSame(text, ownNames[index].0) { return code(ownNames[index].1) }
    for number in 0..<Int32(RB_PIXELS_FORMAT_COUNT.rawValue) where isSame(text, rb_pixels_fourcc(number)) {
        return rb_pixels_fourcc(number)
    }
    return nil
}

/// Formats that people know by names other than their fourcc.
private let ownNames: InlineArray<9, (StaticString, StaticString)> = [
    ("mjpeg", "MJPG"), ("rgb24", "RGB3"), ("bgr24", "BGR3"), ("rgb565", "RGBP"), ("yuv420", "YU12"),
    ("yvu420", "YV12"), ("xrgb32", "BX24"), ("y10", "Y10 "), ("y16", "Y16 "),
]

private func code(_ fourcc: StaticString) -> UInt32 {
    var code: UInt32 = 0
    for index in 0..<4 { code |= UInt32(fourcc.utf8Start[index]) << UInt32(8 * index) }
    return code
}

private func isSame(_ text: UnsafePointer<CChar>, _ name: StaticString) -> Bool {
    for index in 0..<name.utf8CodeUnitCount where lowered(text[index]) != name.utf8Start[index] { return false }
    return text[name.utf8CodeUnitCount] == 0
}

private func isSame(_ text: UnsafePointer<CChar>, _ fourcc: UInt32) -> Bool {
    for index in 0..<4
    where lowered(text[index]) != lowered(CChar(truncatingIfNeeded: fourcc >> UInt32(8 * index))) { return false }
    return text[4] == 0
}

private func lowered(_ character: CChar) -> UInt8 {
    let byte = UInt8(truncatingIfNeeded: character)
    return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
}
