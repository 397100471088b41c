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

/// What to ask a camera for.
public struct CaptureRequest: Equatable, Sendable {
    /// The size below which the model would see an enlarged picture.
    public var needed: FrameSize
    /// Exactly this size.
    public var size: FrameSize?
    /// The fourcc of exactly this format.
    public var format: UInt32?
    /// Frames a second.
    public var rate: Double

    public init(covering needed: FrameSize, size: FrameSize? = nil, format: UInt32? = nil, rate: Double = 30) {
        self.needed = needed
        self.size = size
        self.format = format
        self.rate = rate
    }

    /// How much of the rate asked for another one serves, 0...1. Rates that differ by less than 5 % are the same, as
    /// 30 and 29.97 are; one that the driver does not tell (0) may be any.
    func served(by rate: Double) -> Double { rate == 0 || rate >= 0.95 * self.rate ? 1 : rate / self.rate }
}

/// A pixel format, a size and a rate that a camera can be asked for.
public struct CaptureMode: Equatable, Sendable {
    public let format: rb_pixels_format
    public let size: FrameSize
    /// The most frames a second; 0 where the driver does not tell.
    public let rate: Double

    public init(format: rb_pixels_format, size: FrameSize, rate: Double = 0) {
        self.format = format
        self.size = size
        self.rate = rate
    }

    public var fourcc: UInt32 { rb_pixels_fourcc(Int32(format.rawValue)) }

    /// The rule of choice: a size that covers what the model needs; then the rate asked for, or the nearest to it; then
    /// the smallest such size, or where none covers the largest; at equal size the format that stands first in
    /// `rb_pixels_format`, in which compressed ones come last.
    func isBetter(than other: CaptureMode, for request: CaptureRequest) -> Bool {
        let covers = size.covers(request.needed)
        guard covers == other.size.covers(request.needed) else { return covers }
        let (served, servedByOther) = (request.served(by: rate), request.served(by: other.rate))
        guard served == servedByOther else { return served > servedByOther }
        guard size.area == other.size.area else { return covers == (size.area < other.size.area) }
        return format.rawValue < other.format.rawValue
    }

    /// Whether it takes less of a bus than another, at the same rate: fewer bytes a frame, or compressed.
    func needsLess(than other: CaptureMode) -> Bool {
        let (number, otherNumber) = (Int32(format.rawValue), Int32(other.format.rawValue))
        let isCompressed = rb_pixels_is_compressed(number)
        guard isCompressed == rb_pixels_is_compressed(otherNumber) else { return isCompressed }
        guard !isCompressed else { return size.area < other.size.area }
        // Of the first plane, which is the largest.
        func bytes(_ number: Int32, _ size: FrameSize) -> UInt64 {
            UInt64(rb_pixels_min_stride(number, Int32(clamping: size.width))) * UInt64(size.height)
        }
        return bytes(number, size) < bytes(otherNumber, other.size)
    }

    /// The best mode that an open device offers; with `tooMuch`, of those that need less.
    static func choose<Device: CaptureDevice & ~Copyable>(
        from device: borrowing Device, for request: CaptureRequest, lessThan tooMuch: CaptureMode? = nil
    ) throws(CameraError) -> CaptureMode {
        var best: CaptureMode?
        var offered = FormatList()
        var isAnyUsable = false
        do throws(SystemError) {
            let current = FrameSize(try device.currentFormat())
            try device.forEachFormat { fourcc throws(SystemError) in
                offered.append(fourcc)
                let format = rb_pixels_format_of(fourcc)
                guard format != RB_PIXELS_FORMAT_COUNT else { return }
                isAnyUsable = true
                guard fourcc == request.format ?? fourcc else { return }
                try device.forEachSize(of: fourcc, current: current) { sizes throws(SystemError) in
                    guard let size = sizes.best(for: request, current: current) else { return }
                    let rate = try device.highestRate(of: fourcc, size) ?? 0
                    let mode = CaptureMode(format: format, size: size, rate: rate)
                    if let tooMuch, !mode.needsLess(than: tooMuch) { return }
                    if best == nil || mode.isBetter(than: best!, for: request) { best = mode }
                }
            }
        } catch {
            throw CameraError(error)
        }
        guard isAnyUsable else { throw .noUsableFormat(offered: offered) }
        if best == nil, let tooMuch { throw .noBandwidth(tooMuch) }
        guard let best else { throw .notOffered(format: request.format, size: request.size) }
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

    /// The size to ask for out of these; nil where they hold not the one that is wanted. A range means that the device
    /// scales, with a filter nobody knows; so the size it has now is kept where that covers what is needed, and Pixels
    /// does the scaling.
    func best(for request: CaptureRequest, current: FrameSize) -> FrameSize? {
        if let size = request.size { return contains(size) ? size : nil }
        let isRange = min_width < max_width || min_height < max_height
        let isCurrentPossible =
            (min_width...max(min_width, max_width)).contains(current.width)
            && (min_height...max(min_height, max_height)).contains(current.height)
        if isRange && isCurrentPossible && current.covers(request.needed) { return current }
        return FrameSize(
            width: leastStep(atLeast: request.needed.width, from: min_width, to: max_width, by: step_width),
            height: leastStep(atLeast: request.needed.height, from: min_height, to: max_height, by: step_height))
    }

    private func contains(_ size: FrameSize) -> Bool {
        leastStep(atLeast: size.width, from: min_width, to: max_width, by: step_width) == size.width
            && leastStep(atLeast: size.height, from: min_height, to: max_height, by: step_height) == size.height
    }
}

/// The smallest of least, least + step, ... that reaches a value, or the greatest where none does.
private func leastStep(atLeast value: UInt32, from least: UInt32, to greatest: UInt32, by step: UInt32) -> UInt32 {
    guard value > least, step > 0 else { return least }
    let steps = (UInt64(value - least) + UInt64(step) - 1) / UInt64(step)
    return UInt32(min(UInt64(least) + steps * UInt64(step), UInt64(max(least, greatest))))
}
