import Checkpoint

/// What an ONNX file is given: one image, channels first or last.
struct ONNXInput {
    /// Number of images at once; 1 where the file leaves it open.
    let images: Int
    /// 1, a grey picture, or 3.
    let channels: Int
    /// nil: left open.
    let height: Int?
    let width: Int?
    /// `[images][height][width][channels]`, as TensorFlow has it.
    let channelsAreLast: Bool

    init(of model: ONNXModel) throws(GraphError) {
        guard model.inputs.count == 1, model.inputs[0].shape.count == 4 else {
            throw .unsupportedInput("\(model.inputs.count) inputs, where one image of 4 dimensions is taken")
        }
        let sizes = model.inputs[0].shape
        guard (1...1 << 16).contains(sizes[0] ?? 1) else { throw .unsupportedInput("\(sizes[0] ?? 0) images at once") }
        images = sizes[0] ?? 1
        let channelCounts = [1, 3]
        channelsAreLast =
            !(sizes[1].map(channelCounts.contains) ?? true) && (sizes[3].map(channelCounts.contains) ?? false)
        let (channel, rows, columns) = channelsAreLast ? (3, 1, 2) : (1, 2, 3)
        guard let channels = [sizes[channel] ?? 3].first(where: channelCounts.contains) else {
            throw .unsupportedInput("images of \(sizes[channel] ?? 0) channels instead of 3 or 1")
        }
        self.channels = channels
        (height, width) = (sizes[rows], sizes[columns])
    }
}

private let shareOfColours = luminance

extension Convolution {
    /// Where red, green and blue are prepared alike, the luminance of a picture prepared so.
    static var luminance: Convolution {
        Convolution(
            inputChannels: 3, outputChannels: 1, window: Window(size: 1), weights: shareOfColours, bias: [0])
    }
}
