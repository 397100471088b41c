import KernelCases
import Kernels
import Testing

private let availablePaths = (0..<RB_PATH_COUNT.rawValue).map { rb_path(rawValue: $0) }.filter(rb_path_available)

extension rb_shape {
    fileprivate init(_ height: Int32, _ width: Int32, _ channels: Int32, zeroPoint: Int32 = 0) {
        self.init(
            height: height, width: width, channels: channels, pixel_stride: (channels + 3) / 4 * 4,
            zero_point: zeroPoint)
    }
}

extension rb_conv_shape {
    /// Stride 1, no padding, no clamp, no residual.
    fileprivate init(input: rb_shape, kernel: Int32, output: rb_shape, groups: Int32 = 1) {
        self.init()
        self.input = input
        self.output = output
        self.groups = groups
        (kernel_height, kernel_width) = (kernel, kernel)
        (stride_y, stride_x, dilation_y, dilation_x) = (1, 1, 1, 1)
        output_max = 255
    }
}

/// Packs and runs a convolution on one path; gives the output with its pixel strides.
private func convolve(
    _ shape: rb_conv_shape, on path: rb_path, input: [UInt8], weights: [Int8], bias: [Int32], multiplier: [Float],
    residual: [UInt8] = []
) -> [UInt8] {
    let flip = rb_path_activation_flip(path)
    let pixels = Int(shape.output.height * shape.output.width)
    let output = Memory([UInt8](repeating: 0, count: pixels * Int(shape.output.pixel_stride)))
    let input = Memory(input.map { $0 ^ flip })
    let weights = Memory(weights)
    let bias = Memory(bias)
    let multiplier = Memory(multiplier)
    let residual = Memory(residual.map { $0 ^ flip })
    var shape = shape
    let packed = Memory([UInt8](repeating: 0, count: rb_conv_packed_bytes(path, &shape)))
    let scratch = Memory([UInt8](repeating: 0, count: rb_conv_scratch_bytes(path, &shape)))
    return withExtendedLifetime((input, weights, bias, multiplier, residual, packed, scratch)) {
        var conv = rb_conv(
            shape: shape, input: input.start, output: output.start,
            residual: shape.residual.height == 0 ? nil : residual.start, weights: weights.start, bias: bias.start,
            multiplier: multiplier.start, packed: packed.start, scratch: scratch.start, flip: flip, part: 0, parts: 1)
        rb_conv_pack(path, &conv, packed.start)
        rb_conv_run(path, &conv)
        return output.elements.map { $0 ^ flip }
    }
}

// One test at a time: a check catches the fault signal of the whole process.
@Suite("Convolution kernels", .serialized)
struct ConvolutionTests {
    @Test("A kernel gives the bits of the reference", arguments: (0..<rb_kernel_count()).filter(rb_kernel_available))
    func equalsReference(kernel: Int32) {
        let check = rb_check_kernel(kernel)
        withUnsafeBytes(of: check.failure) { text in
            #expect(check.passed, "\(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))")
        }
        #expect(check.cases >= 40)  // a depthwise kernel has fewer than the others
    }

    @Test("Random operations of every kind, to the limits of what a file may hold, give what they must")
    func randomOperations() {
        rb_fuzz_begin(nil)
        defer { rb_fuzz_end() }
        var report = rb_fuzz_report()
        for number in 0..<3000 as Range<UInt64> {
            guard rb_fuzz_case(1, number, &report) else {
                Issue.record("case \(number) of seed 1: \(text(report))")
                return
            }
        }
    }

    /// What a kernel works in is as large as its line in kernels.inc says, and ends at a page that faults. One channel is
    /// also depthwise; with a window this wide the addresses of its taps take more than a table by rows of it.
    @Test("The widest window over one channel stays inside its scratch memory", arguments: [4, 8] as [Int32])
    func widestWindow(pixelStride: Int32) {
        var shape = rb_conv_shape(input: rb_shape(9, 7, 1, zeroPoint: 3), kernel: 255, output: rb_shape(2, 3, 1))
        shape.input.pixel_stride = pixelStride
        (shape.padding_top, shape.padding_left) = (127, 127)
        rb_fuzz_begin(nil)
        defer { rb_fuzz_end() }
        var report = rb_fuzz_report()
        let passed = rb_fuzz_shape(&shape, 1, &report)
        #expect(passed, "\(text(report))")
        #expect(rb_conv_scratch_bytes(RB_PATH_AVX512VNNI, &shape) >= 255 * 255 * 8)
    }

