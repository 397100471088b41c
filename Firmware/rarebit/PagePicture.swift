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
    private var encoder = FrameEncoder(mostColumns: 640, quality: 80)
    private var geometry: FrameGeometry?
    private var memory = rb_memory()
    private var frame = rb_pixels_frame()

    /// Takes a copy of a frame and leaves it to the server.
    mutating func leave(_ frame: borrowing Frame, of geometry: FrameGeometry) {
        guard prepare(for: geometry),
            let copied = frame.copy(
                into: UnsafeMutableRawBufferPointer(start: memory.bytes, count: memory.count), of: geometry)
        else { return }
        self.frame = copied
        rb_page_publish_picture()
    }

    /// False where there is no memory.
    private mutating func prepare(for geometry: FrameGeometry) -> Bool {
        guard self.geometry != geometry else { return true }
        self.geometry = nil
        rb_unmap(&memory)
        // Of the largest of formats, with room for rows that are filled up.
        let rowBytes = max(Int64(geometry.stride), 4 * Int64(geometry.width))
        guard let bytes = Int(exactly: Int64(geometry.height) * rowBytes * 2 + 4096), bytes <= 1 << 28,
            encoder.prepare(for: geometry), rb_map_memory(bytes, &memory) == 0
        else { return false }
        self.geometry = geometry
        return true
    }

    /// In the server's thread: how many bytes the file has, 0 where the frame is no picture.
    mutating func encode(into jpeg: UnsafeMutablePointer<UInt8>?, _ capacity: Int) -> Int {
        encoder.encode(frame, into: jpeg, capacity)
    }
}

/// For `rb_page`, with a `PagePicture`.
func encodePagePicture(_ picture: UnsafeMutableRawPointer?, _ jpeg: UnsafeMutablePointer<UInt8>?, _ capacity: Int)
    -> Int
{
    picture!.assumingMemoryBound(to: PagePicture.self).pointee.encode(into: jpeg, capacity)
}
