// The fixed-size records of the file. Each says the order of its fields once, in `code`, for reading and writing.

/// Reads or writes the 4-byte little-endian fields of a record in order.
protocol FieldCoder {
    mutating func code(_ field: inout UInt32)
    mutating func code(_ field: inout Float)
    mutating func code(_ field: inout OperationKind)
}

/// A record of 4-byte fields.
protocol Record {
    static var byteCount: Int { get }
    /// All fields zero, to be read into.
    init()
    mutating func code<Coder: FieldCoder>(with coder: inout Coder)
}

struct FieldReader: FieldCoder {
    let bytes: UnsafeRawBufferPointer
    var offset: Int
    /// Whether a number was read that is none of the kinds; its field keeps what it was.
    private(set) var foundUnknownKind = false

    init(bytes: UnsafeRawBufferPointer, offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    mutating func code(_ field: inout UInt32) {
        field = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        offset += 4
    }

    mutating func code(_ field: inout Float) {
        var bits: UInt32 = 0
        code(&bits)
        field = Float(bitPattern: bits)
    }

    mutating func code(_ field: inout OperationKind) {
        var number: UInt32 = 0
        code(&number)
        if let kind = OperationKind(rawValue: number) {
            field = kind
        } else {
            foundUnknownKind = true
        }
    }
}

extension Record {
    /// Reads the record at `offset`, which the caller has checked to lie inside `bytes`.
    init(at offset: Int, of bytes: UnsafeRawBufferPointer) {
        self.init()
        var reader = FieldReader(bytes: bytes, offset: offset)
        code(with: &reader)
    }
}

/// One uint8 tensor in the arena, `height` x `width` pixels of `channels` bytes, `pixelStride` bytes apart;
/// real value = scale * (byte - zeroPoint).
///
/// A view with a pixel stride larger than its channels is a slice of a concatenation.
public struct TensorView: Equatable, Sendable {
    /// From the start of the arena, a multiple of 4.
    public var arenaOffset: UInt32 = 0
    /// 1...65535; 0 marks an absent residual.
    public var height: UInt32 = 0
    public var width: UInt32 = 0
    public var channels: UInt32 = 0
    /// A multiple of 4, at least `channels` rounded up to a multiple of 4.
    public var pixelStride: UInt32 = 0
    /// 0...255
    public var zeroPoint: UInt32 = 0
    /// 2^-40...2^40
    public var scale: Float = 0

    public init() {}

    mutating func code<Coder: FieldCoder>(with coder: inout Coder) {
        coder.code(&arenaOffset)
        coder.code(&height)
        coder.code(&width)
        coder.code(&channels)
        coder.code(&pixelStride)
        coder.code(&zeroPoint)
        coder.code(&scale)
    }
}

/// What an operation does. The numbers stand in files: never renumber.
public enum OperationKind: UInt32, Sendable {
    /// Convolution, bias, optional residual addition, clamp.
    case convolution = 1
    case maxPool = 2
    /// Average over all pixels into float32 features; the output view is `channels` floats at `arenaOffset`.
    case globalAveragePool = 3
    /// Every byte through a table of 256 bytes in the weights section: any function of one number.
    case lookup = 4
    /// The input times `residual`, which has the same shape or is one pixel; clamp.
    case multiply = 5
    /// Average over a window into bytes.
    case averagePool = 6
    /// The bytes of the output, `[height][width][channels]`, from the weights section; the input is the output.
    case constant = 7
    /// The input's bytes in another order: see `Rearrangement`.
    case rearrange = 8
    /// Another number of pixels, by taps in the parameters section: of each row, then of each column.
    case resample = 9
    /// exp(x) over its sum over the channels of each of `groups`, by a table of 256 u32 in the parameters section.
    case softmax = 10
    /// Normalisation of each pixel over its channels: epsilon, weights and biases in the parameters section.
    case layerNorm = 11
    /// The channels of each of `groups` over their length, which is at least the number in the parameters section.
    case l2Norm = 12
    /// In each of `groups`, the products of the input's pixels and those of `residual`.
    case matrixProduct = 13
}

/// One step of the execution plan. Fields that a kind does not use are zero.
public struct OperationRecord: Record, Equatable, Sendable {
    public static let byteCount = 160

