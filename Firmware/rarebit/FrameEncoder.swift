import Camera
import Inference
import Pixels
import Platform

/// Makes JPEG files of frames, in memory of its own, which it takes with the first frame of a geometry.
struct FrameEncoder {
    /// Wider frames become smaller, pixels.
    private let mostColumns: Int32
    /// libjpeg's, 1...100.
    private let quality: Int32
    /// Of 16-bit brightness, what is black and what is white.
    private let brightness: BrightnessRange
    private var geometry: FrameGeometry?
    private var memory = rb_memory()
    private var plan = rb_pixels_plan()
    private var pixels: UnsafeMutablePointer<UInt8>?
    private var workspace: UnsafeMutableRawPointer?
    private var width: Int32 = 0
    private var height: Int32 = 0

    init(mostColumns: Int32, quality: Int32, brightness: BrightnessRange = .whole) {
        (self.mostColumns, self.quality, self.brightness) = (mostColumns, quality, brightness)
    }

    /// The library behind the other formats cannot work in two threads.
    static func takes(_ format: rb_pixels_format) -> Bool { format.rawValue < RB_PIXELS_FOREIGN.rawValue }

    /// To be called before `encode`, for each geometry. False where there is no memory for it.
    mutating func prepare(for geometry: FrameGeometry) -> Bool {
        guard self.geometry != geometry else { return true }
        self.geometry = nil
        rb_unmap(&memory)
        guard Self.takes(geometry.format) else { return false }
        width = min(geometry.width, mostColumns)
        height = max(
            Int32((Int64(geometry.height) * Int64(width) + Int64(geometry.width) / 2) / Int64(geometry.width)), 1)
        var view = rb_pixels_model_view(
            geometry.width, geometry.height, RB_PIXELS_SQUASH, max(width, height), width, height)
        let planBytes = rb_pixels_workspace_bytes(geometry.format, geometry.width, geometry.height, &view)
        let pixelBytes = (4 * Int(width) * Int(height) + 63) & ~63
        let encoderBytes = rb_pixels_encoder_bytes(width)
        guard planBytes > 0, rb_map_memory(planBytes + pixelBytes + encoderBytes, &memory) == 0 else { return false }
        let start = UnsafeMutableRawPointer(memory.bytes!)
        pixels = (start + planBytes).assumingMemoryBound(to: UInt8.self)
        workspace = start + planBytes + pixelBytes
        // The pixels' own values.
        var quantisation = rb_pixels_quantisation(
            bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
        guard
            rb_pixels_configure(
                &plan, geometry.format, geometry.width, geometry.height, geometry.colour, &view, &quantisation, start),
            rb_pixels_set_levels(&plan, brightness.levels)
        else { return false }
        self.geometry = geometry
        return true
    }

    /// How many bytes the file of a frame of that geometry has; 0 where the frame is no picture or the file does not fit.
    mutating func encode(_ frame: rb_pixels_frame, into jpeg: UnsafeMutablePointer<UInt8>?, _ capacity: Int) -> Int {
        var frame = frame
        guard geometry != nil, rb_pixels_run(&plan, &frame, pixels) else { return 0 }
        return rb_pixels_encode_jpeg(pixels, width, height, quality, workspace, jpeg, capacity)
    }
}
