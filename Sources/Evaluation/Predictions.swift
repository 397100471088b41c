import FloatGraph
import Quantization

/// Hears the fraction done, from any thread.
public typealias ProgressHandler = @Sendable (Double) -> Void

/// The predicted class of each image for each alpha, `[alpha][image]`: features are computed once for all alphas. Throws
/// `DataError`.
public func predictions(
    of model: FloatModel, on data: Dataset, alphas: [Float], progress: @escaping ProgressHandler = { _ in }
) throws -> [[Int]] {
    try answers(
        to: data, alphas: alphas, batchSize: model.graph.batchSize, progress: progress,
        makeClassifier: { FloatClassifier(model) }, indexOfLargest)
}

/// The same of an int8 model, by the code that runs on the device. Throws `DataError` and `InferenceError`.
public func predictions(
    of model: ModelFile, on data: Dataset, alphas: [Float], progress: @escaping ProgressHandler = { _ in }
) throws -> [[Int]] {
    try answers(
        to: data, alphas: alphas, batchSize: 16, progress: progress, makeClassifier: { try Int8Classifier(model) },
        indexOfLargest)
}

/// The logits of an int8 model, `[alpha][image][class]`. Throws like its predictions.
public func logits(
    of model: ModelFile, on data: Dataset, alphas: [Float], progress: @escaping ProgressHandler = { _ in }
) throws -> [[[Float]]] {
    try answers(
        to: data, alphas: alphas, batchSize: 16, progress: progress, makeClassifier: { try Int8Classifier(model) },
        { $0 })
}

/// `[alpha][image]`.
private func answers<C: Classifier, Answer: Sendable>(
    to data: Dataset, alphas: [Float], batchSize: Int, progress: @escaping ProgressHandler,
    makeClassifier: @Sendable () throws -> C, _ answer: @escaping @Sendable ([Float]) -> Answer
) throws -> [[Answer]] {
    let batches = try forEachBatch(of: data.count, size: batchSize, progress: progress, makeWorker: makeClassifier) {
        classifier, batch in
        try answers(to: batch, of: data, by: classifier, alphas: alphas, answer)
    }
    let images = batches.flatMap(\.self)
    return alphas.indices.map { alpha in images.map { $0[alpha] } }
}

/// `[image][alpha]`.
private func answers<Answer>(
    to batch: Range<Int>, of data: Dataset, by classifier: some Classifier, alphas: [Float],
    _ answer: ([Float]) -> Answer
) throws(DataError) -> [[Answer]] {
    var pictures: [Picture] = []
    for index in batch {
        pictures.append(try data.picture(index))
    }
    var found: [[Answer]] = []
    for (number, answers) in classifier.answers(to: pictures, alphas: alphas, answer).enumerated() {
        guard let answers else {
            let (width, height) = (pictures[number].width, pictures[number].height)
            throw .unusableSize(index: batch.lowerBound + number, width: width, height: height)
        }
        found.append(answers)
    }
    return found
}
