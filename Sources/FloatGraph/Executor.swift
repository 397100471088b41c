extension FloatGraph {
    /// Sees a value as it is computed: what its node read, and the result.
    public typealias Observer = (_ value: Value, _ inputs: [Activations], _ result: Activations) -> Void

    /// The feature vectors of a batch of images.
    ///
    /// `observe` sees every value, in order of execution. Memory: every value is given up when its last reader has run.
    /// Several threads may run one graph at once; each batch is computed by the thread that asks for it.
    public func features(of images: Activations, observe: Observer? = nil) -> [[Float]] {
        observe?(input, [], images)
        guard let observe else {
            return run(images, computing: result)
        }
        return run(images) { value, inputs in
            let result = result(of: value, from: inputs)
            observe(value, inputs, result)
            return result
        }
    }

    private func run(
        _ images: Activations, computing compute: (Value, consuming [Activations]) -> Activations
    ) -> [[Float]] {
        precondition(images.shape == self[input].shape)
        var waiting = readers().map(\.count)
        var results = [Activations?](repeating: nil, count: nodes.count)
        results[0] = images
        for value in values.dropFirst() {
            if case .constant(let numbers, let shape) = self[value].operation {
                let constant = Activations(constant: numbers, shape: shape, images: images.images)
                results[value.index] = compute(value, [constant])
                continue
            }
            // A value whose last reader this is moves out of the list, so that relu and add can work in place.
            let inputs = self[value].inputs.map { input in
                waiting[input.index] -= 1
                return waiting[input.index] == 0 ? results[input.index].take()! : results[input.index]!
            }
            results[value.index] = compute(value, inputs)
        }
        let features = results[self.features.index]!
        return (0..<images.images).map { features[image: $0] }
    }

    /// The feature vectors of a batch of images where `change` replaces every value but the images as it is computed; nil keeps
    /// it.
    public func features(
        of images: Activations, changedBy change: (_ value: Value, _ result: Activations) -> Activations?
    ) -> [[Float]] {
        run(images) { value, inputs in
            let result = result(of: value, from: inputs)
            return change(value, result) ?? result
        }
    }

    /// What one node computes from these inputs.
    public func result(of value: Value, from inputs: consuming [Activations]) -> Activations {
        self[value].operation.computed(from: inputs, shape: self[value].shape)
    }
}

extension Operation {
    func computed(from inputs: consuming [Activations], shape: FeatureShape) -> Activations {
        var inputs = inputs
        let first = inputs.removeFirst()
        switch self {
        case .input, .constant:
            return first
        case .convolution(let convolution):
            return convolution.computed(from: first, shape: shape)
        case .batchNorm(let norm):
            return first.normalised(by: norm)
        case .activation(let activation):
            return first.activated(by: activation)
        case .add:
            return first.adding(inputs[0])
        case .multiply:
            return first.multiplied(by: inputs[0])
        case .select(let selection):
            return first.selected(selection, shape: shape)
        case .concat:
            return Activations(
                shape: shape, images: first.images, values: inputs.reduce(first.values) { $0 + $1.values })
        case .maxPool(let window):
            return first.maxPooled(window, shape: shape)
        case .averagePool(let window, let countsPadding):
            return first.averaged(over: window, countsPadding: countsPadding, shape: shape)
        case .globalAveragePool:
            return first.averaged(
                over: Window(y: Window.Axis(size: first.shape.height), x: Window.Axis(size: first.shape.width)),
                countsPadding: false, shape: shape)
        case .flatten:
            return first.flattened(shape: shape)
        case .rearrange(let rearrangement):
            return first.rearranged(rearrangement)
        case .resample(let resampling):
            return first.resampled(resampling, shape: shape)
        case .softmax(let groups):
            return first.softmax(groups: groups)
        case .layerNorm(let norm):
            return first.normalised(by: norm)
        case .l2Norm(let groups, let epsilon):
            return first.dividedByNorms(groups: groups, epsilon: epsilon)
        case .matrixProduct(let groups):
            return first.matrixProduct(with: inputs[0], groups: groups, shape: shape)
        }
    }
}

extension Activations {
    fileprivate consuming func activated(by activation: Activation) -> Activations {
        var result = self
        result.values.withUnsafeMutableBufferPointer(activation.apply)
        return result
    }

    fileprivate consuming func adding(_ other: borrowing Activations) -> Activations {
        var result = self
        other.values.withUnsafeBufferPointer { other in
            result.values.withUnsafeMutableBufferPointer { values in
                for index in values.indices {
                    values[index] += other[index]
                }
            }
        }
        return result
    }

    fileprivate consuming func normalised(by norm: BatchNorm) -> Activations {
        var result = self
        let channelStride = result.channelStride
        result.values.withUnsafeMutableBufferPointer { values in
            for channel in 0..<values.count / channelStride {
                let (factor, offset) = norm.affine(channel)
                for index in channel * channelStride..<(channel + 1) * channelStride {
                    values[index] = Float(Double(values[index]) * factor + offset)
                }
            }
        }
        return result
    }

    fileprivate consuming func multiplied(by other: consuming Activations) -> Activations {
        guard shape == other.shape || !shape.isGate(of: other.shape) else { return other.multiplied(by: self) }
        var result = self
        let factors = other
        // One value of `factors` for every `run` of this.
        let run = result.values.count / factors.values.count
        factors.values.withUnsafeBufferPointer { factors in
            result.values.withUnsafeMutableBufferPointer { values in
                for (number, factor) in factors.enumerated() {
                    for index in number * run..<(number + 1) * run {
                        values[index] *= factor
                    }
                }
            }
        }
        return result
    }

    fileprivate func selected(_ selection: Selection, shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        let rows = selection.y.inside(self.shape.height)
        let columns = selection.x.inside(self.shape.width)
        let targetPixels = result.pixels
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for channel in selection.channels.inside(self.shape.channels) {
                    let sourceChannel = selection.channels.start + channel * selection.channels.step
                    for image in 0..<images {
                        for y in rows {
                            let source =
                                (sourceChannel * images + image) * pixels
                                + (selection.y.start + y * selection.y.step) * self.shape.width + selection.x.start
                            let target = (channel * images + image) * targetPixels + y * shape.width
                            for x in columns {
                                results[target + x] = values[source + x * selection.x.step]
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// `[channels][images][pixels]` to `[channels * pixels][images]`.
    fileprivate func flattened(shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        for channel in 0..<self.shape.channels {
            for image in 0..<images {
                for pixel in 0..<pixels {
                    result.values[(channel * pixels + pixel) * images + image] =
                        values[(channel * images + image) * pixels + pixel]
                }
            }
        }
        return result
    }
}

extension Activation {
    fileprivate func apply(to values: inout UnsafeMutableBufferPointer<Float>) {
        switch self {
        case .clip(let low, let high):
            for index in values.indices {
                values[index] = min(max(values[index], low), high)
            }
        default:
            for index in values.indices {
                values[index] = self(values[index])
            }
        }
    }
}
