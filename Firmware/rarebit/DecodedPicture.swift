import Camera
import Images
import Inference
import ModelFormat
import Outputs
import Pixels
import Platform
import Text

/// A decoded picture file: RGB24 rows without gaps.
struct DecodedPicture: ~Copyable {
    /// The most bytes of a file: as many as the largest picture without compression of a camera for people has.
    private static var limit: Int { 256 << 20 }

    private let width: Int
    private let height: Int
    private let pixels: Memory

    init(path: CText, _ message: borrowing ImageMessage, ignoresEXIF: Bool) throws(ProgramError) {
        setActivity("decoding a picture")
        let file = try Memory(copyOf: InputFile(path: path, limit: Self.limit))
        try self.init(UnsafeRawBufferPointer(file.bytes), named: path, message, ignoresEXIF: ignoresEXIF)
        message.warn(of: path)
    }

    /// `file`: the bytes of a picture file. One of more pixels than `limit` is refused.
    init(
        _ file: UnsafeRawBufferPointer, named name: CText, _ message: borrowing ImageMessage, ignoresEXIF: Bool,
        limit: Int = .max
    ) throws(ProgramError) {
        let bytes = file.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var info = rb_image_info()
        guard message.isOK({ rb_image_probe(bytes, file.count, ignoresEXIF, &info, $0) }) else {
            throw .failure(.badImage(name, message.text))
        }
        guard Int(info.width) * Int(info.height) <= limit else {
            throw .failure(.largeImage(name, width: Int(info.width), height: Int(info.height), limit: limit))
        }
        let pixels = try Memory(count: Int(info.width) * Int(info.height) * 3)
        let target = pixels.bytes.assumingMemoryBound(to: UInt8.self)
        guard
            message.isOK({ rb_image_decode(bytes, file.count, ignoresEXIF, target.baseAddress, target.count, $0) })
        else { throw .failure(.badImage(name, message.text)) }
        self.pixels = pixels
        width = Int(info.width)
        height = Int(info.height)
    }

    /// Crops, resizes and quantises the picture into the engine's input.
    func quantise(_ part: FrameView, into engine: Engine) throws(ProgramError) {
        var view = try View(
            part,
            of: FrameGeometry(
                format: RB_PIXELS_RGB24, width: Int32(width), height: Int32(height), stride: Int32(3 * width)),
            for: engine.model.input)
        var frame = rb_pixels_frame()
        frame.plane.0 = UnsafePointer(pixels.bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
        frame.stride.0 = Int32(3 * width)
        // RGB24 has nothing to decode.
        _ = view.show(frame, to: engine)
    }
}

/// What the image decoder says is wrong with a file, in memory that lasts until it is reported.
struct ImageMessage: ~Copyable {
    private let memory: Memory

    /// `memory`: `RB_IMAGE_MESSAGE_BYTES`.
    init(_ memory: consuming Memory) {
        self.memory = memory
    }

    var text: CText { CText(start) }

    private var start: UnsafeMutablePointer<CChar> { memory.bytes.baseAddress!.assumingMemoryBound(to: CChar.self) }

    /// Whether a call of the decoder, which writes its message here, succeeded.
    func isOK(_ call: (UnsafeMutablePointer<CChar>) -> rb_image_error) -> Bool {
        start[0] = 0  // what was said of the picture before
        return call(start) == RB_IMAGE_OK
    }

    /// What the decoder says of a file though it read every pixel.
    func warn(of path: CText) {
        guard !text.isEmpty else { return }
        var line = TextWriter(DescriptorSink.standardError)
        line.write("rarebit: \(path): warning: \(text)\n")
        _ = line.finish()
    }
}
