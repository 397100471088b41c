import Foundation

/// A function of one number, applied to every value of a tensor.
public indirect enum Activation: Equatable, Sendable {
    /// min(max(x, low), high).
    case clip(low: Float, high: Float)
    /// x where that is positive, slope * x elsewhere.
    case leakyReLU(slope: Float)
    /// 1 / (1 + exp(-x)).
    case sigmoid
    /// slope * x + offset, cut off below 0 and above 1.
    case hardSigmoid(slope: Float, offset: Float)
    /// factor * x + offset.
    case affine(factor: Float, offset: Float)
    /// The error function.
    case erf
    case tanh
    case exp
    case log
    case abs
    /// x to the power of a number that does not change.
    case power(Float)
    /// log(1 + exp(x)).
    case softplus
    /// x where that is positive, scale * (exp(x) - 1) elsewhere.
    case elu(scale: Float)
    /// x * f(x): with a sigmoid the SiLU.
    case gated(by: Activation)
    /// The nearest number that a byte stands for, as a file says that is quantised already.
    case bytes(StatedBytes)
    /// One after the other.
    case sequence([Activation])

    public static let relu = Activation.clip(low: 0, high: .infinity)
    public static let relu6 = Activation.clip(low: 0, high: 6)
    public static let silu = Activation.gated(by: .sigmoid)
    public static let hardSwish = Activation.gated(by: .hardSigmoid(slope: 1 / 6, offset: 0.5))

    /// x times the share of a normal distribution below x.
    public static let gelu = Activation.gated(
        by: .sequence([
            .affine(factor: Float(0.5.squareRoot()), offset: 0), .erf, .affine(factor: 0.5, offset: 0.5),
        ]))

    public func callAsFunction(_ x: Float) -> Float {
        switch self {
        case .clip(let low, let high): min(max(x, low), high)
        case .leakyReLU(let slope): x > 0 ? x : slope * x
        case .sigmoid: 1 / (1 + Foundation.exp(-x))
        case .erf: Foundation.erf(x)
        case .tanh: Foundation.tanh(x)
        case .exp: Foundation.exp(x)
        case .log: Foundation.log(x)
        case .abs: Swift.abs(x)
        case .power(let exponent): exponent == 2 ? x * x : exponent == 0.5 ? x.squareRoot() : pow(x, exponent)
        case .softplus: x > 20 ? x : log1p(Foundation.exp(x))
        case .elu(let scale): x > 0 ? x : scale * expm1(x)
        case .hardSigmoid(let slope, let offset): min(max(slope * x + offset, 0), 1)
        case .affine(let factor, let offset): factor * x + offset
        case .gated(let gate): x * gate(x)
        case .bytes(let bytes): bytes.rounded(x)
        case .sequence(let parts): parts.reduce(x) { $1($0) }
        }
    }
}

extension Operation {
    public static let relu = Operation.activation(.relu)
    public static let relu6 = Operation.activation(.relu6)
}
