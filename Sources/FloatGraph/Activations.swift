import FloatKernels

/// One value of the graph for several images.
///
/// Channel-major, `[channels][images][height][width]`: a convolution of all images is then one matrix product, and
/// joining or padding channels is copying one block.
public struct Activations: Sendable {
    public let shape: FeatureShape
    public let images: Int
    public internal(set) var values: [Float]

    /// Zeros.
    init(shape: FeatureShape, images: Int) {
        self.init(shape: shape, images: images, values: [Float](repeating: 0, count: shape.count * images))
    }

    init(shape: FeatureShape, images: Int, values: [Float]) {
        self.shape = shape
        self.images = images
        self.values = values
    }

    /// Of images given one by one, each `[channels][height][width]`.
    public init(shape: FeatureShape, images: [[Float]]) {
        precondition(images.allSatisfy { $0.count == shape.count })
        self.init(shape: shape, images: images.count)
        for (number, image) in images.enumerated() {
            for channel in 0..<shape.channels {
                let start = channel * channelStride + number * pixels
                values.replaceSubrange(
                    start..<start + pixels, with: image[channel * pixels..<(channel + 1) * pixels])
            }
        }
    }

    /// The values of one image, `[channels][height][width]`.
    public subscript(image image: Int) -> [Float] {
        (0..<shape.channels).flatMap { channel in
            let start = channel * channelStride + image * pixels
            return values[start..<start + pixels]
        }
    }

    /// `[channels]`: the sum of each channel over images and pixels.
    public var channelSums: [Double] {
        values.withUnsafeBufferPointer { values in
            (0..<shape.channels).map { rb_f32_sum(values.baseAddress! + $0 * channelStride, channelStride) }
        }
    }

    /// `[channels]`: the sum of each channel, and that of its squares, over images and pixels.
    public var channelMoments: [(sum: Double, squares: Double)] {
        values.withUnsafeBufferPointer { values in
            (0..<shape.channels).map { channel in
                let start = values.baseAddress! + channel * channelStride
                return (rb_f32_sum(start, channelStride), rb_f32_squared_norm(start, channelStride))
            }
        }
    }

    /// The same values after `change` was let loose on them.
    public func changed(by change: (UnsafeMutableBufferPointer<Float>) -> Void) -> Activations {
        var result = self
        result.values.withUnsafeMutableBufferPointer { change($0) }
        return result
    }

    /// Pixels of one image.
    var pixels: Int { shape.height * shape.width }
    /// Values of one channel, over all images.
    var channelStride: Int { images * pixels }
}
