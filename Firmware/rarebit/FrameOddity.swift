import Camera
import Text

/// What is odd about frames that are answered all the same.
enum FrameOddity {
    /// JPEG frames whose end marker does not come.
    case lacksEnd
    /// They are of another size than their source said: `agreed`.
    case otherSize(width: Int32, height: Int32, agreed: FrameGeometry)
    /// Their 16-bit brightness is within a small part of its range.
    case narrowBrightness(ClosedRange<UInt16>)
}

extension FrameOddity: TextConvertible {
    var text: Message {
        switch self {
        case .lacksEnd: "frames come without the JPEG end marker, with all their pixels; they are answered"
        case .otherSize(let width, let height, let agreed):
            """
            frames are \(width) x \(height) by their own header, not \(agreed.width) x \(agreed.height) as agreed; they \
            are answered as they are
            """
        case .narrowBrightness(let range):
            """
            the brightness of the first frame is \(range.lowerBound)...\(range.upperBound) of 0...65535, \
            \((range.upperBound >> 8) - (range.lowerBound >> 8) + 1) levels of grey to the model; see --y16-range in \
            rarebit run --help
            """
        }
    }
}
