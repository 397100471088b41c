import FloatGraph
import ModelFormat
import Quantization

/// What options and configuration say about how pictures are prepared.
struct Preparation {
    /// What was assumed of the numbers, one line each.
    private(set) var notes: [String] = []
    let input: ModelInput
    let ignoresEXIF: Bool

    /// `size` is what the file of weights says of its input, `architecture` what is recognised in it. Throws one line with all
    /// that is missing, `missing` first.
    init(
        _ options: PictureOptions, _ configuration: Configuration, size: (height: Int, width: Int)?,
        architecture: Architecture?, missing: [MissingOption] = []
    ) throws {
        let stated = try Stated(options, configuration)
        let usual = try configuration.dataset().flatMap(UsualInput.init(ofDataset:))
        let known = stated.size ?? size
        let side = known ?? usual.map { ($0.side, $0.side) }
        let mean = stated.mean ?? usual?.mean
        let std = stated.standardDeviation ?? usual?.standardDeviation
        let lacking = Self.lacking(
            size: side == nil, mean: mean == nil, std: std == nil,
            usual: architecture.map { UsualInput(side: $0.usualSide) })
        guard let (height, width) = side, let mean, let std, missing.isEmpty else {
            throw UsageFailure(missing: missing + lacking)
        }
        guard (1...4096).contains(height), (1...4096).contains(width) else {
            throw UsageFailure("an input of \(height) x \(width) is out of range; give 1 to 4096 pixels a side")
        }
        let scaled = try ScaledNumbers(mean: mean, standardDeviation: std)
        notes = scaled.notes
        let fit = stated.fit ?? .crop
        let usualResize = known == nil && fit == .crop ? usual?.resize : nil
        let larger = max(height, width)
        let resize = stated.resize ?? usualResize ?? larger
        guard (larger...16384).contains(resize) else {
            throw UsageFailure("--resize \(resize) is out of range; give \(larger) to 16384")
        }
        guard fit != .pad || resize == larger else {
            throw UsageFailure("--resize-mode pad fits the whole picture into the input; leave --resize out")
        }
        input = ModelInput(
            height: height, width: width, fit: fit, resizeSide: resize, isBGR: stated.isBGR ?? false,
            mean: scaled.mean, standardDeviation: scaled.standardDeviation)
        ignoresEXIF = stated.ignoresEXIF
    }

    /// What a model file says. Throws where an option says something else: comparing with other pictures compares nothing.
    init(_ input: ModelInput, of path: String, options: PictureOptions, configuration: Configuration) throws {
        let stated = try Stated(options, configuration)
        let scaled = try zip(stated.mean, stated.standardDeviation).map(ScaledNumbers.init)
        let pairs: [(name: String, differs: Bool)] = [
            ("--input or input.size", stated.size.map { $0 != (input.height, input.width) } ?? false),
            ("--resize or input.resize", stated.resize.map { $0 != input.resizeSide } ?? false),
            ("--resize-mode or input.resize_mode", stated.fit.map { $0 != input.fit } ?? false),
            ("--channel-order or input.channel_order", stated.isBGR.map { $0 != input.isBGR } ?? false),
            ("--mean or input.mean", scaled.map { $0.mean != input.mean } ?? false),
            ("--std or input.std", scaled.map { $0.standardDeviation != input.standardDeviation } ?? false),
        ]
        let names = pairs.filter(\.differs).map(\.name)
        guard names.isEmpty else {
            throw UsageFailure(
                "\(path): prepares its pictures in another way than \(names.joined(separator: ", ")); leave that out "
                    + "to compare as the model says, which rarebit-convert inspect shows")
        }
        self.input = input
        ignoresEXIF = stated.ignoresEXIF
    }

    private static func lacking(size: Bool, mean: Bool, std: Bool, usual: UsualInput?) -> [MissingOption] {
        func numbers(_ values: SIMD3<Float>) -> String {
            (0..<3).map { String(describing: values[$0]) }.joined(separator: ",")
        }
        return [
            size
                ? MissingOption(
                    what: "the input size", option: "--input 3xHxW", isInConfiguration: true,
                    proposal: usual.map { "--input 3x\($0.side)x\($0.side)" }) : nil,
            mean
                ? MissingOption(
                    what: "the mean", option: "--mean R,G,B", isInConfiguration: true,
                    proposal: usual.map { "--mean \(numbers($0.mean))" }) : nil,
            std
                ? MissingOption(
                    what: "the standard deviation", option: "--std R,G,B", isInConfiguration: true,
                    proposal: usual.map { "--std \(numbers($0.standardDeviation))" }) : nil,
        ].compactMap(\.self)
    }
}

/// Something that a command needs and nobody said.
struct MissingOption {
    /// "the mean"
    let what: String
    /// "--mean R,G,B"
    let option: String
    /// Whether the configuration could say it as well.
    var isInConfiguration = false
    /// Whether a file that is quantised already does without.
    var isForFloatNetworks = false
    /// The option with what is usual.
    var proposal: String?
}

extension UsageFailure {
    /// All that is missing, in one line.
    init(missing: [MissingOption]) {
        let proposals = missing.compactMap(\.proposal)
        self.init(
            "not known: \(missing.map(\.what).joined(separator: ", ")); give \(missing.map(\.option).joined(separator: " "))"
                + (missing.contains(where: \.isInConfiguration) ? ", or --config with the fields of input" : "")
                + (proposals.isEmpty
                    ? "" : "; networks of this kind are usually trained with \(proposals.joined(separator: " "))"))
    }
}

