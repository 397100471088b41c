import Camera
import Platform
import Text

/// Writes what `listCameras` finds: for people a block of lines a node, else one JSON record a node.
public struct CameraListing<Sink: TextSink & ~Copyable>: CameraVisitor, ~Copyable {
    private let isJSON: Bool
    private var writer: TextWriter<Sink>
    private var nodes = 0
    private var formats = 0
    private var sizes = 0
    private var intervals = 0

    public init(isJSON: Bool, _ writer: consuming TextWriter<Sink>) {
        self.isJSON = isJSON
        self.writer = writer
    }

    /// Ends the last record and gives the sink back.
    public consuming func finish() -> Sink {
        endNode()
        if nodes == 0 && !isJSON {
            writer.write("no video nodes; is a camera connected, and its driver loaded?\n")
        }
        return writer.finish()
    }

    public mutating func visit(node path: UnsafePointer<CChar>) {
        endNode()
        nodes += 1
        formats = 0
        if isJSON {
            writer.beginRecord()
            writer.member("node", CText(path))
        } else {
            writer.write("\(CText(path))\n")
        }
    }

    public mutating func visit(error: CameraError) {
        endFormats()
        if isJSON {
            writer.member("error", error)
        } else {
            writer.write("  \(error)\n")
        }
    }

    public mutating func visit(card capability: borrowing rb_v4l2_capability, at place: borrowing rb_v4l2_place) {
        tell("card", capability.card)
        tell("driver", capability.driver)
        tell("port", capability.bus)
        if place.serial.0 != 0 {
            tell("serial", place.serial)
        }
    }

    public mutating func visit(format fourcc: UInt32, isUsable: Bool) {
        endSizes()
        if isJSON {
            if formats == 0 {
                writer.beginArray("formats")
            }
            writer.beginObject()
            writer.member("format", "\(fourcc: fourcc)")
            writer.member("usable", isUsable)
        } else {
            writer.write("  \(fourcc: fourcc)\(isUsable ? "" : " (not usable)"):")
        }
        formats += 1
    }

    public mutating func visit(sizes range: rb_v4l2_sizes) {
        endIntervals()
        if isJSON {
            if sizes == 0 {
                writer.beginArray("sizes")
            }
            writer.beginObject()
            writer.member("size", range)
        } else {
            writer.write("\(sizes == 0 ? " " : ", ")\(range)")
        }
        sizes += 1
    }

    public mutating func visit(intervals range: rb_v4l2_intervals) {
        let rate: Message = "\(rate: range.highestRate)"
        if isJSON {
            if intervals == 0 {
                writer.beginArray("rates")
            }
            writer.element(rate)
        } else {
            writer.write("\(intervals == 0 ? " at " : "/")\(rate)")
        }
        intervals += 1
    }

    public mutating func visit(chosen mode: CaptureMode) {
        endFormats()
        if isJSON {
            writer.member("chosen", mode)
        } else {
            writer.write("  rarebit run would choose \(mode)\n")
        }
    }

    /// Text of a fixed length that ends in zeros, as C structures hold it.
    private mutating func tell<Text>(_ name: StaticString, _ text: borrowing Text) {
        withUnsafeBytes(of: text) { bytes in
            let end = bytes.firstIndex(of: 0) ?? bytes.count
            let value = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            if isJSON {
                writer.member(name, value)
            } else {
                writer.write("  \(name) \(value)\n")
            }
        }
    }

    // MARK: Ends of lists

    private mutating func endIntervals() {
        if isJSON && sizes > 0 {
            if intervals > 0 {
                writer.endArray()
            }
            writer.endObject()
        }
        intervals = 0
    }

    private mutating func endSizes() {
        endIntervals()
        if formats > 0 {
            if !isJSON {
                writer.write("\n")
            } else {
                if sizes > 0 {
                    writer.endArray()
                }
                writer.endObject()
            }
        }
        sizes = 0
    }

    private mutating func endFormats() {
        endSizes()
        if isJSON && formats > 0 {
            writer.endArray()
        }
        formats = 0
    }

    private mutating func endNode() {
        endFormats()
        if isJSON && nodes > 0 {
            writer.endRecord()
        }
    }
}

/// "640x480", "32x32...4096x4096"
extension rb_v4l2_sizes: TextConvertible {
    public var text: Message {
        let isRange = max_width > min_width || max_height > min_height
        return isRange
            ? "\(min_width)x\(min_height)...\(max_width)x\(max_height)" : "\(min_width)x\(min_height)"
    }
}