    public var kind = OperationKind.convolution
    public var groups: UInt32 = 0
    public var kernelHeight: UInt32 = 0
    public var kernelWidth: UInt32 = 0
    public var strideY: UInt32 = 0
    public var strideX: UInt32 = 0
    public var dilationY: UInt32 = 0
    public var dilationX: UInt32 = 0
    public var paddingTop: UInt32 = 0
    public var paddingLeft: UInt32 = 0
    /// Inclusive clamp of the quantised output: a fused ReLU has `outputMin` = the output's zero point.
    public var outputMin: UInt32 = 0
    public var outputMax: UInt32 = 0
    public var input = TensorView()
    public var output = TensorView()
    /// The tensor a convolution adds before its clamp (height 0: none), or the second factor of a product.
    public var residual = TensorView()
    /// Output pixel (y, x) adds residual pixel (y * step, x * step).
    public var residualStep: UInt32 = 0
    /// Output channel c adds residual channel c - offset, where that exists.
    public var residualChannelOffset: UInt32 = 0
    /// From the start of the weights section.
    public var weightsOffset: UInt32 = 0
    /// From the start of the parameters section, a multiple of 4.
    public var parametersOffset: UInt32 = 0
    /// Working memory of the kernel, from the start of the arena, 64-byte aligned.
    public var scratchOffset: UInt32 = 0
    public var scratchBytes: UInt32 = 0
    /// 1: positions outside the input count as zeros in an average; 0: not at all.
    public var countsPadding: UInt32 = 0

    public init() {}

    mutating func code<Coder: FieldCoder>(with coder: inout Coder) {
        coder.code(&kind)
        coder.code(&groups)
        coder.code(&kernelHeight)
        coder.code(&kernelWidth)
        coder.code(&strideY)
        coder.code(&strideX)
        coder.code(&dilationY)
        coder.code(&dilationX)
        coder.code(&paddingTop)
        coder.code(&paddingLeft)
        coder.code(&outputMin)
        coder.code(&outputMax)
        input.code(with: &coder)
        output.code(with: &coder)
        residual.code(with: &coder)
        coder.code(&residualStep)
        coder.code(&residualChannelOffset)
        coder.code(&weightsOffset)
        coder.code(&parametersOffset)
        coder.code(&scratchOffset)
        coder.code(&scratchBytes)
        coder.code(&countsPadding)
    }

    /// The record at `offset`, which the caller has checked to lie inside `bytes`; nil where its kind is none.
    init?(verifying bytes: UnsafeRawBufferPointer, at offset: Int) {
        var reader = FieldReader(bytes: bytes, offset: offset)
        code(with: &reader)
        guard !reader.foundUnknownKind else { return nil }
    }

    /// Bytes of a convolution's int8 weights, of a look-up table, or of a constant.
    public var weightBytes: UInt64 {
        switch kind {
        case .convolution: UInt64(output.channels) * UInt64(kernelHeight) * UInt64(kernelWidth) * groupInputs
        case .lookup: 256
        case .constant: UInt64(output.height) * UInt64(output.width) * UInt64(output.channels)
        case .maxPool, .globalAveragePool, .multiply, .averagePool, .rearrange, .resample, .softmax, .layerNorm,
            .l2Norm,
            .matrixProduct:
            0
        }
    }

    /// Multiply-accumulates of one run; 0 for anything but a convolution or a matrix product.
    public var multiplyAccumulates: UInt64 {
        let pixels = UInt64(output.height) * UInt64(output.width)
        return switch kind {
        case .convolution: weightBytes * pixels
        case .matrixProduct: UInt64(output.channels) * groupInputs * pixels
        case .maxPool, .globalAveragePool, .lookup, .multiply, .averagePool, .constant, .rearrange, .resample, .softmax,
            .layerNorm, .l2Norm:
            0
        }
    }

