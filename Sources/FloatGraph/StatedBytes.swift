/// How a file that is quantised already has a tensor's numbers stand for bytes: real = scale * (byte - zeroPoint).
public struct StatedBytes: Hashable, Sendable {
    /// 2^-40...2^40.
    public let scale: Float
    /// 0...255: of signed bytes 128 more than the file says.
    public let zeroPoint: Int

    /// nil where a number is out of range.
    init?(scale: Float, zeroPoint: Int) {
        guard scale >= 0x1p-40, scale <= 0x1p40, (0...255).contains(zeroPoint) else { return nil }
        self.scale = scale
        self.zeroPoint = zeroPoint
    }

    /// The numbers from the lowest byte to the highest.
    public var range: ClosedRange<Float> { -Float(zeroPoint) * scale...Float(255 - zeroPoint) * scale }

    /// The nearest number that a byte stands for, of two the one of the even distance from the zero point, as ONNX's
    /// QuantizeLinear rounds.
    func rounded(_ x: Float) -> Float {
        let steps = (x / scale).rounded(.toNearestOrEven)
        return min(max(steps, -Float(zeroPoint)), Float(255 - zeroPoint)) * scale
    }
}

extension FloatGraph {
    /// Whether the file it is of was quantised already: there is no float network behind it.
    public var isQuantised: Bool { nodes.contains { $0.operation.statedBytes != nil } }
}

extension Operation {
    /// Of an operation that rounds to bytes, which.
    public var statedBytes: StatedBytes? {
        if case .activation(.bytes(let bytes)) = self { bytes } else { nil }
    }
}
