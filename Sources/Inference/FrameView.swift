import ModelFormat
import Pixels

/// A part of a picture, in pixels.
public struct PixelRectangle: Equatable, Sendable {
    public var left: Int
    public var top: Int
    public var width: Int
    public var height: Int

    public init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }

    /// Whether it is a part, not empty, of a picture of a size.
    func isInside(width whole: Int, height wholeHeight: Int) -> Bool {
        left >= 0 && top >= 0 && width > 0 && height > 0 && width <= whole && height <= wholeHeight
            && left <= whole - width && top <= wholeHeight - height
    }
}

/// A part of a picture in fractions of its sides, 0...1.
public struct Fractions: Equatable, Sendable {
    public let left: Double
    public let top: Double
    public let width: Double
    public let height: Double

    /// nil where it is empty, or not inside the picture.
    public init?(left: Double, top: Double, width: Double, height: Double) {
        // Sums of decimal fractions may miss 1 by a rounding.
        let limit = 1 + 1e-9
        guard left >= 0, top >= 0, width > 0, height > 0, left + width <= limit, top + height <= limit else {
            return nil
        }
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }

    /// The pixels, at least one: edges are rounded to whole pixels.
    fileprivate func rectangle(ofWidth whole: Int, height wholeHeight: Int) -> PixelRectangle {
        func part(from begin: Double, _ length: Double, of whole: Int) -> (begin: Int, length: Int) {
            let first = min(Int((begin * Double(whole)).rounded()), whole - 1)
            let end = min(Int(((begin + length) * Double(whole)).rounded()), whole)
            return (first, max(end - first, 1))
        }
        let (horizontal, vertical) = (part(from: left, width, of: whole), part(from: top, height, of: wholeHeight))
        return PixelRectangle(
            left: horizontal.begin, top: vertical.begin, width: horizontal.length, height: vertical.length)
    }
}

/// Which values of 16-bit brightness are black and white to a model. Other formats have their own.
public enum BrightnessRange: Equatable, Sendable {
    /// 0 and 65535.
    case whole
    case fixed(low: UInt16, high: UInt16)
    /// The darkest and the brightest of each frame, but for a thousandth of the pixels on either side.
    case automatic

    public var levels: rb_pixels_levels {
        switch self {
        case .whole: rb_pixels_levels(kind: RB_PIXELS_LEVELS_WHOLE, low: 0, high: 0)
        case .fixed(let low, let high): rb_pixels_levels(kind: RB_PIXELS_LEVELS_FIXED, low: low, high: high)
        case .automatic: rb_pixels_levels(kind: RB_PIXELS_LEVELS_AUTOMATIC, low: 0, high: 0)
        }
    }
}

/// Where in a frame a model's input comes from, in fractions of the frame's sides; with padding it goes beyond them.
public struct InputPlace: Equatable, Sendable {
    public let left: Double
    public let top: Double
    public let width: Double
    public let height: Double
    /// What is done to that part before the model sees it: it is turned clockwise, 0...3, then flipped.
    public let quarterTurns: Int
    public let isFlippedHorizontally: Bool
    public let isFlippedVertically: Bool
}

/// What of every frame a model is shown: a crop of the frame, rotated, then flipped, then a region of the result. Of
/// that the model sees what its input description says.
public struct FrameView: Equatable, Sendable {
    /// nil: the whole frame.
    public var crop: PixelRectangle?
    /// Clockwise, 0...3.
    public var quarterTurns = 0
    /// Left and right are exchanged.
    public var isFlippedHorizontally = false
    /// Top and bottom are exchanged.
    public var isFlippedVertically = false
    /// nil: everything.
    public var region: Fractions?
    /// Of frames of the format Y16.
    public var brightness = BrightnessRange.whole

    public init() {}

    /// Whether the crop is a part of frames of a size.
    public func isInside(width: Int, height: Int) -> Bool {
        crop?.isInside(width: width, height: height) ?? true
    }

    /// The size of frames of which at least `width` x `height` pixels are shown, so that a model of that input sees nothing
    /// enlarged. With a crop, whose pixels are given: the smallest frame that has them.
    public func neededFrame(width: Int, height: Int) -> (width: Int, height: Int) {
        if let crop { return (crop.left + crop.width, crop.top + crop.height) }
        func whole(_ part: Int, _ fraction: Double) -> Int {
            Int(min((Double(part) / fraction).rounded(.up), Double(RB_PIXELS_MAX_SIDE)))
        }
        let (across, down) = (whole(width, region?.width ?? 1), whole(height, region?.height ?? 1))
        return isOnItsSide ? (down, across) : (across, down)
    }

