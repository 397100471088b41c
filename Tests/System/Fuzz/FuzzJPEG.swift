import Pixels
import TinyModel

/// Decodes a frame of the size that its header states, twice. A frame must give the same both times, whatever stood in the
/// decoder's memory.
@Sendable func fuzzJPEG(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let file = UnsafeBufferPointer(start: data, count: count)
    guard let size = pictureSize(file), size.width <= 512, size.height <= 512 else { return 0 }
    var view = rb_pixels_model_view(size.width, size.height, RB_PIXELS_CROP, 8, 8, 8)
    if size.width % 2 == 1 { (view.quarter_turns, view.is_mirrored) = (1, true) }
    var quantisation = rb_pixels_quantisation(
        bgr: false, mean: (0, 0, 0), std: (1, 1, 1), scale: 1 / 255, zero_point: 0)
    let bytes = rb_pixels_workspace_bytes(RB_PIXELS_MJPEG, size.width, size.height, &view)
    guard bytes > 0 else { return 0 }
    let workspace = AlignedBytes(zeros: bytes)
    var plan = rb_pixels_plan()
    let isConfigured = rb_pixels_configure(
        &plan, RB_PIXELS_MJPEG, size.width, size.height, rb_pixels_colour(), &view, &quantisation,
        workspace.bytes.baseAddress)
    precondition(isConfigured)
    var frame = rb_pixels_frame()
    guard rb_pixels_frame_in(RB_PIXELS_MJPEG, size.width, size.height, 0, data, count, &frame) else { return 0 }
    var (first, second) = ([UInt8](repeating: 0, count: 8 * 8 * 4), [UInt8](repeating: 0, count: 8 * 8 * 4))
    let isPicture = rb_pixels_run(&plan, &frame, &first)
    let isPictureAgain = rb_pixels_run(&plan, &frame, &second)
    precondition(isPicture == isPictureAgain && (!isPicture || first == second))
    return 0
}

/// From the first start-of-frame segment: FF C0, C1 or C2, two bytes of length, one of precision, height, width.
private func pictureSize(_ file: UnsafeBufferPointer<UInt8>) -> (width: Int32, height: Int32)? {
    for index in file.indices.dropLast(8) where file[index] == 0xFF && (0xC0...0xC2).contains(file[index + 1]) {
        func number(_ offset: Int) -> Int32 { Int32(file[index + offset]) << 8 | Int32(file[index + offset + 1]) }
        return (number(7), number(5))
    }
    return nil
}
