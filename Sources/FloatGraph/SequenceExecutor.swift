import Foundation

// What networks with attention compute, and what moves numbers about. Sums go in one order, so that their bits are the same
// on every processor.
extension Activations {
    /// The same numbers for each of `images`.
    init(constant values: [Float], shape: FeatureShape, images: Int) {
        self.init(shape: shape, images: images)
        for channel in 0..<shape.channels {
            for image in 0..<images {
                let start = channel * channelStride + image * pixels
                self.values.replaceSubrange(
                    start..<start + pixels, with: values[channel * pixels..<(channel + 1) * pixels])
            }
        }
    }

    func rearranged(_ rearrangement: Rearrangement) -> Activations {
        var result = Activations(shape: rearrangement.shape, images: images)
        let (images, pixels, targetPixels) = (images, pixels, result.pixels)
        let indices = rearrangement.indices
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for (target, source) in indices.enumerated() {
                    let from = source / pixels * images * pixels + source % pixels
                    let to = target / targetPixels * images * targetPixels + target % targetPixels
                    for image in 0..<images {
                        results[to + image * targetPixels] = values[from + image * pixels]
                    }
                }
            }
        }
        return result
    }

    func resampled(_ resampling: Resampling, shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        let width = self.shape.width
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for plane in 0..<shape.channels * images {
                    for (y, row) in resampling.y.enumerated() {
                        let (upper, lower) = (plane * pixels + row.first * width, plane * pixels + row.second * width)
                        let target = (plane * shape.height + y) * shape.width
                        for (x, column) in resampling.x.enumerated() {
                            let above = mix(
                                values[upper + column.first], values[upper + column.second], column.fraction)
                            let below = mix(
                                values[lower + column.first], values[lower + column.second], column.fraction)
                            results[target + x] = mix(above, below, row.fraction)
                        }
                    }
                }
            }
        }
        return result
    }

    /// Over the channels of each group, pixel by pixel.
    consuming func softmax(groups: Int) -> Activations {
        changingColumns(groups: groups) { column in
            let largest = column.max() ?? 0
            var sum = 0.0
            for index in column.indices {
                column[index] = exp(column[index] - largest)
                sum += Double(column[index])
            }
            for index in column.indices { column[index] = Float(Double(column[index]) / sum) }
        }
    }

    consuming func normalised(by norm: LayerNorm) -> Activations {
        changingColumns(groups: 1) { column in
            let count = Double(column.count)
            let mean = column.reduce(0.0) { $0 + Double($1) } / count
            let variance = column.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
            let factor = 1 / (variance + norm.epsilon).squareRoot()
            for index in column.indices {
                column[index] = Float(
                    (Double(column[index]) - mean) * factor * Double(norm.weight[index]) + Double(norm.bias[index]))
            }
        }
    }

    /// x / max(|x|, epsilon) over the channels of each group, pixel by pixel.
    consuming func dividedByNorms(groups: Int, epsilon: Float) -> Activations {
        changingColumns(groups: groups) { column in
            let norm = column.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            let divisor = Swift.max(norm, Double(epsilon))
            for index in column.indices { column[index] = divisor == 0 ? 0 : Float(Double(column[index]) / divisor) }
        }
    }

    private consuming func changingColumns(groups: Int, _ change: (inout [Float]) -> Void) -> Activations {
        var result = self
        let (stride, size) = (result.channelStride, result.shape.channels / groups)
        var column = [Float](repeating: 0, count: size)
        result.values.withUnsafeMutableBufferPointer { values in
            for group in 0..<groups {
                for position in 0..<stride {
                    let start = group * size * stride + position
                    for index in 0..<size { column[index] = values[start + index * stride] }
                    change(&column)
                    for index in 0..<size { values[start + index * stride] = column[index] }
                }
            }
        }
        return result
    }

    /// See `Operation.matrixProduct`.
    func matrixProduct(with other: Activations, groups: Int, shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        let (inner, rows, columns) = (self.shape.channels / groups, other.pixels, pixels)
        values.withUnsafeBufferPointer { first in
            other.values.withUnsafeBufferPointer { second in
                result.values.withUnsafeMutableBufferPointer { results in
                    for group in 0..<groups {
                        for image in 0..<images {
                            for k in 0..<inner {
                                let a = ((group * inner + k) * images + image) * columns
                                let b = ((group * inner + k) * images + image) * rows
                                for n in 0..<rows {
                                    let factor = second[b + n]
                                    let target = ((group * rows + n) * images + image) * columns
                                    for m in 0..<columns { results[target + m] += factor * first[a + m] }
                                }
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}

private func mix(_ first: Float, _ second: Float, _ fraction: Float) -> Float {
    first + (second - first) * fraction
}
