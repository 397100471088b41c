extension Activations {
    func maxPooled(_ window: Window, shape: FeatureShape) -> Activations {
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

    func averaged(over window: Window, countsPadding: Bool, shape: FeatureShape) -> Activations {
        var result = Activations(shape: shape, images: images)
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for plane in 0..<shape.channels * images {
                    for y in 0..<shape.height {
                        let rows = window.y.pixels(at: y, along: self.shape.height)
                        for x in 0..<shape.width {
                            let columns = window.x.pixels(at: x, along: self.shape.width)
                            var sum = 0.0
                            for row in rows {
                                for column in columns {
                                    sum += Double(values[plane * pixels + row * self.shape.width + column])
                                }
                            }
                            let count = countsPadding ? window.count : rows.count * columns.count
                            results[(plane * shape.height + y) * shape.width + x] = Float(sum / Double(count))
                        }
                    }
                }
            }
        }
        return result
    }
}

extension Window.Axis {
    /// The pixels inside an edge that the window covers at a step.
    fileprivate func pixels(at step: Int, along edge: Int) -> Pixels {
        Pixels(positions: positions(at: step, along: edge), start: step * stride - before, dilation: dilation)
    }
}

/// Pixels of a row or a column, `dilation` apart.
private struct Pixels: Sequence {
    let positions: Range<Int>
    let start: Int
    let dilation: Int

    var count: Int { positions.count }

    func makeIterator() -> StrideToIterator<Int> {
        stride(from: start + positions.lowerBound * dilation, to: start + positions.upperBound * dilation, by: dilation)
            .makeIterator()
    }
}
