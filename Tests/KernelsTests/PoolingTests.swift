import Kernels
import Testing

@Suite("Pooling")
struct PoolingTests {
    /// A tensor of random bytes; every pixel has four bytes more than channels.
    private static func tensor(_ height: Int, _ width: Int, _ channels: Int) -> (rb_shape, [UInt8]) {
        let stride = (channels + 3) / 4 * 4 + 4
        var numbers = Numbers(state: UInt64(height * 100 + channels))
        let shape = rb_shape(
            height: Int32(height), width: Int32(width), channels: Int32(channels), pixel_stride: Int32(stride),
            zero_point: 9)
        return (shape, numbers.bytes(height * width * stride))
    }

    @Test(
        "Max pooling takes the largest value inside the input",
        arguments: [(3, 2, 1), (2, 2, 0), (3, 1, 0), (5, 3, 2), (1, 1, 0)])
    func maxPool(kernel: Int, stride: Int, padding: Int) {
        let (height, width, channels) = (11, 8, 5)
        let (input, bytes) = Self.tensor(height, width, channels)
        let (outHeight, outWidth) = (
            (height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1
        )
        let (output, untouched) = Self.tensor(outHeight, outWidth, channels)
        let source = Memory(bytes)
        let result = Memory(untouched)
        withExtendedLifetime(source) {
            var pool = rb_max_pool(
                input: input, output: output, kernel_height: Int32(kernel), kernel_width: Int32(kernel),
                stride_y: Int32(stride), stride_x: Int32(stride), padding_top: Int32(padding),
                padding_left: Int32(padding), counts_padding: false, multiplier: 1, input_data: source.start,
                output_data: result.start, path: RB_PATH_REFERENCE)
            rb_max_pool_run(&pool, 0, 1, 0)
        }

        var expected = untouched
        let pixelStride = Int(input.pixel_stride)
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                let rows = max(0, y * stride - padding)..<min(height, y * stride - padding + kernel)
                let columns = max(0, x * stride - padding)..<min(width, x * stride - padding + kernel)
                for c in 0..<channels {
                    expected[(y * outWidth + x) * pixelStride + c] = rows.lazy.flatMap { row in
                        columns.lazy.map { bytes[(row * width + $0) * pixelStride + c] }
                    }.max()!
                }
            }
        }
        #expect(Array(result.elements) == expected)
    }

    @Test("Global average pooling gives the mean of the real values of each channel")
    func average() {
        let (input, bytes) = Self.tensor(7, 6, 5)
        let source = Memory(bytes)
        let features = Memory([Float](repeating: .nan, count: 5))
        let scale: Float = 0.25
        withExtendedLifetime(source) {
            var pool = rb_global_average_pool(
                input: input, multiplier: scale / 42, input_data: source.start, features: features.start,
                path: RB_PATH_REFERENCE)
            rb_global_average_pool_run(&pool, 0, 1, 0)
        }
        for c in 0..<5 {
            let sum = (0..<42).reduce(0) { $0 + Int(bytes[$1 * Int(input.pixel_stride) + c]) - 9 }
            #expect(abs(features.elements[c] - Float(sum) * scale / 42) < 1e-4)
        }
    }
}
