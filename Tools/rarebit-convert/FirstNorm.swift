import Evaluation
import FloatGraph
import Foundation
import ModelFormat
import Quantization

/// The batch normalisation behind a network's first convolution. It remembers the variances that training saw there, and so
/// tells pictures that are prepared as in training from others.
struct FirstNorm {
    private let stem: FloatGraph
    /// `[channels]`, of the convolution's output during training.
    private let variances: [Float]

    /// nil where the network has none, or it never learnt anything.
    init?(of graph: FloatGraph) {
        let readers = graph.readers()
        guard let first = readers[graph.input.index].first, readers[graph.input.index].count == 1,
            case .convolution(let convolution) = graph[first].operation, let second = readers[first.index].first,
            case .batchNorm(let norm) = graph[second].operation
        else { return nil }
        var stem = FloatGraph(input: graph[graph.input].shape)
        guard let output = try? stem.append(.convolution(convolution), stem.input, name: "convolution"),
            (try? stem.append(.globalAveragePool, output, name: "features")) != nil
        else { return nil }
        self.stem = stem
        variances = norm.variance
        // What an untrained layer begins with says nothing.
        guard variances.contains(where: { $0 != 1 && $0 != 0 }) else { return nil }
    }

    /// One line where the pictures do not look as they did in training, with the preparation that fits best.
    func doubt(about input: ModelInput, on pictures: Dataset) throws -> String? {
        // Wrong preparations of five public networks were off by 1.1 to 3.0, right ones by 0.14 to 0.37.
        let suspicious = 0.75
        let pictures = pictures.sample(of: 32)
        guard pictures.count >= 8, let found = try distance(of: input, on: pictures), found > suspicious else {
            return nil
        }
        let others = try candidates(beside: input).compactMap { name, other in
            try distance(of: other, on: pictures).map { (name: name, distance: $0) }
        }
        let complaint =
            "the first layer's output varies otherwise than in training (by a factor of \(short(Float(exp(found)))), "
            + "median over its channels): the pictures seem to be prepared in another way"
        guard let best = others.min(by: { $0.distance < $1.distance }), best.distance < min(found / 2, suspicious)
        else {
            return "\(complaint); check --mean, --std and --channel-order"
        }
        return "\(complaint); \(best.name) fits better (\(short(Float(exp(best.distance)))))"
    }

    /// The median over the channels of |log(variance on the pictures / variance in training)|.
    private func distance(of input: ModelInput, on pictures: Dataset) throws -> Double? {
        let normalizer = PictureNormalizer(input)
        var (sums, squares, count) = ([Double](), [Double](), 0)
        for index in 0..<pictures.count {
            guard let image = normalizer.normalized(try pictures.picture(index)) else { continue }
            _ = stem.features(of: Activations(shape: stem[stem.input].shape, images: [image])) { value, _, result in
                guard case .convolution = stem[value].operation else { return }
                let pixels = result.shape.pixels
                let moments = result.channelMoments
                sums = sums.isEmpty ? moments.map(\.sum) : zip(sums, moments).map { $0 + $1.sum }
                squares = squares.isEmpty ? moments.map(\.squares) : zip(squares, moments).map { $0 + $1.squares }
                count += pixels
            }
        }
        guard count > 1 else { return nil }
        let ratios = variances.indices.compactMap { channel -> Double? in
            let mean = sums[channel] / Double(count)
            let variance = squares[channel] / Double(count) - mean * mean
            // A dead channel has no variance in training and none here.
            guard variances[channel] > 1e-12, variance > 1e-12 else { return nil }
            return abs(log(variance / Double(variances[channel])))
        }.sorted()
        return ratios.isEmpty ? nil : ratios[ratios.count / 2]
    }

    private func candidates(beside input: ModelInput) -> [(name: String, ModelInput)] {
        let usual: [(String, SIMD3<Float>, SIMD3<Float>)] = [
            (
                "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225", SIMD3(0.485, 0.456, 0.406),
                SIMD3(0.229, 0.224, 0.225)
            ),
            ("--mean 0.5,0.5,0.5 --std 0.5,0.5,0.5", SIMD3(repeating: 0.5), SIMD3(repeating: 0.5)),
            ("--mean 0,0,0 --std 1,1,1", .zero, .one),
            (
                "--mean 0,0,0 --std 0.003921569,0.003921569,0.003921569 (pictures of 0 to 255)", .zero,
                SIMD3(repeating: 1 / 255)
            ),
            (
                "--mean 0.485,0.456,0.406 --std 0.003921569,0.003921569,0.003921569 (0 to 255 less the mean)",
                SIMD3(0.485, 0.456, 0.406), SIMD3(repeating: 1 / 255)
            ),
        ]
        var others = usual.map { name, mean, std in
            var other = input
            (other.mean, other.standardDeviation) = (mean, std)
            return (name: name, other)
        }
        var turned = input
        turned.isBGR.toggle()
        others.append((name: "--channel-order \(turned.isBGR ? "bgr" : "rgb")", turned))
        return others
    }
}
