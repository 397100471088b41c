// Networks for grey pictures: the device's input is always colour.

/// What red, green and blue add to the luminance of a pixel: ITU-R BT.601, as Pillow's mode "L" and OpenCV compute it.
public let luminance: [Float] = [0.299, 0.587, 0.114]

/// The weights of a convolution of one input channel as weights of a convolution of three: the result for a colour picture is
/// that for its luminance, where one mean and one standard deviation prepare all channels.
///
/// - Parameter weights: `[outputs][window.count]`.
/// - Returns: `[outputs][3][window.count]`.
public func weightsForColour(_ weights: [Float], windowCount: Int) -> [Float] {
    weights.runs(of: windowCount).flatMap { window in
        luminance.flatMap { share in window.map { share * $0 } }
    }
}
