import Pixels
import Platform

/// Frames of one geometry that lie one behind the other in memory given by the caller, over and over.
public struct FrameLoop: FrameSource, ~Copyable {
    public let geometry: FrameGeometry
    public let generation: UInt32 = 1
    public let mode: CaptureMode? = nil
    public let status = SourceStatus.streaming
    public private(set) var counters = CaptureCounters()
    public let lastRecovery: Recovery? = nil
    public let failure: SourceFailure? = nil
    private let memory: UnsafeRawBufferPointer
    private let frameBytes: Int
    private var offset = 0

    /// `memory`: whole frames of `frameBytes` bytes, kept as long as the source. nil where there is not one, or so many
    /// bytes do not hold a picture.
    public init?(of geometry: FrameGeometry, in memory: UnsafeRawBufferPointer, frameBytes: Int) {
        guard frameBytes > 0, memory.count >= frameBytes, memory.count % frameBytes == 0,
            Self.picture(of: geometry, at: memory.baseAddress!, bytes: frameBytes) != nil
        else { return nil }
        self.geometry = geometry
        self.memory = memory
        self.frameBytes = frameBytes
    }

    private static func picture(of geometry: FrameGeometry, at data: UnsafeRawPointer, bytes: Int) -> Picture? {
        var memories = InlineArray<3, rb_pixels_memory>(repeating: rb_pixels_memory())
        memories[0] = rb_pixels_memory(
            data: data.assumingMemoryBound(to: UInt8.self), bytes_used: bytes, data_offset: 0, stride: geometry.stride)
        return Picture(of: geometry, in: memories, count: 1)
    }

    /// Frames follow each other without waiting.
    public mutating func next(deadline: UInt64) -> Delivery {
        guard !rb_stop_requested(),
            let picture = Self.picture(of: geometry, at: memory.baseAddress! + offset, bytes: frameBytes)
        else { return .ended }
        offset = (offset + frameBytes) % memory.count
        let sequence = UInt32(truncatingIfNeeded: counters.delivered)
        counters.delivered += 1
        return .frame(Frame(picture: picture, sequence: sequence, timestamp: rb_clock_ns(), buffer: 0, stream: 0))
    }

    public mutating func release(_ frame: consuming Frame) {}

    public mutating func reportUndecodable() { counters[.undecodableFrame] += 1 }

    public mutating func stop() {}
}
