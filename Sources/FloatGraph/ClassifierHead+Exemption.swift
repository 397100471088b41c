import Foundation

extension ClassifierHead {
    /// Probabilities of one feature vector, `[classes]`, in which the class `background` is exempted from TDE.
    ///
    /// What says that there is nothing keeps its plain probability, and the others share the rest by their adjusted logits:
    /// p_i = (1 - p_bg) softmax over the others of (y - y0)_i, Tang, Huang, Zhang, NeurIPS 2020, for detectors. So alpha never
    /// turns nothing into something. It serves a detector's background, and a classifier's class "empty" as well.
    public func probabilities(of features: [Float], alpha: Float, exempting background: Int) -> [Double] {
        precondition((0..<classes).contains(background))
        let plain = logits(of: features, alpha: 0)
        let adjusted = logits(of: features, alpha: alpha)
        let others = (0..<classes).filter { $0 != background }
        let total = logSumExp(plain.map(Double.init))
        // Not 1 - p_bg, which loses its digits where there is almost surely nothing.
        let share = logSumExp(others.map { Double(plain[$0]) }) - total
        let whole = logSumExp(others.map { Double(adjusted[$0]) })
        return (0..<classes).map {
            $0 == background ? exp(Double(plain[$0]) - total) : exp(share + Double(adjusted[$0]) - whole)
        }
    }
}

private func logSumExp(_ values: [Double]) -> Double {
    let largest = values.max() ?? 0
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
}