    private func text(_ report: rb_fuzz_report) -> String {
        func string<Characters>(_ characters: Characters) -> String {
            withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(string(report.operation)): \(string(report.fault))"
    }

    @Test("A convolution worked by hand: padding counts as the zero point", arguments: availablePaths)
    func byHand(path: rb_path) {
        // Input, zero point 10, real values below; weights 1...9; multiplier 1/2, bias 3, output zero point 100.
        //    1 -2
        //    3  4
        var shape = rb_conv_shape(
            input: rb_shape(2, 2, 1, zeroPoint: 10), kernel: 3, output: rb_shape(2, 2, 1, zeroPoint: 100))
        (shape.padding_top, shape.padding_left) = (1, 1)
        let input: [UInt8] = [11, 0, 0, 0, 8, 0, 0, 0, 13, 0, 0, 0, 14, 0, 0, 0]
        let output = convolve(
            shape, on: path, input: input, weights: [1, 2, 3, 4, 5, 6, 7, 8, 9], bias: [3], multiplier: [0.5])
        // Sums: 5-12+24+36 = 53, 4-10+21+32 = 47, 2-6+15+24 = 35, 1-4+12+20 = 29; halves of sum + 3 are whole.
        #expect([0, 4, 8, 12].map { output[$0] } == [128, 125, 119, 116])
    }

    @Test("Halves round to the even neighbour, after the clamp", arguments: availablePaths)
    func rounding(path: rb_path) {
        var shape = rb_conv_shape(input: rb_shape(1, 1, 1), kernel: 1, output: rb_shape(1, 1, 8, zeroPoint: 10))
        shape.output_min = 8
        shape.output_max = 13
        let output = convolve(
            shape, on: path, input: [1, 0, 0, 0], weights: [-7, -5, -3, -1, 1, 3, 5, 7],
            bias: [Int32](repeating: 0, count: 8), multiplier: [Float](repeating: 0.5, count: 8))
        #expect(output == [8, 8, 8, 10, 10, 12, 12, 13])
    }

    @Test("An option A residual adds every second pixel to the middle channels", arguments: availablePaths)
    func optionA(path: rb_path) {
        var shape = rb_conv_shape(input: rb_shape(1, 2, 1), kernel: 1, output: rb_shape(1, 2, 4))
        shape.residual = rb_shape(2, 4, 2, zeroPoint: 5)
        (shape.residual_step, shape.residual_channel_offset, shape.residual_multiplier) = (2, 1, 2)
        let residual: [UInt8] = [15, 25, 0, 0, 99, 99, 0, 0, 35, 45, 0, 0] + [UInt8](repeating: 99, count: 20)
        let output = convolve(
            shape, on: path, input: [1, 0, 0, 0, 2, 0, 0, 0], weights: [1, 1, 1, 1], bias: [0, 0, 0, 0],
            multiplier: [1, 1, 1, 1], residual: residual)
        #expect(output == [1, 21, 41, 1, 2, 62, 82, 2])
    }

    @Test("A grouped convolution keeps its groups apart", arguments: availablePaths)
    func grouped(path: rb_path) {
        let shape = rb_conv_shape(input: rb_shape(1, 1, 4), kernel: 1, output: rb_shape(1, 1, 2), groups: 2)
        let output = convolve(
            shape, on: path, input: [1, 2, 3, 4], weights: [1, 1, 10, 10], bias: [0, 0], multiplier: [1, 1])
        #expect(Array(output.prefix(2)) == [3, 70])
    }
}

@Suite("Kernel dispatch")
struct DispatchTests {
    @Test("The best path is available, and the reference always is")
    func bestPath() {
        #expect(rb_path_available(rb_path_best()))
        #expect(rb_path_available(RB_PATH_REFERENCE))
        #expect(!rb_path_available(RB_PATH_COUNT))
    }

    @Test("Paths have names, and numbers that are no path have none")
    func names() {
        #expect(String(cString: rb_path_name(Int32(RB_PATH_NEON.rawValue))) == "neon")
        #expect(rb_path_name(-1) == nil)
        #expect(rb_path_name(Int32(RB_PATH_COUNT.rawValue)) == nil)
    }

    @Test("Every build sizes the weights of every path")
    func packedSizes() {
        // 20 output channels are two blocks of 16; 5 input channels round up to 8; a block has 128 bytes of
        // biases and multipliers.
        var shape = rb_conv_shape(input: rb_shape(4, 4, 5), kernel: 3, output: rb_shape(2, 2, 20))
        let packed = 2 * (128 + 9 * 8 * 16)
        #expect(rb_conv_packed_bytes(RB_PATH_AVX2, &shape) == packed)
        #expect(rb_conv_packed_bytes(RB_PATH_NEON, &shape) == packed)
        #expect(rb_conv_packed_bytes(RB_PATH_REFERENCE, &shape) == 0)
    }

    @Test("A path uses its own kernels before those of lesser paths")
    func ladder() {
        var dense = rb_conv_shape(input: rb_shape(4, 4, 8), kernel: 1, output: rb_shape(4, 4, 32))
        #expect(String(cString: rb_conv_kernel_name(RB_PATH_NEON, &dense)) == "conv_u8s8_4x16c2__neon")
        #expect(String(cString: rb_conv_kernel_name(RB_PATH_AVX512VNNI, &dense)) == "conv_u8s8_8x64c4__avx512vnni")
        #expect(rb_path_lesser(RB_PATH_AVX512VNNI) == RB_PATH_AVX2)
        #expect(rb_path_lesser(RB_PATH_AVX2) == RB_PATH_REFERENCE)
        #expect(rb_path_lesser(RB_PATH_REFERENCE) == RB_PATH_REFERENCE)
    }

    @Test("A block of a grouped convolution packs the input channels of its own groups only")
    func groupedPackedSizes() {
        // 64 groups of 4: the 16 outputs of a block read 16 inputs.
        var shape = rb_conv_shape(input: rb_shape(4, 4, 256), kernel: 3, output: rb_shape(2, 2, 256), groups: 64)
        #expect(rb_conv_packed_bytes(RB_PATH_NEON, &shape) == 16 * (128 + 9 * 16 * 16))
    }

    @Test("Weights that would pack to more than 2 GiB go to the reference, in place")
    func tooLargeToPack() {
        var shape = rb_conv_shape(input: rb_shape(255, 255, 4128), kernel: 255, output: rb_shape(1, 1, 1))
        #expect(rb_conv_packed_bytes(RB_PATH_NEON, &shape) == 0)
        #expect(String(cString: rb_conv_kernel_name(RB_PATH_NEON, &shape)) == "conv_u8s8__reference")
        shape.input.channels = 2000
        #expect(rb_conv_packed_bytes(RB_PATH_NEON, &shape) == 128 + 255 * 255 * 2000 * 16)
    }
}
