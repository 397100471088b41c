import Pixels
import Platform

/// A size in pixels.
public struct FrameSize: Equatable, Sendable {
    public var width: UInt32
    public var height: UInt32

    public init(width: UInt32, height: UInt32) {
        self.width = width
        self.height = height
    }

    /// Whether nothing needs to be enlarged to fill `other`.
    func covers(_ other: FrameSize) -> Bool { width >= other.width && height >= other.height }

    var area: UInt64 { UInt64(width) * UInt64(height) }
}

/// A pixel format and a size that a camera can be asked for.
public struct CaptureMode: Equatable, Sendable {
    public let format: rb_pixels_format
    public let size: FrameSize

    public var fourcc: UInt32 { rb_pixels_fourcc(Int32(format.rawValue)) }

    /// The rule of choice: a size that covers what the model needs; the smallest such, or where there is none the
    /// largest; at equal size the format that stands first in `rb_pixels_format`.
    func isBetter(than other: CaptureMode, covering needed: FrameSize) -> Bool {
        let covers = size.covers(needed)
        guard covers == other.size.covers(needed) else { return covers }
        guard size.area == other.size.area else { return covers == (size.area < other.size.area) }
        return format.rawValue < other.format.rawValue
    }

    /// The best mode that an open device offers.
    static func choose<Device: CaptureDevice & ~Copyable>(
        from device: borrowing Device, covering needed: FrameSize
    ) throws(CameraError) -> CaptureMode {
        var best: CaptureMode?
        var offered = FormatList()
        do throws(SystemError) {
            let current = FrameSize(try device.currentFormat())
            try device.forEachFormat { fourcc throws(SystemError) in
                offered.append(fourcc)
                let format = rb_pixels_format_of(fourcc)
                guard format != RB_PIXELS_FORMAT_COUNT else { return }
                try device.forEachSize(of: fourcc, current: current) { sizes in
                    let size = sizes.best(covering: needed, current: current)
                    let mode = CaptureMode(format: format, size: size)
                    if best == nil || mode.isBetter(than: best!, covering: needed) { best = mode }
                }
            }
        } catch {
            throw CameraError(error)
        }
        guard let best else { throw .noUsableFormat(offered: offered) }
        return best
    }
}

extension FrameSize {
    init(_ format: rb_v4l2_format) { self.init(width: format.width, height: format.height) }
}

extension rb_v4l2_sizes {
    init(only size: FrameSize) {
        self.init(
            min_width: size.width, max_width: size.width, step_width: 1,
            min_height: size.height, max_height: size.height, step_height: 1)
    }

    /// The size to ask for out of these. A range means that the device scales, with a filter nobody knows; so the size
    /// it has now is kept where that covers what is needed, and Pixels does the scaling.
    func best(covering needed: FrameSize, current: FrameSize) -> FrameSize {
        let isRange = min_width < max_width || min_height < max_height
        let isCurrentPossible =
            (min_width...max(min_width, max_width)).contains(current.width)
            && (min_height...max(min_height, max_height)).contains(current.height)
        if isRange && isCurrentPossible && current.covers(needed) { return current }
        return FrameSize(
            width: leastStep(atLeast: needed.width, from: min_width, to: max_width, by: step_width),
            height: leastStep(atLeast: needed.height, from: min_height, to: max_height, by: step_height))
    }
}

/// The smallest of least, least + step, ... that reaches a value, or the greatest where none does.
private func leastStep(atLeast value: UInt32, from least: UInt32, to greatest: UInt32, by step: UInt32) -> UInt32 {
    guard value > least, step > 0 else { return least }
    let steps = (UInt64(value - least) + UInt64(step) - 1) / UInt64(step)
    return UInt32(min(UInt64(least) + steps * UInt64(step), UInt64(max(least, greatest))))
}
