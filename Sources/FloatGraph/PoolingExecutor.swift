extension Activations {
    func maxPooled(_ window: Window, shape: FeatureShape) -> Activations {
        pooled(window, shape: shape) { plane, rows, columns, width in
            var best = -Float.infinity
            for y in rows {
                for x in columns {
                    best = max(best, plane[y * width + x])
                }
            }
            return best
        }
    }

    func averaged(over window: Window, countsPadding: Bool, shape: FeatureShape) -> Activations {
        pooled(window, shape: shape) { plane, rows, columns, width in
            var sum = 0.0
            for y in rows {
                for x in columns {
                    sum += Double(plane[y * width + x])
                }
            }
            return Float(sum / Double(countsPadding ? window.count : rows.count * columns.count))
        }
    }

    /// What `body` makes of the pixels of each plane that the window covers at each step; it is given the plane, the rows and
    /// columns, and how wide the plane is.
    @inline(__always)
    private func pooled(
        _ window: Window, shape: FeatureShape,
        _ body: (_ plane: UnsafePointer<Float>, _ rows: Pixels, _ columns: Pixels, _ width: Int) -> Float
    ) -> Activations {
        var result = Activations(shape: shape, images: images)
        let columns = (0..<shape.width).map { window.x.pixels(at: $0, along: self.shape.width) }
        values.withUnsafeBufferPointer { values in
            result.values.withUnsafeMutableBufferPointer { results in
                for index in 0..<shape.channels * images {
                    let plane = values.baseAddress! + index * pixels
                    for y in 0..<shape.height {
                        let rows = window.y.pixels(at: y, along: self.shape.height)
                        for x in 0..<shape.width {
                            results[(index * shape.height + y) * shape.width + x] =
                                body(plane, rows, columns[x], self.shape.width)
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
