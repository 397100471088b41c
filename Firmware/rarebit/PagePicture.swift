import Camera
import HTTP
import Pixels
import Platform
import Text

/// The picture that the page shows: a copy of a frame, which the server's thread makes a JPEG file of.
///
/// It belongs to the run's thread while the page wants a picture, and to the server's from `leave` until it wants one again.
/// Without anybody who looks it takes no memory.
struct PagePicture {
    /// Wider frames are shown smaller, pixels.
    private static var mostColumns: Int32 { 640 }

    private var geometry: FrameGeometry?
    private var memory = rb_memory()
    private var plan = rb_pixels_plan()
    private var frame = rb_pixels_frame()
    /// Parts of the memory: the frame's copy, its pixels in the page's size, and what the encoder needs.
    private var copy = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var pixels: UnsafeMutablePointer<UInt8>?
    private var encoder: UnsafeMutableRawPointer?
    private var width: Int32 = 0
    private var height: Int32 = 0

    /// Takes a copy of a frame and leaves it to the server.
    mutating func leave(_ frame: borrowing Frame, of geometry: FrameGeometry) {
        // The library behind these formats cannot work in two threads.
        guard geometry.format.rawValue < RB_PIXELS_FOREIGN.rawValue, prepare(for: geometry),
            let copied = frame.copy(into: copy, of: geometry)
        else { return }
        self.frame = copied
        rb_page_publish_picture()
    }

    /// False where there is no memory.
    private mutating func prepare(for geometry: FrameGeometry) -> Bool {
        guard self.geometry != geometry else { return true }
        self.geometry = nil
        rb_unmap(&memory)
        width = min(geometry.width, Self.mostColumns)
        height = max(
            Int32((Int64(geometry.height) * Int64(width) + Int64(geometry.width) / 2) / Int64(geometry.width)), 1)
        var view = rb_pixels_model_view(
            geometry.width, geometry.height, RB_PIXELS_SQUASH, max(width, height), width, height)
        // Of the largest of formats, with room for rows that are filled up.
        let rowBytes = max(Int64(geometry.stride), 4 * Int64(geometry.width))
        guard let copyBytes = Int(exactly: Int64(geometry.height) * rowBytes * 2 + 4096), copyBytes <= 1 << 28 else {
            return false
        }
        let planBytes = rb_pixels_workspace_bytes(geometry.format, geometry.width, geometry.height, &view)
        let pixelBytes = (4 * Int(width) * Int(height) + 63) & ~63
        let encoderBytes = rb_pixels_encoder_bytes(width)
        let wholeCopy = (copyBytes + 63) & ~63
        guard planBytes > 0, rb_map_memory(wholeCopy + planBytes + pixelBytes + encoderBytes, &memory) == 0 else {
            return false
        }
        let start = UnsafeMutableRawPointer(memory.bytes!)
        copy = UnsafeMutableRawBufferPointer(start: start, count: wholeCopy)
        pixels = (start + wholeCopy + planBytes).assumingMemoryBound(to: UInt8.self)
        encoder = start + wholeCopy + planBytes + pixelBytes
        // The pixels' own values.
        var quantisation = rb_pixels_quantisation(
            bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
        guard
            rb_pixels_configure(
                &plan, geometry.format, geometry.width, geometry.height, geometry.colour, &view, &quantisation,
                start + wholeCopy)
        else { return false }
        self.geometry = geometry
        return true
    }

    /// In the server's thread: how many bytes the file has, 0 where the frame is no picture.
    mutating func encode(into jpeg: UnsafeMutablePointer<UInt8>?, _ capacity: Int) -> Int {
        guard geometry != nil, rb_pixels_run(&plan, &frame, pixels) else { return 0 }
        return rb_pixels_encode_jpeg(pixels, width, height, encoder, jpeg, capacity)
    }
}

/// For `rb_page`, with a `PagePicture`.
func encodePagePicture(_ picture: UnsafeMutableRawPointer?, _ jpeg: UnsafeMutablePointer<UInt8>?, _ capacity: Int)
    -> Int
{
    picture!.assumingMemoryBound(to: PagePicture.self).pointee.encode(into: jpeg, capacity)
}
