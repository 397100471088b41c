import FloatGraph

/// How one tensor's real numbers stand for bytes: real = scale * (byte - zeroPoint).
public struct AffineQuantization: Hashable, Sendable {
    public let scale: Float
    /// 0...255; this byte is exactly 0.
    public let zeroPoint: Int

    /// Covers a range, widened to hold 0, with 256 evenly spaced values of which one is exactly 0: the ends move by at
    /// most half a step. A range without extent becomes [0, 1].
    init(covering range: ClosedRange<Float>) {
        let low = Double(min(range.lowerBound, 0))
        let high = Double(max(range.upperBound, 0))
        // The verifier's smallest scale is 2^-40: a range below that is as good as none.
        let step = high - low > 0x1p-30 ? (high - low) / 255 : 1 / 255
        scale = Float(step)
        zeroPoint = min(max(Int((-low / step).rounded()), 0), 255)
    }

    init(scale: Float, zeroPoint: Int) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// As a file that is quantised already has it.
    init(_ stated: StatedBytes) {
        scale = stated.scale
        zeroPoint = stated.zeroPoint
    }

    /// One step is 1/255 and no byte is negative: a picture's own bytes.
    static let identity = AffineQuantization(covering: 0...1)

    /// The byte that stands for a value best.
    func byte(of value: Float) -> UInt8 {
        UInt8(byte(of: Double(value)))
    }

    /// The nearest value that a byte can stand for.
    func rounded(_ value: Double) -> Double {
        (byte(of: value) - Double(zeroPoint)) * Double(scale)
    }

    private func byte(of value: Double) -> Double {
        min(max((value / Double(scale)).rounded(.toNearestOrEven) + Double(zeroPoint), 0), 255)
    }
}