/// Options, and what the configuration says where there are none. Also what an option wins over is read: a mistake in the
/// configuration must not go unnoticed.
private struct Stated {
    let size: (height: Int, width: Int)?
    let resize: Int?
    let fit: InputFit?
    let isBGR: Bool?
    let mean: SIMD3<Float>?
    let standardDeviation: SIMD3<Float>?
    let ignoresEXIF: Bool

    init(_ options: PictureOptions, _ configuration: Configuration) throws {
        let (size, resize) = (try configuration.inputSize(), try configuration.resize())
        let (mean, std) = (try configuration.mean(), try configuration.standardDeviation())
        let (fit, order) = (try configuration.resizeMode(), try configuration.channelOrder())
        let ignoresEXIF = try configuration.ignoresEXIF()
        self.size = options.input.map { ($0.height, $0.width) } ?? size
        self.resize = options.resize ?? resize
        self.fit = (options.resizeMode ?? fit)?.fit
        isBGR = (options.channelOrder ?? order).map { $0 == .bgr }
        self.mean = options.mean ?? mean
        standardDeviation = options.std ?? std
        self.ignoresEXIF = options.ignoreExif || ignoresEXIF ?? false
    }
}

/// Mean and standard deviation on the scale of 0 to 1, from that or from the scale of 0 to 255.
private struct ScaledNumbers {
    let mean: SIMD3<Float>
    let standardDeviation: SIMD3<Float>
    let notes: [String]

    init(mean: SIMD3<Float>, standardDeviation std: SIMD3<Float>) throws {
        guard (0..<3).allSatisfy({ mean[$0].isFinite && std[$0] > 1e-6 && std[$0] < 1e6 }) else {
            throw UsageFailure("mean and standard deviation must be numbers, the latter above 0")
        }
        // No picture has a mean above white, and no deviation reaches 1.
        let (meanIsLarge, stdIsLarge) = (mean.max() > 1, std.max() > 1)
        guard meanIsLarge || stdIsLarge else {
            (self.mean, standardDeviation, notes) = (mean, std, [])
            return
        }
        // A deviation of exactly 1 stands for none, on either scale; so does a mean of 0.
        let isMixed = meanIsLarge ? std.min() < 1 : mean.max() > 0
        guard !isMixed else {
            throw UsageFailure(
                "mean \(Self.text(mean)) and standard deviation \(Self.text(std)) are not on one scale; "
                    + "give both for pictures of 0 to 1, or both for 0 to 255")
        }
        (self.mean, standardDeviation) = (mean / 255, std / 255)
        notes = [
            "mean \(Self.text(mean)) and standard deviation \(Self.text(std)) are taken for the scale of 0 to 255: "
                + "\(Self.text(mean / 255)) and \(Self.text(std / 255)) of 0 to 1"
        ]
    }

    private static func text(_ numbers: SIMD3<Float>) -> String {
        (0..<3).map { short(numbers[$0]) }.joined(separator: ",")
    }
}

/// How the pictures of a data set, or of a kind of network, are usually prepared.
private struct UsualInput {
    let side: Int
    let resize: Int
    let mean: SIMD3<Float>
    let standardDeviation: SIMD3<Float>

    /// CIFAR's for its size, else ImageNet's.
    init(side: Int) {
        self.side = side
        if side == 32 {
            resize = 32
            (mean, standardDeviation) = (SIMD3(0.4914, 0.4822, 0.4465), SIMD3(0.2023, 0.1994, 0.2010))
        } else {
            resize = 256
            (mean, standardDeviation) = (SIMD3(0.485, 0.456, 0.406), SIMD3(0.229, 0.224, 0.225))
        }
    }

    /// Which the reference's configurations name and leave at that; by the beginning of the name: "CIFAR100_LT",
    /// "ImageNet_LT", "Places_LT".
    init?(ofDataset name: String) {
        let name = name.lowercased()
        if name.hasPrefix("cifar") {
            self.init(side: 32)
        } else if name.hasPrefix("imagenet") || name.hasPrefix("places") {
            self.init(side: 224)
        } else {
            return nil
        }
    }
}

/// Both or neither.
func zip<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
    a.flatMap { a in b.map { (a, $0) } }
}

extension ModelInput {
    /// "0.485,0.456,0.406 / 0.229,0.224,0.225 of R,G,B; shorter side to 256, then 224x224 of the centre"
    var text: String {
        func numbers(_ values: SIMD3<Float>) -> String { (0..<3).map { short(values[$0]) }.joined(separator: ",") }
        let shape =
            switch fit {
            case .crop where resizeSide == max(height, width): "the largest centred part"
            case .crop: "shorter side to \(resizeSide), then the centre"
            case .squash where resizeSide == max(height, width): "squashed"
            case .squash: "squashed to \(resizeSide), then the centre"
            case .pad: "whole, with black around it"
            }
        return "\(shape), \(isBGR ? "BGR" : "RGB"), mean \(numbers(mean)), std \(numbers(standardDeviation)) of R,G,B"
    }
}

/// How a picture of another shape becomes one of the input's.
enum ResizeMode: String, CaseIterable {
    case crop, squash, pad

    var fit: InputFit {
        switch self {
        case .crop: .crop
        case .squash: .squash
        case .pad: .pad
        }
    }
}

enum ChannelOrder: String, CaseIterable {
    case rgb, bgr
}