    /// Input channels of one group.
    private var groupInputs: UInt64 { groups > 0 ? UInt64(input.channels) / UInt64(groups) : 0 }
}

/// How a picture of any shape becomes a model's input; the numbers are those of `rb_pixels_fit` and stand in files.
public enum InputFit: UInt32, Sendable {
    /// Resized, then the centre is cropped.
    case crop = 0
    /// Resized to the input's shape whatever its own is.
    case squash = 1
    /// Resized to fit into the input, with black around it.
    case pad = 2
}

/// What the model expects as a picture, and the tensor it is quantised into.
public struct InputRecord: Record, Equatable, Sendable {
    public static let byteCount = 64

    /// Three bytes a pixel in the order R, G, B; pixelStride 4.
    public var tensor = TensorView()
    /// 0: the tensor's channels are R, G, B; 1: B, G, R.
    public var channelOrder: UInt32 = 0
    /// How a picture of another shape becomes one of the tensor's shape; an `InputFit`.
    public var resizeMode: UInt32 = 0
    /// Pixels: at least the larger of the tensor's sides, and exactly that for `pad`. See `rb_pixels_model_view` in
    /// pixels.h for what each mode makes of it; the resizing is antialiased bilinear.
    public var resizeSide: UInt32 = 0
    /// Of the picture / 255, per channel in the tensor's order.
    public var mean: SIMD3<Float> = .zero
    public var standardDeviation: SIMD3<Float> = .zero

    public init() {}

    mutating func code<Coder: FieldCoder>(with coder: inout Coder) {
        tensor.code(with: &coder)
        coder.code(&channelOrder)
        coder.code(&resizeMode)
        coder.code(&resizeSide)
        coder.code(&mean[0])
        coder.code(&mean[1])
        coder.code(&mean[2])
        coder.code(&standardDeviation[0])
        coder.code(&standardDeviation[1])
        coder.code(&standardDeviation[2])
    }
}

/// The classifier head; its numbers follow it in the section. See `rb_head` in kernels.h for the formula.
public struct HeadRecord: Record, Equatable, Sendable {
    public static let byteCount = 60

    public var classes: UInt32 = 0
    public var dimensions: UInt32 = 0
    /// K, a divisor of `dimensions`.
    public var heads: UInt32 = 0
    /// An `rb_feature_norm`.
    public var featureNorm: UInt32 = 0
    /// 0 or 1
    public var hasBias: UInt32 = 0
    /// 0 or 1
    public var hasCentre: UInt32 = 0
    /// 0 or 1; without directions alpha has no effect.
    public var hasDirections: UInt32 = 0
    /// tau and gamma are already in the rows; kept to say where they come from. 0: the classifier has none.
    public var tau: Float = 0
    public var gamma: Float = 0
    public var defaultAlpha: Float = 0
    /// float32 `[dimensions]`, `[dimensions]`, then `[classes]` three times: offsets from the start of the arena.
    public var featuresOffset: UInt32 = 0
    public var normalisedOffset: UInt32 = 0
    public var plainLogitsOffset: UInt32 = 0
    public var logitsOffset: UInt32 = 0
    public var probabilitiesOffset: UInt32 = 0

    public init() {}

    mutating func code<Coder: FieldCoder>(with coder: inout Coder) {
        coder.code(&classes)
        coder.code(&dimensions)
        coder.code(&heads)
        coder.code(&featureNorm)
        coder.code(&hasBias)
        coder.code(&hasCentre)
        coder.code(&hasDirections)
        coder.code(&tau)
        coder.code(&gamma)
        coder.code(&defaultAlpha)
        coder.code(&featuresOffset)
        coder.code(&normalisedOffset)
        coder.code(&plainLogitsOffset)
        coder.code(&logitsOffset)
        coder.code(&probabilitiesOffset)
    }
}

/// How the judging section begins, and what it may hold: see `SectionKind.judging`.
enum JudgingSection {
    static let headerBytes = 8
    static var temperatures: ClosedRange<Float> { 0.01...100 }

    /// Where a number of entries stands.
    enum Count: Int {
        case exempted = 0
        case temperatures = 4
    }
}
