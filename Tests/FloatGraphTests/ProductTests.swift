import FloatKernels
import SampleNetworks
import Testing

/// The sums of the products, term by term in their order, each result rounded: what the kernel promises on every processor.
private func expected(
    _ weights: [Float], rows: Int, terms: Int, _ matrix: [Float], columns: Int, stride: Int, adding output: [Float]
) -> [Float] {
    var output = output
    for row in 0..<rows {
        for column in 0..<columns {
            for term in 0..<terms {
                let product = weights[row * terms + term] * matrix[term * stride + column]
                output[row * columns + column] += product
            }
        }
    }
    return output
}

@Suite struct AProductOfMatrices {
    @Test(
        "has the bits of sums in their order, whatever the processor's vectors",
        arguments: [(1, 1, 1), (4, 9, 32), (5, 257, 33), (7, 30, 95), (16, 600, 64), (3, 513, 1)])
    func hasOneOrderOfSummation(rows: Int, terms: Int, columns: Int) {
        var values = SampleValues(seed: 71)
        let stride = columns + 3
        let (weights, matrix) = (values.array(rows * terms), values.array(terms * stride))
        let start = values.array(rows * columns)
        var output = start
        rb_f32_add_product(weights, rows, terms, matrix, columns, stride, &output, columns)
        #expect(
            output
                == expected(
                    weights, rows: rows, terms: terms, matrix, columns: columns, stride: stride, adding: start))
    }

    @Test func leavesWhatIsBesideTheOutputAlone() {
        let ones = [Float](repeating: 1, count: 100)
        var output = [Float](repeating: 5, count: 60)
        rb_f32_add_product(ones, 3, 2, ones, 4, 4, &output, 20)
        for (index, value) in output.enumerated() {
            #expect(value == (index % 20 < 4 ? 7 : 5))
        }
    }
}
