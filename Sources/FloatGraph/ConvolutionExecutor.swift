import FloatKernels

extension Convolution {
    /// All images at once, on the calling thread.
    func computed(from input: Activations, shape: FeatureShape) -> Activations {
        var output = Activations(shape: shape, images: input.images)
        input.values.withUnsafeBufferPointer { source in
            output.values.withUnsafeMutableBufferPointer { target in
                fillWithBias(target)
                let planes = Planes(
                    input: source.baseAddress!, inputShape: input.shape, output: target.baseAddress!,
                    outputShape: shape, images: input.images)
                if groupInputs == 1 {
                    addDepthwise(planes)
                } else if window.isPointwise {
                    addPointwise(planes)
                } else {
                    addByColumns(planes)
                }
            }
        }
        return output
    }

    private func fillWithBias(_ values: UnsafeMutableBufferPointer<Float>) {
        let channelStride = values.count / outputChannels
        for channel in 0..<outputChannels {
            values.extracting(channel * channelStride..<(channel + 1) * channelStride).update(repeating: bias[channel])
        }
    }

    /// One matrix product a group: the input's values are its matrix `[inputs][images * pixels]` as they stand.
    private func addPointwise(_ planes: Planes) {
        let columns = planes.images * planes.inputShape.pixels
        for group in 0..<groups {
            addProduct(
                group: group, matrix: planes.input + group * groupInputs * columns, columns: columns, stride: columns,
                to: planes.output + group * groupOutputs * columns, outputStride: columns)
        }
    }

    /// A matrix product a group: weights `[outputs][inputs * window]` times a matrix that holds, for every output pixel, a
    /// column of the input values under the window. A product takes as many images as keep that matrix in the
    /// processor's cache.
    private func addByColumns(_ planes: Planes) {
        let pixels = planes.outputShape.pixels
        let cacheValues = 1 << 18
        let tile = min(planes.images, max(1, cacheValues / (weightsPerOutput * pixels)))
        let outputStride = planes.images * pixels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: weightsPerOutput * tile * pixels) { columns in
            for first in stride(from: 0, to: planes.images, by: tile) {
                let images = first..<min(first + tile, planes.images)
                let count = images.count * pixels
                for group in 0..<groups {
                    gather(images, group: group, of: planes, into: columns.baseAddress!)
                    addProduct(
                        group: group, matrix: columns.baseAddress!, columns: count, stride: count,
                        to: planes.output + group * groupOutputs * outputStride + first * pixels,
                        outputStride: outputStride)
                }
            }
        }
    }

    private func addProduct(
        group: Int, matrix: UnsafePointer<Float>, columns: Int, stride: Int, to output: UnsafeMutablePointer<Float>,
        outputStride: Int
    ) {
        weights.withUnsafeBufferPointer { weights in
            rb_f32_add_product(
                weights.baseAddress! + group * groupOutputs * weightsPerOutput, groupOutputs, weightsPerOutput, matrix,
                columns, stride, output, outputStride)
        }
    }

    /// Writes `[group inputs][window][images][output pixels]`: row by row, the input as one position of the window sees it.
    private func gather(
        _ images: Range<Int>, group: Int, of planes: Planes, into columns: UnsafeMutablePointer<Float>
    ) {
        let (input, output) = (planes.inputShape, planes.outputShape)
        var target = columns
        for channel in group * groupInputs..<(group + 1) * groupInputs {
            for ky in 0..<window.y.size {
                let inside = window.y.steps(of: ky, inside: input.height, count: output.height)
                for kx in 0..<window.x.size {
                    for image in images {
                        let plane = planes.input + (channel * planes.images + image) * input.pixels
                        target.update(repeating: 0, count: inside.lowerBound * output.width)
                        for y in inside {
                            let row = y * window.y.stride - window.y.before + ky * window.y.dilation
                            gatherRow(
                                plane + row * input.width, width: input.width, kx: kx,
                                into: target + y * output.width, count: output.width)
                        }
                        (target + inside.upperBound * output.width)
                            .update(repeating: 0, count: (output.height - inside.upperBound) * output.width)
                        target += output.pixels
                    }
                }
            }
        }
    }

    /// One row of output pixels: the values of the input's row `source` at window column `kx`.
    private func gatherRow(
        _ source: UnsafePointer<Float>, width: Int, kx: Int, into target: UnsafeMutablePointer<Float>, count: Int
    ) {
        let inside = window.x.steps(of: kx, inside: width, count: count)
        target.update(repeating: 0, count: inside.lowerBound)
        if !inside.isEmpty {
            let first = inside.lowerBound * window.x.stride - window.x.before + kx * window.x.dilation
            for step in 0..<inside.count {
                target[inside.lowerBound + step] = source[first + step * window.x.stride]
            }
        }
        (target + inside.upperBound).update(repeating: 0, count: count - inside.upperBound)
    }

    /// One input channel an output: every position of the window adds its weight times the rows it sees.
    private func addDepthwise(_ planes: Planes) {
        let (input, output) = (planes.inputShape, planes.outputShape)
        for plane in 0..<outputChannels * planes.images {
            let (channel, image) = plane.quotientAndRemainder(dividingBy: planes.images)
            let source = planes.input + (channel / groupOutputs * planes.images + image) * input.pixels
            let target = planes.output + plane * output.pixels
            for ky in 0..<window.y.size {
                for y in window.y.steps(of: ky, inside: input.height, count: output.height) {
                    let row = y * window.y.stride - window.y.before + ky * window.y.dilation
                    for kx in 0..<window.x.size {
                        let inside = window.x.steps(of: kx, inside: input.width, count: output.width)
                        guard !inside.isEmpty else { continue }
                        let first = inside.lowerBound * window.x.stride - window.x.before + kx * window.x.dilation
                        rb_f32_add_scaled(
                            weights[channel * window.count + ky * window.x.size + kx],
                            source + row * input.width + first, inside.count, window.x.stride,
                            target + y * output.width + inside.lowerBound)
                    }
                }
            }
        }
    }
}

/// What a convolution reads and writes, both `[channels][images][height][width]`.
private struct Planes {
    let input: UnsafePointer<Float>
    let inputShape: FeatureShape
    let output: UnsafeMutablePointer<Float>
    let outputShape: FeatureShape
    let images: Int
}