    /// Where in a frame of a size the model's input comes from; nil where it can come from none.
    public func place(width: Int, height: Int, input: InputRecord) -> InputPlace? {
        guard let view = pixels(width: width, height: height, input: input) else { return nil }
        let (across, down) = (
            Double(view.width) / Double(view.resized_width), Double(view.height) / Double(view.resized_height)
        )
        return InputPlace(
            left: (Double(view.left) + Double(view.crop_left - view.pad_left) * across) / Double(width),
            top: (Double(view.top) + Double(view.crop_top - view.pad_top) * down) / Double(height),
            width: Double(view.output_width + view.pad_left + view.pad_right) * across / Double(width),
            height: Double(view.output_height + view.pad_top + view.pad_bottom) * down / Double(height),
            quarterTurns: quarterTurns, isFlippedHorizontally: isFlippedHorizontally,
            isFlippedVertically: isFlippedVertically)
    }

    /// What Pixels does for it; nil where the crop is not inside the frame, or a side is out of range.
    func pixels(width: Int, height: Int, input: InputRecord) -> rb_pixels_view? {
        let sides = 1...Int(RB_PIXELS_MAX_SIDE)
        guard sides.contains(width), sides.contains(height), isInside(width: width, height: height) else { return nil }
        let crop = self.crop ?? PixelRectangle(left: 0, top: 0, width: width, height: height)
        let (turnedWidth, turnedHeight) = isOnItsSide ? (crop.height, crop.width) : (crop.width, crop.height)
        let region =
            self.region?.rectangle(ofWidth: turnedWidth, height: turnedHeight)
            ?? PixelRectangle(left: 0, top: 0, width: turnedWidth, height: turnedHeight)
        let model = rb_pixels_model_view(
            Int32(region.width), Int32(region.height), rb_pixels_fit(rawValue: input.resizeMode),
            Int32(input.resizeSide), Int32(input.tensor.width), Int32(input.tensor.height))
        let seen = turnedBack(
            PixelRectangle(
                left: region.left + Int(model.left), top: region.top + Int(model.top), width: Int(model.width),
                height: Int(model.height)),
            width: turnedWidth, height: turnedHeight)
        let window = turnedBack(
            PixelRectangle(
                left: Int(model.crop_left), top: Int(model.crop_top), width: Int(model.output_width),
                height: Int(model.output_height)),
            width: Int(model.resized_width), height: Int(model.resized_height))
        // The padding, by where it leaves room for the window.
        let (outputWidth, outputHeight) = (Int(input.tensor.width), Int(input.tensor.height))
        let place = turnedBack(
            PixelRectangle(
                left: Int(model.pad_left), top: Int(model.pad_top), width: Int(model.output_width),
                height: Int(model.output_height)),
            width: outputWidth, height: outputHeight)
        let (canvasWidth, canvasHeight) = isOnItsSide ? (outputHeight, outputWidth) : (outputWidth, outputHeight)
        return rb_pixels_view(
            left: Int32(crop.left + seen.left), top: Int32(crop.top + seen.top), width: Int32(seen.width),
            height: Int32(seen.height), resized_width: isOnItsSide ? model.resized_height : model.resized_width,
            resized_height: isOnItsSide ? model.resized_width : model.resized_height, crop_left: Int32(window.left),
            crop_top: Int32(window.top), output_width: Int32(window.width), output_height: Int32(window.height),
            pad_left: Int32(place.left), pad_top: Int32(place.top),
            pad_right: Int32(canvasWidth - place.left - place.width),
            pad_bottom: Int32(canvasHeight - place.top - place.height),
            quarter_turns: Int32(turns), is_mirrored: isMirrored)
    }

    /// To exchange top and bottom is half a turn, then to exchange left and right.
    private var turns: Int { (quarterTurns + (isFlippedVertically ? 2 : 0)) % 4 }
    private var isMirrored: Bool { isFlippedHorizontally != isFlippedVertically }
    private var isOnItsSide: Bool { quarterTurns % 2 == 1 }

    /// Where a part of the turned picture, which has the given size, stands before it is turned.
    private func turnedBack(_ part: PixelRectangle, width: Int, height: Int) -> PixelRectangle {
        let left = isMirrored ? width - part.left - part.width : part.left
        let (right, bottom) = (width - left - part.width, height - part.top - part.height)
        return switch turns {
        case 0: PixelRectangle(left: left, top: part.top, width: part.width, height: part.height)
        case 1: PixelRectangle(left: part.top, top: right, width: part.height, height: part.width)
        case 2: PixelRectangle(left: right, top: bottom, width: part.width, height: part.height)
        default: PixelRectangle(left: bottom, top: left, width: part.height, height: part.width)
        }
    }
}
