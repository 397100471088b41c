extension FloatGraph {
    /// Sees a value as it is computed: what its node read, and the result.
    public typealias Observer = (_ value: Value, _ inputs: [Activations], _ result: Activations) -> Void

    /// The feature vectors of a batch of images.
    ///
    /// `observe` sees every value, in order of execution. Memory: every value is given up when its last reader has run.
    /// Several threads may run one graph at once; each batch is computed by the thread that asks for it.
    public func features(of images: Activations, observe: Observer? = nil) -> [[Float]] {
        precondition(images.shape == self[input].shape)
        var waiting = readers().map(\.count)
        var results = [Activations?](repeating: nil, count: nodes.count)
        results[0] = images
        observe?(input, [], images)
        for value in values.dropFirst() {
            // A value whose last reader this is moves out of the list, so that relu and add can work in place.
            let inputs = self[value].inputs.map { input in
                waiting[input.index] -= 1
                return waiting[input.index] == 0 ? results[input.index].take()! : results[input.index]!
            }
            if let observe {
                let result = self.result(of: value, from: inputs)
                observe(value, inputs, result)
                results[value.index] = result
            } else {
                results[value.index] = result(of: value, from: inputs)
            }
        }
        let features = results[self.features.index]!
        return (0..<images.images).map { features[image: $0] }
    }

    /// What one node computes from these inputs.
    public func result(of value: Value, from inputs: consuming [Activations]) -> Activations {
        self[value].operation.computed(from: inputs, shape: self[value].shape)
    }
}

extension Operation {
    fileprivate func computed(from inputs: consuming [Activations], shape: FeatureShape) -> Activations {
        var inputs = inputs
        let first = inputs.removeFirst()
        switch self {
        case .input:
            return first
        case .convolution(let convolution):
            return convolution.computed(from: first, shape: shape)
        case .batchNorm(let norm):
            return first.normalised(by: norm)
        case .activation(let activation):
            return first.activated(by: activation)
        case .add:
            return first.adding(inputs[0])
        case .optionAShortcut:
            return first.optionAShortcut(shape: shape)
        case .concat:
            return Activations(
                shape: shape, images: first.images, values: inputs.reduce(first.values) { $0 + $1.values })
        case .maxPool(let window):
            return first.maxPooled(window, shape: shape)
        case .globalAveragePool:
            return first.averaged(shape: shape)
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

    fileprivate func optionAShortcut(shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        let firstChannel = (shape.channels - self.shape.channels) / 2
        for plane in 0..<self.shape.channels * images {
            let source = plane * pixels
            let target = firstChannel * result.channelStride + plane * result.pixels
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    result.values[target + y * shape.width + x] = values[source + 2 * (y * self.shape.width + x)]
                }
            }
        }
        return result
    }

    fileprivate func maxPooled(_ window: Window, shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for plane in 0..<shape.channels * images {
                    for y in 0..<shape.height {
                        let rows = window.y.pixels(at: y, along: self.shape.height)
                        for x in 0..<shape.width {
                            let columns = window.x.pixels(at: x, along: self.shape.width)
                            var best = -Float.infinity
                            for row in rows {
                                for column in columns {
                                    best = max(best, values[plane * pixels + row * self.shape.width + column])
                                }
                            }
                            results[(plane * shape.height + y) * shape.width + x] = best
                        }
                    }
                }
            }
        }
        return result
    }

    fileprivate func averaged(shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        values.withUnsafeBufferPointer { values in
            for plane in 0..<shape.channels * images {
                var sum = 0.0
                for index in plane * pixels..<(plane + 1) * pixels {
                    sum += Double(values[index])
                }
                result.values[plane] = Float(sum / Double(pixels))
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
        }
    }
}

extension Window.Axis {
    /// The pixels inside an edge that the window covers at a step.
    fileprivate func pixels(at step: Int, along edge: Int) -> StrideTo<Int> {
        let positions = positions(at: step, along: edge)
        let start = step * stride - before
        return Swift.stride(
            from: start + positions.lowerBound * dilation, to: start + positions.upperBound * dilation, by: dilation)
    }
}
