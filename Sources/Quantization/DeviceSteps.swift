import FloatGraph

/// A rearrangement as the device steps through it; see `rb_rearrange` in kernels.h.
struct DeviceSteps: Equatable {
    struct Step: Equatable {
        let count: Int
        /// How far apart in the input the numbers lie.
        var pixels = 0
        var channels = 0
    }

    /// Outermost first.
    let ofPixels: [Step]
    let ofChannels: [Step]
}

extension Rearrangement {
    /// Whether the device has the result where it has the input: channels stay together, and pixels in their order.
    func isView(of input: FeatureShape) -> Bool { keepsOrder(of: input) && shape.channels == input.channels }

    /// nil where a step would lead from one channel into the next one's pixels, or there are too many.
    func deviceSteps(of input: FeatureShape) -> DeviceSteps? {
        guard let (channels, pixels) = steps.cut(behind: shape.channels), canTake(input) else { return nil }
        var lastPixel = 0
        func device(_ steps: [Rearrangement.Step]) -> [DeviceSteps.Step]? {
            var result: [DeviceSteps.Step] = []
            for step in steps {
                guard let parts = step.parts(of: input.pixels) else { return nil }
                lastPixel += parts.reduce(0) { $0 + ($1.count - 1) * $1.pixels }
                result += parts
            }
            return result.count <= Self.mostDeviceSteps ? result : nil
        }
        guard let ofPixels = device(pixels), let ofChannels = device(channels), lastPixel < input.pixels else {
            return nil
        }
        return DeviceSteps(ofPixels: ofPixels, ofChannels: ofChannels)
    }

    /// Of pixels, and of channels: `RB_MOST_REARRANGE_STEPS`.
    private static let mostDeviceSteps = 8
}

extension [Rearrangement.Step] {
    /// The steps that count so many indices, outermost first, and the rest; nil where that falls inside a step and does not
    /// divide it.
    fileprivate func cut(behind count: Int) -> ([Rearrangement.Step], [Rearrangement.Step])? {
        var (outer, open) = ([Rearrangement.Step](), count)
        for (index, step) in enumerated() {
            if open == 1 { return (outer, Array(self[index...])) }
            if open % step.size == 0 {
                outer.append(step)
                open /= step.size
            } else if step.size % open == 0 {
                let inner = step.size / open
                outer.append(.init(size: open, stride: step.stride * inner))
                return (outer, [.init(size: inner, stride: step.stride)] + self[(index + 1)...])
            } else {
                return nil
            }
        }
        return open == 1 ? (outer, []) : nil
    }
}

extension Rearrangement.Step {
    /// The step in a tensor of so many pixels, of which one may become two: over channels, and over pixels.
    fileprivate func parts(of pixels: Int) -> [DeviceSteps.Step]? {
        if stride % pixels == 0 { return [.init(count: size, channels: stride / pixels)] }
        if (size - 1) * stride < pixels { return [.init(count: size, pixels: stride)] }
        guard pixels % stride == 0, size % (pixels / stride) == 0 else { return nil }
        let inner = pixels / stride
        return [.init(count: size / inner, channels: 1), .init(count: inner, pixels: stride)]
    }
}
