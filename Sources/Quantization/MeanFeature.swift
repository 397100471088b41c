import FloatGraph

extension CalibrationImages {
    /// The mean of the images' feature vectors, by the float network; of no images, nil. The order of summation is that of
    /// the images, whichever thread computes them.
    public func meanFeature(
        of graph: FloatGraph, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) throws -> [Float]? {
        let sums = try mapBatches(through: graph, progress: progress) { images in
            graph.features(of: images).map { $0.map(Double.init) }.reduce(added)!
        }
        return sums.reduce(added)?.map { Float($0 / Double(count)) }
    }
}

private func added(_ a: [Double], _ b: [Double]) -> [Double] {
    zip(a, b).map { $0 + $1 }
}

extension Sequence {
    /// The first element with all others joined to it in order; nil of an empty sequence.
    fileprivate func reduce(_ join: (Element, Element) -> Element) -> Element? {
        var iterator = makeIterator()
        guard var result = iterator.next() else { return nil }
        while let next = iterator.next() {
            result = join(result, next)
        }
        return result
    }
}
