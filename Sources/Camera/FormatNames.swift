import Pixels
import Text

/// The fourcc of the format that a text names: by its fourcc, as V4L2 writes it, in capitals or not, or by a name of its
/// own, such as mjpeg or rgb24. nil where no format that Pixels converts has that name.
public func pixelFormat(named text: CText) -> UInt32? {
    for index in ownNames.indices where text.isSame(ignoringCase: ownNames[index].0) { return code(ownNames[index].1) }
    for number in 0..<Int32(RB_PIXELS_FORMAT_COUNT.rawValue) {
        let fourcc = rb_pixels_fourcc(number)
        if FixedText<5>(copying: fourcc.littleEndian).withText({ text.isSame(ignoringCase: $0) }) { return fourcc }
    }
    return nil
}

/// Formats that people know by names other than their fourcc.
private let ownNames: InlineArray<9, (CText, CText)> = [
    ("mjpeg", "MJPG"), ("rgb24", "RGB3"), ("bgr24", "BGR3"), ("rgb565", "RGBP"), ("yuv420", "YU12"),
    ("yvu420", "YV12"), ("xrgb32", "BX24"), ("y10", "Y10 "), ("y16", "Y16 "),
]

private func code(_ fourcc: CText) -> UInt32 {
    UInt32(littleEndian: fourcc.bytes.loadUnaligned(as: UInt32.self))
}
