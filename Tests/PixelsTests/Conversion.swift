import Pixels
import Testing

/// A frame in one buffer, as a camera hands it over.
struct Frame {
    var format: rb_pixels_format
    var width: Int32
    var height: Int32
    var stride: Int32
    var bytes: [UInt8]

    /// Bytes of a fixed pseudo-random sequence, padding at the end of rows included.
    static func noise(_ format: rb_pixels_format, _ width: Int32, _ height: Int32, padding: Int32 = 0) -> Frame {
        let stride = rb_pixels_min_stride(Int32(format.rawValue), width) + padding
        let size = planes(of: format, width, height, stride).map { $0.stride * $0.rows }.reduce(0, +)
        var generator = Noise()
        let bytes = (0..<size).map { _ in generator.next() }
        return Frame(format: format, width: width, height: height, stride: stride, bytes: bytes)
    }

    /// A byte of a plane.
    func byte(_ plane: Int, _ row: Int, _ column: Int) -> UInt8 {
        let planes = planes(of: format, width, height, stride)
        let before = planes.prefix(plane).map { $0.stride * $0.rows }.reduce(0, +)
        return bytes[before + row * planes[plane].stride + column]
    }

    static func rgb(_ width: Int32, _ height: Int32, _ value: (_ x: Int, _ y: Int, _ channel: Int) -> UInt8) -> Frame {
        var bytes: [UInt8] = []
        for y in 0..<Int(height) {
            for x in 0..<Int(width) {
                for channel in 0..<3 { bytes.append(value(x, y, channel)) }
            }
        }
        return Frame(format: RB_PIXELS_RGB24, width: width, height: height, stride: 3 * width, bytes: bytes)
    }
}

/// The planes of a frame: bytes from row to row, rows, and bytes of a row that hold pixels.
func planes(
    of format: rb_pixels_format, _ width: Int32, _ height: Int32, _ stride: Int32
) -> [(stride: Int, rows: Int, used: Int)] {
    let (width, height, stride) = (Int(width), Int(height), Int(stride))
    let (pairs, chromaRows) = ((width + 1) / 2, (height + 1) / 2)
    switch Sampling(format) {
    case .packed: return [(stride, height, 4 * pairs)]
    case .pairs: return [(stride, height, 2 * pairs), (stride, chromaRows, 2 * pairs)]
    case .pairsInEveryRow: return [(stride, height, 2 * pairs), (stride, height, 2 * pairs)]
    case .planes:
        return [(stride, height, 2 * pairs), (stride / 2, chromaRows, pairs), (stride / 2, chromaRows, pairs)]
    case .pixels(let bytes): return [(stride, height, bytes * width)]
    }
}

/// How a format shares chroma.
enum Sampling {
    case packed, pairsInEveryRow, pairs, planes
    case pixels(bytes: Int)

    init(_ format: rb_pixels_format) {
        switch format {
        case RB_PIXELS_YUYV, RB_PIXELS_UYVY, RB_PIXELS_YVYU, RB_PIXELS_VYUY: self = .packed
        case RB_PIXELS_NV16, RB_PIXELS_NV61: self = .pairsInEveryRow
        case RB_PIXELS_NV12, RB_PIXELS_NV21, RB_PIXELS_NV12M, RB_PIXELS_NV21M: self = .pairs
        case RB_PIXELS_YUV420, RB_PIXELS_YVU420, RB_PIXELS_YUV420M, RB_PIXELS_YVU420M: self = .planes
        case RB_PIXELS_RGB24, RB_PIXELS_BGR24: self = .pixels(bytes: 3)
        case RB_PIXELS_GREY: self = .pixels(bytes: 1)
        case RB_PIXELS_RGB565, RB_PIXELS_Y10, RB_PIXELS_Y16: self = .pixels(bytes: 2)
        default: self = .pixels(bytes: 4)
        }
    }

    var hasChroma: Bool {
        if case .pixels = self { return false }
        return true
    }
}

/// Knuth's 64-bit linear congruential generator, top bits: the same sequence everywhere.
struct Noise {
    private var state: UInt64 = 1

    mutating func next() -> UInt8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
    }
}

extension rb_pixels_quantisation {
    /// The model's input is the 8-bit channel value itself.
    static let identity = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
}

