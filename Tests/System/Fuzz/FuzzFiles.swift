import Camera
import Glibc
import Images
import Platform

/// Decodes a picture file of any kind that is read, twice: the same pixels, or the same error.
@Sendable func fuzzPicture(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var info = rb_image_info()
    var message = [CChar](repeating: 0, count: Int(RB_IMAGE_MESSAGE_BYTES))
    guard rb_image_probe(data, count, false, &info, &message) == RB_IMAGE_OK, info.width <= 1024, info.height <= 1024
    else {
        return 0
    }
    let size = Int(info.width) * Int(info.height) * 3
    var (first, second) = ([UInt8](repeating: 0, count: size), [UInt8](repeating: 255, count: size))
    let result = rb_image_decode(data, count, false, &first, size, &message)
    let again = rb_image_decode(data, count, false, &second, size, &message)
    precondition(result == again && (result != RB_IMAGE_OK || first == second))
    return 0
}

/// Replays a recording to its end.
@Sendable func fuzzRecording(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A file without a name is gone when it is closed.
    var name = Array("/tmp/recording-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    precondition(file >= 0 && unlink(name) == 0 && write(file, data, count) == count)
    defer { close(file) }
    "/proc/self/fd/\(file)".withCString { path in
        guard var recording = try? Recording(path: path) else { return }
        for _ in 0..<1024 {
            guard case .frame(let frame) = recording.next(deadline: 0) else { break }
            recording.release(frame)
        }
    }
    return 0
}
