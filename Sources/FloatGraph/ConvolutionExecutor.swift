import OpenBLAS

/// Batches run side by side on threads of their own, so each product stays on one.
private let oneThreadAProduct: Void = openblas_set_num_threads(1)

extension Convolution {
    /// By matrix products: weights `[outputs][inputs * size * size]` times a matrix that holds, for every output pixel, a
    /// column of the input values under the window. A product takes as many images as keep that matrix in the
    /// processor's cache.
    func computed(from input: Activations, shape: FeatureShape) -> Activations {
        _ = oneThreadAProduct
        var output = Activations(shape: shape, images: input.images)
        let (pixels, channelStride) = (output.pixels, output.channelStride)
        let cacheValues = 1 << 18
        let tile = min(input.images, max(1, cacheValues / (weightsPerOutput * pixels)))
        var columns = [Float](repeating: 0, count: weightsPerOutput * tile * pixels)
        columns.withUnsafeMutableBufferPointer { columns in
            output.values.withUnsafeMutableBufferPointer { values in
                fillWithBias(values)
                for first in stride(from: 0, to: input.images, by: tile) {
                    let images = first..<min(first + tile, input.images)
                    gather(images, of: input, shape: shape, into: columns)
                    let columnCount = blasint(images.count * pixels)
                    cblas_sgemm(
                        CblasRowMajor, CblasNoTrans, CblasNoTrans,
                        blasint(outputChannels), columnCount, blasint(weightsPerOutput),
                        1, weights, blasint(weightsPerOutput), columns.baseAddress!, columnCount,
                        1, values.baseAddress! + first * pixels, blasint(channelStride))
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

    /// Writes `[inputs][size][size][images][output pixels]`: row by row, the input as one position of the window sees it.
    private func gather(
        _ images: Range<Int>, of input: Activations, shape: FeatureShape,
        into columns: UnsafeMutableBufferPointer<Float>
    ) {
        input.values.withUnsafeBufferPointer { values in
            var target = columns.baseAddress!
            for channel in 0..<inputChannels {
                for ky in 0..<window.size {
                    for kx in 0..<window.size {
                        for image in images {
                            let plane = values.baseAddress! + channel * input.channelStride + image * input.pixels
                            for y in 0..<shape.height {
                                let row = y * window.stride - window.padding + ky
                                let source =
                                    row < 0 || row >= input.shape.height ? nil : plane + row * input.shape.width
                                gatherRow(source, width: input.shape.width, kx: kx, into: target, count: shape.width)
                                target += shape.width
                            }
                        }
                    }
                }
            }
        }
    }

    /// One row of output pixels: the values of the input's row `source`, nil outside the image, at window column `kx`.
    private func gatherRow(
        _ source: UnsafePointer<Float>?, width: Int, kx: Int, into target: UnsafeMutablePointer<Float>, count: Int
    ) {
        guard let source else {
            target.update(repeating: 0, count: count)
            return
        }
        let start = kx - window.padding
        guard window.stride == 1 else {
            for x in 0..<count {
                let column = start + x * window.stride
                target[x] = column < 0 || column >= width ? 0 : source[column]
            }
            return
        }
        let inside = min(max(-start, 0), count)..<max(min(width - start, count), min(max(-start, 0), count))
        target.update(repeating: 0, count: inside.lowerBound)
        (target + inside.lowerBound).update(from: source + start + inside.lowerBound, count: inside.count)
        (target + inside.upperBound).update(repeating: 0, count: count - inside.upperBound)
    }
}
