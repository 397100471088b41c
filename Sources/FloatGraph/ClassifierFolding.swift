import Checkpoint
import Foundation

/// The means that a nearest-class-mean classifier compares features with.
public struct ClassMeans: Sendable {
    /// `[dimensions]`: the mean of all training features, taken off a feature before it is normalised.
    public let centre: Tensor
    /// `[classes][dimensions]`: for each class the mean of its centred, normalised training features.
    public let means: Tensor

    public init(centre: Tensor, means: Tensor) {
        self.centre = centre
        self.means = means
    }
}

extension ClassifierHead {
    /// From the classifier of a checkpoint and its direction, if it has one. A `kind` of nil is recognised from the
    /// tensors' names. Throws where a tensor is missing, misshapen or not finite, and where a parameter is out of range.
    ///
    /// - Precondition: `kind` is not `ncm`, which has no tensors in the checkpoint.
    public init(
        of state: ReferenceState, as kind: ClassifierKind? = nil, parameters: ClassifierParameters = .init(),
        dimensions: Int
    ) throws(GraphError) {
        let kind = kind ?? .recognise(state.classifier, dimensions: dimensions)
        precondition(kind != .ncm)
        let completed = parameters.completed(for: kind)
        try completed.check(dimensions: dimensions)
        var tensors = Parameters(state.classifier, group: state.classifierPrefix)
        let names = ClassifierTensorNames(state.classifier)
        let weight = try tensors.takeRows(names.weight, transposed: kind == .ldam, dimensions: dimensions)
        let classes = weight.count / dimensions
        let bias = state.classifier[names.bias] == nil ? nil : try tensors.take(names.bias, shape: [classes])
        let scales = kind == .lws ? try tensors.take(names.scales, shape: [classes]) : nil
        try tensors.expectAllTaken()
        self.init(
            kind: kind, parameters: completed, dimensions: dimensions, centre: nil,
            rows: Self.rows(weight, kind: kind, completed, scales: scales, dimensions: dimensions),
            bias: Self.bias(bias, kind: kind, scales: scales), hasDroppedBias: bias != nil && !kind.hasBias)
        if classes == 1 { becomeTwoAnswers() }
        try checkNumbers()
        if let direction = state.direction {
            try setDirection(direction)
        }
    }

    /// The nearest class mean: with |n| = 1, tau * (1 - |n - m|^2) = n . (2 tau m) - tau |m|^2.
    public init(
        nearest means: ClassMeans, parameters: ClassifierParameters = .init(), dimensions: Int
    ) throws(GraphError) {
        let completed = parameters.completed(for: .ncm)
        try completed.check(dimensions: dimensions)
        var tensors = Parameters(["centre": means.centre, "means": means.means], group: "class means: ")
        let centre = try tensors.take("centre", shape: [dimensions])
        let rows = try tensors.takeRows("means", transposed: false, dimensions: dimensions)
        let tau = Double(completed.tau!)
        self.init(
            kind: .ncm, parameters: completed, dimensions: dimensions, centre: centre,
            rows: rows.map { Float(2 * tau * Double($0)) },
            bias: rows.runs(of: dimensions).map { row in Float(-tau * row.squaredNorm) })
        try checkNumbers()
    }

    private static func bias(_ bias: [Float]?, kind: ClassifierKind, scales: [Float]?) -> [Float]? {
        guard kind.hasBias, let bias else { return nil }
        return scales.map { zip(bias, $0).map { $0 * $1 } } ?? bias
    }

    private static func rows(
        _ weight: [Float], kind: ClassifierKind, _ parameters: ClassifierParameters, scales: [Float]?, dimensions: Int
    ) -> [Float] {
        let tau = Double(parameters.tau ?? 1)
        let heads = parameters.heads!
        switch kind {
        case .linear, .crt, .ncm:
            return weight
        case .lws:
            return weight.runs(of: dimensions).enumerated().flatMap { index, row in row.map { $0 * scales![index] } }
        case .causalNorm, .cosine, .ldam:
            let gamma = Double(parameters.gamma ?? 0)
            return weight.scaled(everyRunOf: dimensions / heads) { tau / Double(heads) / ($0 + gamma) }
        case .capsule:
            return weight.scaled(everyRunOf: dimensions) { tau / $0 }
        case .tauNorm:
            return weight.dividedByNorms(toThe: Double(parameters.power!), everyRunOf: dimensions)
        }
    }
}

extension Parameters {
    /// `[rows][dimensions]` with as many rows as there are; a transposed tensor is `[dimensions][rows]`.
    fileprivate mutating func takeRows(
        _ name: String, transposed: Bool, dimensions: Int
    ) throws(GraphError) -> [Float] {
        let shape = shape(of: name) ?? []
        // Of a square tensor the kind decides alone.
        guard transposed, shape.count == 2, shape[0] == dimensions else {
            return try take(name, shape: [max(shape.first ?? 1, 1), dimensions])
        }
        let classes = max(shape[1], 1)
        let columns = try take(name, shape: [dimensions, classes])
        return (0..<classes).flatMap { row in (0..<dimensions).map { columns[$0 * classes + row] } }
    }
}

extension Array {
    /// The contiguous parts of `width` values.
    func runs(of width: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: width).map { self[$0..<$0 + width] }
    }
}

extension [Float] {
    /// Every run of `width` values times a factor that depends on the run's Euclidean norm, in double; zeros stay.
    func scaled(everyRunOf width: Int, by factor: (Double) -> Double) -> [Float] {
        runs(of: width).flatMap { run in
            let norm = run.squaredNorm.squareRoot()
            let scale = norm > 0 ? factor(norm) : 0
            return run.map { Float(Double($0) * scale) }
        }
    }

    /// tau-norm: w / |w|^p
    func dividedByNorms(toThe power: Double, everyRunOf width: Int) -> [Float] {
        scaled(everyRunOf: width) { pow($0, -power) }
    }
}

extension ArraySlice<Float> {
    fileprivate var squaredNorm: Double { reduce(0.0) { $0 + Double($1) * Double($1) } }
}
