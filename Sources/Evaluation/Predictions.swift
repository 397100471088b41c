import Dispatch
import Inference
import Quantization
import Synchronization

/// Why an evaluation came to no result.
public enum EvaluationError: Error, Equatable, Sendable {
    case data(DataError)
    case inference(InferenceError)
}

/// Hears the fraction done, from any thread.
public typealias ProgressHandler = @Sendable (Double) -> Void

/// The predicted class of each image for each alpha, `[alpha][image]`: features are computed once for all alphas.
public func predictions(
    of model: FloatModel, on data: Dataset, alphas: [Float], progress: ProgressHandler = { _ in }
) throws(EvaluationError) -> [[Int]] {
    try predict(data, alphas: alphas, progress: progress) { FloatClassifier(model) }
}

/// The same of an int8 model, by the code that runs on the device.
public func predictions(
    of model: ModelFile, on data: Dataset, alphas: [Float], progress: ProgressHandler = { _ in }
) throws(EvaluationError) -> [[Int]] {
    try predict(data, alphas: alphas, progress: progress) { () throws(EvaluationError) in
        do throws(InferenceError) {
            return try Int8Classifier(model)
        } catch {
            throw .inference(error)
        }
    }
}

/// Two threads, each with a classifier of its own, take batch after batch.
private func predict<C: Classifier>(
    _ data: Dataset, alphas: [Float], progress: ProgressHandler,
    makeClassifier: @Sendable () throws(EvaluationError) -> C
) throws(EvaluationError) -> [[Int]] {
    let batchSize = 16
    let nextBatch = Atomic(0)
    let blank = [[Int]](repeating: [Int](repeating: 0, count: data.count), count: alphas.count)
    let shared = Mutex((predictions: blank, done: 0, failure: EvaluationError?.none))
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
        do throws(EvaluationError) {
            let classifier = try makeClassifier()
            while true {
                let start = nextBatch.add(batchSize, ordering: .relaxed).oldValue
                guard start < data.count, shared.withLock({ $0.failure == nil }) else { return }
                let batch = start..<min(start + batchSize, data.count)
                let classes = try classify(batch, of: data, by: classifier, alphas: alphas)
                let done = shared.withLock { shared in
                    for (index, classes) in zip(batch, classes) {
                        for alpha in alphas.indices {
                            shared.predictions[alpha][index] = classes[alpha]
                        }
                    }
                    shared.done += batch.count
                    return shared.done
                }
                progress(Double(done) / Double(data.count))
            }
        } catch {
            shared.withLock { $0.failure = error }
        }
    }
    let result = shared.withLock { $0 }
    if let failure = result.failure {
        throw failure
    }
    return result.predictions
}

private func classify(
    _ batch: Range<Int>, of data: Dataset, by classifier: some Classifier, alphas: [Float]
) throws(EvaluationError) -> [[Int]] {
    var pictures: [Picture] = []
    for index in batch {
        do throws(DataError) {
            pictures.append(try data.picture(index))
        } catch {
            throw .data(error)
        }
    }
    var classes: [[Int]] = []
    for (number, found) in classifier.classes(of: pictures, alphas: alphas).enumerated() {
        guard let found else {
            let (width, height) = (pictures[number].width, pictures[number].height)
            throw .data(.unusableSize(index: batch.lowerBound + number, width: width, height: height))
        }
        classes.append(found)
    }
    return classes
}
