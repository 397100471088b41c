import FloatGraph

/// The images that calibration sees, loaded a few at a time when their turn comes.
public struct CalibrationImages: Sendable {
    public let count: Int
    /// Makes a thread's own loader: the image of an index, 0..<count, normalised, `[channels][height][width]`.
    let makeLoader: @Sendable () throws -> (Int) throws -> [Float]

    public init(count: Int, makeLoader: @escaping @Sendable () throws -> (Int) throws -> [Float]) {
        self.count = count
        self.makeLoader = makeLoader
    }

    /// Images that are in memory already.
    public init(_ images: [[Float]]) {
        self.init(count: images.count) { { images[$0] } }
    }

    /// At most `limit` of them, evenly spread.
    func spread(over limit: Int) -> CalibrationImages {
        guard count > limit else { return self }
        let (count, makeLoader) = (count, makeLoader)
        return CalibrationImages(count: limit) {
            let load = try makeLoader()
            return { try load($0 * count / limit) }
        }
    }

    /// What `body` makes of batch after batch, on every core, in the order of the batches.
    func mapBatches<Result: Sendable>(
        through graph: FloatGraph, progress: @escaping @Sendable (Double) -> Void,
        body: @Sendable (Activations) throws -> Result
    ) throws -> [Result] {
        let shape = graph[graph.input].shape
        return try forEachBatch(of: count, size: graph.batchSize, progress: progress, makeWorker: makeLoader) {
            load, batch in
            try body(Activations(shape: shape, images: batch.map { try load($0) }))
        }
    }
}
