import Pixels
import Platform
import Text

/// What is told about the video nodes of a machine, in this order: a node, then either what is wrong with it or its
/// card; then its formats, each followed by its sizes, each followed by its rates; then the mode that would be chosen.
public protocol CameraVisitor: ~Copyable {
    /// `path` ends in zero and is valid only during the call, as are the capability's strings.
    mutating func visit(node path: UnsafePointer<CChar>)
    mutating func visit(error: CameraError)
    mutating func visit(card: borrowing rb_v4l2_capability, at place: borrowing rb_v4l2_place)
    /// `isUsable`: Pixels converts it.
    mutating func visit(format fourcc: UInt32, isUsable: Bool)
    mutating func visit(sizes: rb_v4l2_sizes)
    /// For a range of sizes, the rates of the smallest.
    mutating func visit(intervals: rb_v4l2_intervals)
    mutating func visit(chosen mode: CaptureMode)
}

/// Shows every /dev/videoN to a visitor. The mode is chosen for a request.
public func listCameras<Visitor: CameraVisitor & ~Copyable>(for request: CaptureRequest, _ visitor: inout Visitor) {
    var number = rb_v4l2_next_node(0)
    var path = InlineArray<16, CChar>(repeating: 0)
    while number >= 0 {
        var span = path.mutableSpan
        span.withUnsafeMutableBufferPointer { path in
            rb_v4l2_node_path(number, path.baseAddress!)
            visitor.visit(node: path.baseAddress!)
            var device = V4L2Device(.node(CText(path.baseAddress!)))
            describe(&device, for: request, to: &visitor)
        }
        number = rb_v4l2_next_node(number + 1)
    }
}

/// Opens a device, shows what it offers and closes it.
public func describe<Device: CaptureDevice & ~Copyable, Visitor: CameraVisitor & ~Copyable>(
    _ device: inout Device, for request: CaptureRequest, to visitor: inout Visitor
) {
    do throws(CameraError) {
        let capability = try openedCapability(of: &device)
        visitor.visit(card: capability, at: device.place())
        if let kind = NodeKind(capabilities: capability.capabilities) { throw .notACamera(kind) }
        try describeOffers(of: device, to: &visitor)
        visitor.visit(chosen: try CaptureMode.choose(from: device, for: request))
    } catch {
        visitor.visit(error: error)
    }
    device.close()
}

private func openedCapability<Device: CaptureDevice & ~Copyable>(
    of device: inout Device
) throws(CameraError) -> rb_v4l2_capability {
    do throws(SystemError) {
        try device.open()
        return try device.capability()
    } catch {
        throw CameraError(error)
    }
}

private func describeOffers<Device: CaptureDevice & ~Copyable, Visitor: CameraVisitor & ~Copyable>(
    of device: borrowing Device, to visitor: inout Visitor
) throws(CameraError) {
    do throws(SystemError) {
        let current = FrameSize(try device.currentFormat())
        try device.forEachFormat { fourcc throws(SystemError) in
            visitor.visit(format: fourcc, isUsable: rb_pixels_format_of(fourcc) != RB_PIXELS_FORMAT_COUNT)
            try device.forEachSize(of: fourcc, current: current) { sizes throws(SystemError) in
                visitor.visit(sizes: sizes)
                let smallest = FrameSize(width: sizes.min_width, height: sizes.min_height)
                try device.forEachInterval(of: fourcc, smallest) { visitor.visit(intervals: $0) }
            }
        }
    } catch {
        throw CameraError(error)
    }
}
