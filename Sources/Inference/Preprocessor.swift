import ModelFormat
import Pixels

/// Turns frames or pictures of one format and size into a model's input tensor, in memory given by the caller.
///
/// The device program and the converter both use it, so a model is calibrated and evaluated on the bytes the device
/// computes.
public struct Preprocessor {
    private var plan: rb_pixels_plan

    /// The exact workspace for frames of a format and size, bytes, a multiple of 64; nil where there can be none: a
    /// side is out of range, the crop is not inside the frame, or too small a part of it is as wide as the model's input.
    public static func workspaceBytes(
        input: InputRecord, format: rb_pixels_format, width: Int, height: Int, view: FrameView = FrameView()
    ) -> Int? {
        guard let view = view.pixels(width: width, height: height, input: input) else { return nil }
        let bytes = withUnsafePointer(to: view) { rb_pixels_workspace_bytes(format, Int32(width), Int32(height), $0) }
        return bytes > 0 ? Int(bytes) : nil
    }

    /// `colour` says what the values of the frames mean; every one takes the same workspace.
    /// `workspace`: 64-byte aligned, at least `workspaceBytes` bytes, to be kept as long as the preprocessor is used.
    public init?(
        input: InputRecord, format: rb_pixels_format, width: Int, height: Int,
        colour: rb_pixels_colour = rb_pixels_colour(), view: FrameView = FrameView(),
        workspace: UnsafeMutableRawBufferPointer
    ) {
        guard let needed = Self.workspaceBytes(input: input, format: format, width: width, height: height, view: view),
            workspace.count >= needed, var pixels = view.pixels(width: width, height: height, input: input)
        else { return nil }
        var quantisation = rb_pixels_quantisation(
            bgr: input.channelOrder == 1, mean: (input.mean.x, input.mean.y, input.mean.z),
            std: (input.standardDeviation.x, input.standardDeviation.y, input.standardDeviation.z),
            scale: input.tensor.scale, zero_point: Int32(input.tensor.zeroPoint))
        plan = rb_pixels_plan()
        guard
            rb_pixels_configure(
                &plan, format, Int32(width), Int32(height), colour, &pixels, &quantisation, workspace.baseAddress),
            rb_pixels_set_levels(&plan, view.brightness.levels)
        else { return nil }
    }

    /// Writes a model's input, `[height][width][4]`, from a frame of the configured format and size. False where the
    /// frame cannot be decoded, which only compressed ones can fail at: then the input holds anything.
    public mutating func run(_ frame: inout rb_pixels_frame, into input: UnsafeMutablePointer<UInt8>) -> Bool {
        rb_pixels_run(&plan, &frame, input)
    }

    /// The least and the largest brightness of what is seen of a frame of the format Y16; nil for other formats.
    public func usedBrightness(of frame: rb_pixels_frame) -> ClosedRange<UInt16>? {
        var (low, high) = (UInt16(0), UInt16(0))
        let isTold = withUnsafePointer(to: plan) { plan in
            withUnsafePointer(to: frame) { rb_pixels_used_levels(plan, $0, &low, &high) }
        }
        return isTold ? low...high : nil
    }

    /// What the JPEG frame of the last `run` says of itself; all zero for other formats.
    public var lastHeader: rb_pixels_jpeg_header { withUnsafePointer(to: plan) { rb_pixels_last_header($0) } }
}
