import FloatGraph
import Quantization

/// Hears the fraction done, from any thread.
public typealias ProgressHandler = @Sendable (Double) -> Void

/// The predicted class of each image for each alpha, `[alpha][image]`: features are computed once for all alphas. Throws
/// `DataError`.
public func predictions(
    of model: FloatModel, on data: Dataset, alphas: [Float], progress: @escaping ProgressHandler = { _ in }
) throws -> [[Int]] {
    try predict(data, alphas: alphas, batchSize: model.graph.batchSize, progress: progress) { FloatClassifier(model) }
}

/// The same of an int8 model, by the code that runs on the device. Throws `DataError` and `InferenceError`.
public func predictions(
    of model: ModelFile, on data: Dataset, alphas: [Float], progress: @escaping ProgressHandler = { _ in }
) throws -> [[Int]] {
    try predict(data, alphas: alphas, batchSize: 16, progress: progress) { try Int8Classifier(model) }
}

private func predict<C: Classifier>(
    _ data: Dataset, alphas: [Float], batchSize: Int, progress: @escaping ProgressHandler,
    makeClassifier: @Sendable () throws -> C
) throws -> [[Int]] {
    let batches = try forEachBatch(of: data.count, size: batchSize, progress: progress, makeWorker: makeClassifier) {
        classifier, batch in
        try classify(batch, of: data, by: classifier, alphas: alphas)
    }
    let classes = batches.flatMap(\.self)
    return alphas.indices.map { alpha in classes.map { $0[alpha] } }
}

/// `[image][alpha]`.
private func classify(
    _ batch: Range<Int>, of data: Dataset, by classifier: some Classifier, alphas: [Float]
) throws(DataError) -> [[Int]] {
    var pictures: [Picture] = []
    for index in batch {
        pictures.append(try data.picture(index))
    }
    var classes: [[Int]] = []
    for (number, found) in classifier.classes(of: pictures, alphas: alphas).enumerated() {
        guard let found else {
            let (width, height) = (pictures[number].width, pictures[number].height)
            throw .unusableSize(index: batch.lowerBound + number, width: width, height: height)
        }
        classes.append(found)
    }
    return classes
}
