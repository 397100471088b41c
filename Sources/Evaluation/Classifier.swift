import FloatGraph
import Inference
import ModelFormat
import Quantization

/// Something that computes the logits of pictures. One instance belongs to one thread.
protocol Classifier: SendableMetatype {
    /// What `answer` makes of the logits of each picture for each alpha, `[picture][alpha]`; nil for a picture of unusable size.
    func answers<Answer>(to pictures: [Picture], alphas: [Float], _ answer: ([Float]) -> Answer) -> [[Answer]?]
}

/// A network in float32, ready to classify: what a checkpoint and its configuration make.
public struct FloatModel: Sendable {
    public let graph: FloatGraph
    public let head: ClassifierHead
    public let input: ModelInput

    public init(graph: FloatGraph, head: ClassifierHead, input: ModelInput) {
        self.graph = graph
        self.head = head
        self.input = input
    }
}

struct FloatClassifier: Classifier {
    private let model: FloatModel
    private let normalizer: PictureNormalizer

    init(_ model: FloatModel) {
        self.model = model
        normalizer = PictureNormalizer(model.input)
    }

    func answers<Answer>(to pictures: [Picture], alphas: [Float], _ answer: ([Float]) -> Answer) -> [[Answer]?] {
        let images = pictures.map(normalizer.normalized)
        let batch = Activations(shape: model.graph[model.graph.input].shape, images: images.compactMap { $0 })
        var features = model.graph.features(of: batch).makeIterator()
        return images.map { image in
            guard image != nil, let features = features.next() else { return nil }
            return alphas.map { answer(model.head.logits(of: features, alpha: $0)) }
        }
    }
}

/// The device's own code: preprocessing, int8 network and head.
struct Int8Classifier: Classifier {
    /// The engine points into both.
    private let file: ModelFile
    private let arena: AlignedMemory
    private let engine: Engine
    private let preprocessor: PicturePreprocessor

    init(_ file: ModelFile) throws(InferenceError) {
        self.file = file
        let model = file.model
        guard let path = ExecutionPath.best(for: model) else { throw .noUsablePath }
        arena = AlignedMemory(byteCount: try Engine.arenaBytes(model: model, path: path))
        engine = try Engine(model: model, path: path, arena: arena.bytes)
        preprocessor = PicturePreprocessor(input: model.input)
    }

    func answers<Answer>(to pictures: [Picture], alphas: [Float], _ answer: ([Float]) -> Answer) -> [[Answer]?] {
        pictures.map { picture in
            guard preprocessor.run(picture, into: engine.input) else { return nil }
            engine.runBackbone { _ in }
            return alphas.map { alpha in
                engine.runHead(alpha: alpha)
                return answer(Array(engine.logits))
            }
        }
    }
}

@Sendable func indexOfLargest(_ values: [Float]) -> Int {
    values.indices.dropFirst().reduce(0) { values[$1] > values[$0] ? $1 : $0 }
}
