import Inference
import ModelFormat
import Pixels
import Quantization

/// Turns pictures of any size into a model's input, with the code of the device.
final class PicturePreprocessor {
    private let input: InputRecord
    private var current: (width: Int, height: Int, workspace: AlignedMemory, preprocessor: Preprocessor)?

    init(input: InputRecord) {
        self.input = input
    }

    /// Writes `[height][width][4]` bytes. False where the picture's size cannot be used.
    func run(_ picture: Picture, into bytes: UnsafeMutablePointer<UInt8>) -> Bool {
        if current?.width != picture.width || current?.height != picture.height {
            current = nil
            guard
                let size = Preprocessor.workspaceBytes(
                    input: input, format: RB_PIXELS_RGB24, width: picture.width, height: picture.height)
            else { return false }
            let workspace = AlignedMemory(byteCount: size)
            guard
                let preprocessor = Preprocessor(
                    input: input, format: RB_PIXELS_RGB24, width: picture.width, height: picture.height,
                    workspace: workspace.bytes)
            else { return false }
            current = (picture.width, picture.height, workspace, preprocessor)
        }
        return picture.bytes.withUnsafeBufferPointer { data in
            var frame = rb_pixels_frame()
            guard
                rb_pixels_frame_in(
                    RB_PIXELS_RGB24, Int32(picture.width), Int32(picture.height), Int32(3 * picture.width),
                    data.baseAddress, data.count, &frame)
            else { return false }
            return current!.preprocessor.run(&frame, into: bytes)
        }
    }
}

/// Turns pictures into the normalised images of the float network: the device's resizing and cropping, kept as bytes,
/// then (byte / 255 - mean) / standard deviation.
public final class PictureNormalizer {
    private let input: ModelInput
    private let preprocessor: PicturePreprocessor
    private let bytes: AlignedMemory

    public init(_ input: ModelInput) {
        self.input = input
        // Scale 1/255 and zero point 0 keep every byte as it is.
        preprocessor = PicturePreprocessor(input: input.bytesUnchanged)
        bytes = AlignedMemory(byteCount: 4 * input.height * input.width)
    }

    /// `[channels][height][width]`, or nil where the picture's size cannot be used.
    public func normalized(_ picture: Picture) -> [Float]? {
        let pixels = bytes.bytes.bindMemory(to: UInt8.self)
        guard preprocessor.run(picture, into: pixels.baseAddress!) else { return nil }
        return (0..<3).flatMap { channel in
            let colour = input.isBGR ? 2 - channel : channel
            return (0..<input.height * input.width).map { pixel in
                (Float(pixels[4 * pixel + channel]) / 255 - input.mean[colour]) / input.standardDeviation[colour]
            }
        }
    }
}

extension CalibrationImages {
    /// The pictures of a data set as a float network sees them. Loading throws `DataError`.
    public init(_ data: Dataset, input: ModelInput) {
        self.init(count: data.count) {
            let normalizer = PictureNormalizer(input)
            return { index throws(DataError) in
                let picture = try data.picture(index)
                guard let image = normalizer.normalized(picture) else {
                    throw .unusableSize(index: index, width: picture.width, height: picture.height)
                }
                return image
            }
        }
    }
}
