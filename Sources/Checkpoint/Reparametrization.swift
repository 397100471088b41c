// Weights that PyTorch modules compute from other tensors at each step: what stands in a file are the others.

extension String {
    /// The key of the weight that a tensor of this key is for: "conv1.weight" of "conv1.weight_orig" and of
    /// "conv1.parametrizations.weight.original"; any other key itself.
    var withoutReparametrization: String {
        if let (module, parameter, _) = parametrization { return module + parameter }
        for suffix in ["_orig", "_mask", "_g", "_v", "_u"] where hasSuffix(suffix) {
            let name = dropLast(suffix.count)
            if name.hasSuffix("weight") || name.hasSuffix("bias") { return String(name) }
        }
        return self
    }

    /// "parametrizations.weight.original", without the module before it; nil for any other key.
    var parametrizedParameter: String? {
        parametrization.map { "parametrizations.\($0.parameter).\($0.part)" }
    }

    /// The parts around ".parametrizations.": of "a.parametrizations.weight.0._u" these are "a.", "weight" and "0._u".
    fileprivate var parametrization: (module: String, parameter: String, part: String)? {
        let parts = split(separator: ".", omittingEmptySubsequences: false)
        guard let index = parts.lastIndex(of: "parametrizations"), parts.count > index + 2 else { return nil }
        return (
            parts[..<index].map { "\($0)." }.joined(), String(parts[index + 1]),
            parts[(index + 2)...].joined(separator: ".")
        )
    }
}

extension [String: Tensor] {
    /// Puts the weights in the place of what they are computed from: pruning, weight normalisation and spectral
    /// normalisation, as hooks (torch.nn.utils.prune, weight_norm, spectral_norm) or as parametrisations (the same in
    /// torch.nn.utils.parametrizations). Throws for any other parametrisation.
    mutating func computeReparametrized(_ group: String) throws(CheckpointError) {
        try computeHooked(group)
        var parts: [String: [String: Tensor]] = [:]
        for (key, tensor) in self {
            guard let (module, parameter, part) = key.parametrization else { continue }
            parts[module + parameter, default: [:]][part] = tensor
            self[key] = nil
        }
        for (name, parts) in parts {
            let computed: Tensor?
            switch Set(parts.keys) {
            case ["original0", "original1"]:
                computed = parts["original1"]!.normalised(to: parts["original0"]!)
            case ["original", "0._u", "0._v"]:
                computed = parts["original"]!.spectrallyNormalised(parts["0._u"]!, parts["0._v"]!)
            default: computed = nil
            }
            guard let computed, self[name] == nil else { throw .unknownReparametrization(group + name) }
            self[name] = computed
        }
    }

    private mutating func computeHooked(_ group: String) throws(CheckpointError) {
        for key in Set(keys.map(\.withoutReparametrization)) where self[key] == nil {
            func part(_ suffix: String) -> Tensor? { self[key + suffix] }
            let computed: Tensor?
            let used: [String]
            if let original = part("_orig"), let mask = part("_mask") {
                (computed, used) = (original.masked(by: mask), ["_orig", "_mask"])
            } else if let original = part("_orig"), let u = part("_u"), let v = part("_v") {
                (computed, used) = (original.spectrallyNormalised(u, v), ["_orig", "_u", "_v"])
            } else if let norm = part("_g"), let direction = part("_v") {
                (computed, used) = (direction.normalised(to: norm), ["_g", "_v"])
            } else {
                continue
            }
            guard let computed else { throw .unknownReparametrization(group + key) }
            for suffix in used { self[key + suffix] = nil }
            self[key] = computed
        }
    }
}

extension Tensor {
    /// Pruning: each value times its mask; nil where the shapes differ.
    fileprivate func masked(by mask: Tensor) -> Tensor? {
        guard mask.shape == shape else { return nil }
        return Tensor(shape: shape, values: zip(values, mask.values).map { $0 == 0 || $1 == 0 ? 0 : $0 * $1 })
    }

    /// Weight normalisation, g * v / |v|, with one norm a slice along the axis that `norm` has, or one for all: Salimans and
    /// Kingma, "Weight Normalization", NeurIPS 2016. nil where the shapes make no sense.
    fileprivate func normalised(to norm: Tensor) -> Tensor? {
        let axis = norm.shape.firstIndex { $0 > 1 }
        guard norm.shape.count == shape.count || norm.shape.isEmpty,
            norm.shape.indices.allSatisfy({ $0 == axis ? norm.shape[$0] == shape[$0] : norm.shape[$0] == 1 }),
            norm.count > 0
        else { return nil }
        let values = values
        // Values from one slice to the next.
        let run = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? Swift.max(values.count, 1)
        func slice(_ index: Int) -> Int { index / run % norm.count }
        var squares = [Double](repeating: 0, count: norm.count)
        for (index, value) in values.enumerated() { squares[slice(index)] += Double(value) * Double(value) }
        let factors = zip(norm.values, squares).map { Double($0) / $1.squareRoot() }
        return Tensor(
            shape: shape, values: values.enumerated().map { Float(Double($1) * factors[slice($0)]) })
    }

    /// Spectral normalisation, W / (u . W v) with W as a matrix of a row for each output: Miyato et al., "Spectral
    /// Normalization for Generative Adversarial Networks", ICLR 2018. nil where the shapes make no sense.
    fileprivate func spectrallyNormalised(_ u: Tensor, _ v: Tensor) -> Tensor? {
        guard let rows = shape.first, u.shape == [rows], v.shape.count == 1,
            CheckedSize(rows) * CheckedSize(v.count) == count
        else { return nil }
        let (values, u, v) = (values, u.values, v.values)
        var sigma = 0.0
        for row in 0..<rows {
            for column in v.indices {
                sigma += Double(u[row]) * Double(values[row * v.count + column]) * Double(v[column])
            }
        }
        return Tensor(shape: shape, values: values.map { Float(Double($0) / sigma) })
    }
}
