import Kernels
import Testing

/// Operations with one implementation, against their definitions in kernels.h.
@Suite("Functions, products and averages of bytes")
struct ElementwiseTests {
    private static let (height, width, channels) = (5, 7, 67)

    /// A tensor of random bytes in memory, whose values are `q`; every pixel has bytes that belong to nothing.
    private struct Tensor {
        let shape: rb_shape
        let memory: Memory<UInt8>
        let flip: UInt8

        init(_ height: Int, _ width: Int, zeroPoint: Int, flip: UInt8, seed: UInt64) {
            let stride = (channels + 3) / 4 * 4 + 4
            var numbers = Numbers(state: seed)
            shape = rb_shape(
                height: Int32(height), width: Int32(width), channels: Int32(channels), pixel_stride: Int32(stride),
                zero_point: Int32(zeroPoint))
            memory = Memory(numbers.bytes(height * width * stride))
            self.flip = flip
        }

        subscript(y: Int, x: Int, c: Int) -> Int {
            Int(memory.elements[(y * Int(shape.width) + x) * Int(shape.pixel_stride) + c] ^ flip)
        }

        /// All that belongs to nothing.
        var rest: [UInt8] {
            memory.elements.indices.filter { $0 % Int(shape.pixel_stride) >= channels }.map { memory.elements[$0] }
        }
    }

    private static func everyValue(_ body: (Int, Int, Int) -> Bool) -> Bool {
        (0..<height).allSatisfy { y in
            (0..<width).allSatisfy { x in (0..<channels).allSatisfy { c in body(y, x, c) } }
        }
    }

    /// `value` in units of the output's scale, as a byte.
    private static func requantized(_ value: Float, _ low: Int, _ high: Int, zeroPoint: Int) -> Int {
        Int(min(max(value, Float(low - zeroPoint)), Float(high - zeroPoint)).rounded(.toNearestOrEven)) + zeroPoint
    }