extension rb_pixels_view {
    /// The whole frame, resized to a size.
    init(whole frame: Frame, resizedTo width: Int32, _ height: Int32) {
        self.init(wholeWidth: frame.width, height: frame.height, resizedTo: width, height)
    }

    init(wholeWidth: Int32, height wholeHeight: Int32, resizedTo width: Int32, _ height: Int32) {
        self.init(
            left: 0, top: 0, width: wholeWidth, height: wholeHeight, resized_width: width, resized_height: height,
            crop_left: 0, crop_top: 0, output_width: width, output_height: height, pad_left: 0, pad_top: 0,
            pad_right: 0, pad_bottom: 0, quarter_turns: 0,
            is_mirrored: false)
    }
}

/// The model's input for a frame: `output_height * output_width * 4` bytes, and those of the padding.
func convert(
    _ frame: Frame, _ view: rb_pixels_view, _ quantisation: rb_pixels_quantisation = .identity,
    colour: rb_pixels_colour = rb_pixels_colour(), levels: rb_pixels_levels = rb_pixels_levels()
) throws -> [UInt8] {
    try frame.bytes.withUnsafeBufferPointer { bytes in
        var description = rb_pixels_frame()
        try #require(
            rb_pixels_frame_in(
                frame.format, frame.width, frame.height, frame.stride, bytes.baseAddress, bytes.count, &description))
        return try convert(description, of: frame, view, quantisation, colour: colour, levels: levels)
    }
}

/// The same for a frame that lies elsewhere. The workspace and the output have exactly the sizes that the header states;
/// bytes around them must stay as they are.
func convert(
    _ description: rb_pixels_frame, of frame: Frame, _ view: rb_pixels_view, _ quantisation: rb_pixels_quantisation,
    colour: rb_pixels_colour, levels: rb_pixels_levels = rb_pixels_levels()
) throws -> [UInt8] {
    let canary = 64
    let workspaceBytes = withUnsafePointer(to: view) {
        rb_pixels_workspace_bytes(frame.format, frame.width, frame.height, $0)
    }
    try #require(workspaceBytes > 0 && workspaceBytes % 64 == 0)
    let workspace = UnsafeMutableRawBufferPointer.allocate(byteCount: workspaceBytes + 2 * canary, alignment: 64)
    defer { workspace.deallocate() }
    workspace.initializeMemory(as: UInt8.self, repeating: 0xA5)

    var plan = rb_pixels_plan()
    let configured = withUnsafePointer(to: view) { view in
        withUnsafePointer(to: quantisation) { quantisation in
            rb_pixels_configure(
                &plan, frame.format, frame.width, frame.height, colour, view, quantisation,
                workspace.baseAddress! + canary)
        }
    }
    try #require(configured && rb_pixels_set_levels(&plan, levels))

    let across = view.pad_left + view.output_width + view.pad_right
    let down = view.pad_top + view.output_height + view.pad_bottom
    let outputBytes = Int(across * down) * RB_PIXELS_OUTPUT_STRIDE
    var output = [UInt8](repeating: 0xA5, count: outputBytes + 2 * canary)
    var description = description
    let succeeded = output.withUnsafeMutableBufferPointer {
        rb_pixels_run(&plan, &description, $0.baseAddress! + canary)
    }
    try #require(succeeded)

    #expect(workspace.prefix(canary).allSatisfy { $0 == 0xA5 }, "bytes before the workspace changed")
    #expect(workspace.suffix(canary).allSatisfy { $0 == 0xA5 }, "bytes past the workspace changed")
    #expect(output.prefix(canary).allSatisfy { $0 == 0xA5 }, "bytes before the output changed")
    #expect(output.suffix(canary).allSatisfy { $0 == 0xA5 }, "bytes past the output changed")
    return Array(output.dropFirst(canary).dropLast(canary))
}

/// The frame as 8-bit RGB, by way of an identity view.
func asRGB(_ frame: Frame, colour: rb_pixels_colour = rb_pixels_colour()) throws -> Frame {
    let view = rb_pixels_view(whole: frame, resizedTo: frame.width, frame.height)
    let pixels = try convert(frame, view, colour: colour)
    return .rgb(frame.width, frame.height) { x, y, channel in pixels[4 * (y * Int(frame.width) + x) + channel] }
}