    @Test("A look-up takes every byte through the table, also in place", arguments: [UInt8(0), 0x80])
    func lookup(flip: UInt8) {
        let input = Tensor(Self.height, Self.width, zeroPoint: 3, flip: flip, seed: 1)
        let output = Tensor(Self.height, Self.width, zeroPoint: 9, flip: flip, seed: 2)
        var numbers = Numbers(state: 3)
        let table = Memory(numbers.bytes(256))
        let (untouched, before) = (output.rest, input)
        let expected = (0..<input.memory.elements.count).map { table.elements[Int(before.memory.elements[$0] ^ flip)] }
        for target in [output, input] {
            var lookup = rb_lookup(
                input: input.shape, output: target.shape, table: table.start, input_data: input.memory.start,
                output_data: target.memory.start, path: flip == 0 ? RB_PATH_REFERENCE : RB_PATH_NEON)
            withExtendedLifetime((input, output, table)) { rb_lookup_run(&lookup, 0, 1, 0) }
            let stride = Int(input.shape.pixel_stride)
            #expect(
                Self.everyValue { y, x, c in
                    target[y, x, c] == Int(expected[(y * Self.width + x) * stride + c])
                })
        }
        #expect(output.rest == untouched)
    }

    @Test("A product rounds to even and is cut off", arguments: [UInt8(0), 0x80], [false, true])
    func multiply(flip: UInt8, isGate: Bool) {
        let input = Tensor(Self.height, Self.width, zeroPoint: 120, flip: flip, seed: 4)
        let factor = Tensor(
            isGate ? 1 : Self.height, isGate ? 1 : Self.width, zeroPoint: isGate ? 0 : 200, flip: flip, seed: 5)
        let output = Tensor(Self.height, Self.width, zeroPoint: 100, flip: flip, seed: 6)
        let untouched = output.rest
        // Half steps are frequent.
        let multiplier: Float = 1 / 64
        var product = rb_multiply(
            input: input.shape, factor: factor.shape, output: output.shape, output_min: 20, output_max: 230,
            multiplier: multiplier, input_data: input.memory.start, factor_data: factor.memory.start,
            output_data: output.memory.start, path: flip == 0 ? RB_PATH_REFERENCE : RB_PATH_NEON)
        withExtendedLifetime((input, factor, output)) { rb_multiply_run(&product, 0, 1, 0) }
        #expect(
            Self.everyValue { y, x, c in
                let other = (isGate ? factor[0, 0, c] : factor[y, x, c]) - Int(factor.shape.zero_point)
                let value = Float((input[y, x, c] - 120) * other) * multiplier
                return output[y, x, c] == Self.requantized(value, 20, 230, zeroPoint: 100)
            })
        #expect(output.rest == untouched)
    }

    @Test("What is no number becomes the lowest byte, and what is infinite the last on its side")
    func valuesThatAreNoNumbers() {
        for (multiplier, expected) in [(Float.nan, [20]), (.infinity, [20, 230])] {
            let input = Tensor(Self.height, Self.width, zeroPoint: 120, flip: 0, seed: 4)
            let factor = Tensor(1, 1, zeroPoint: 0, flip: 0, seed: 5)
            let output = Tensor(Self.height, Self.width, zeroPoint: 100, flip: 0, seed: 6)
            var product = rb_multiply(
                input: input.shape, factor: factor.shape, output: output.shape, output_min: 20, output_max: 230,
                multiplier: multiplier, input_data: input.memory.start, factor_data: factor.memory.start,
                output_data: output.memory.start, path: RB_PATH_REFERENCE)
            withExtendedLifetime((input, factor, output)) { rb_multiply_run(&product, 0, 1, 0) }
            #expect(Self.everyValue { y, x, c in expected.contains(output[y, x, c]) })
        }
    }

    @Test(
        "An average is of what is inside the image, or of the whole window",
        arguments: [(3, 2, 1), (2, 2, 0), (5, 3, 4), (1, 1, 0), (7, 1, 3)], [false, true])
    func averagePool(window: (kernel: Int, stride: Int, padding: Int), countsPadding: Bool) {
        for flip in [UInt8(0), 0x80] {
            let (kernel, stride, padding) = window
            let input = Tensor(Self.height, Self.width, zeroPoint: 77, flip: flip, seed: 7)
            let rows = (Self.height + 2 * padding - kernel) / stride + 1
            let columns = (Self.width + 2 * padding - kernel) / stride + 1
            let output = Tensor(max(rows, 1), max(columns, 1), zeroPoint: 50, flip: flip, seed: 8)
            let untouched = output.rest
            let multiplier: Float = 1.5
            var pool = rb_average_pool(
                input: input.shape, output: output.shape, kernel_height: Int32(kernel), kernel_width: Int32(kernel),
                stride_y: Int32(stride), stride_x: Int32(stride), padding_top: Int32(padding),
                padding_left: Int32(padding), counts_padding: countsPadding, multiplier: multiplier,
                input_data: input.memory.start, output_data: output.memory.start,
                path: flip == 0 ? RB_PATH_REFERENCE : RB_PATH_NEON)
            withExtendedLifetime((input, output)) { rb_average_pool_run(&pool, 0, 1, 0) }
            for y in 0..<rows {
                for x in 0..<columns {
                    let ys = max(0, y * stride - padding)..<max(0, min(Self.height, y * stride - padding + kernel))
                    let xs = max(0, x * stride - padding)..<max(0, min(Self.width, x * stride - padding + kernel))
                    let count = countsPadding ? kernel * kernel : max(ys.count * xs.count, 1)
                    #expect(
                        (0..<Self.channels).allSatisfy { c in
                            let sum = ys.reduce(0) { sum, y in xs.reduce(sum) { $0 + input[y, $1, c] - 77 } }
                            let value = Float(sum) * (multiplier / Float(count))
                            return output[y, x, c] == Self.requantized(value, 0, 255, zeroPoint: 50)
                        })
                }
            }
            #expect(output.rest == untouched)
        }
    }
}
