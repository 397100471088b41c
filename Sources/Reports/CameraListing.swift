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
            writer.append("no video nodes; is a camera connected, and its driver loaded?\n")
        }
        return writer.finish()
    }

    public mutating func visit(node path: UnsafePointer<CChar>) {
        endNode()
        nodes += 1
        formats = 0
        writer.append(isJSON ? "{\"node\":\"" : "")
        writer.append(cString: path)
        writer.append(isJSON ? "\"" : "\n")
    }

    public mutating func visit(error: CameraError) {
        endFormats()
        writer.append(isJSON ? ",\"error\":\"" : "  ")
        writer.append(error)
        writer.append(isJSON ? "\"" : "\n")
    }

    public mutating func visit(card capability: borrowing rb_v4l2_capability, at place: borrowing rb_v4l2_place) {
        member("card", capability.card)
        member("driver", capability.driver)
        member("port", capability.bus)
        if place.serial.0 != 0 {
            member("serial", place.serial)
        }
    }

    public mutating func visit(format fourcc: UInt32, isUsable: Bool) {
        endSizes()
        if isJSON {
            writer.append(formats == 0 ? ",\"formats\":[" : ",")
            writer.append("{\"format\":\"")
            writer.append(fourcc: fourcc)
            writer.append(isUsable ? "\",\"usable\":true" : "\",\"usable\":false")
        } else {
            writer.append("  ")
            writer.append(fourcc: fourcc)
            writer.append(isUsable ? ":" : " (not usable):")
        }
        formats += 1
    }

    public mutating func visit(sizes range: rb_v4l2_sizes) {
        endIntervals()
        if isJSON {
            writer.append(sizes == 0 ? ",\"sizes\":[{\"size\":\"" : ",{\"size\":\"")
        } else {
            writer.append(sizes == 0 ? " " : ", ")
        }
        writer.append(range.min_width)
        writer.append("x")
        writer.append(range.min_height)
        if range.max_width > range.min_width || range.max_height > range.min_height {
            writer.append("...")
            writer.append(range.max_width)
            writer.append("x")
            writer.append(range.max_height)
        }
        writer.append(isJSON ? "\"" : "")
        sizes += 1
    }

    public mutating func visit(intervals range: rb_v4l2_intervals) {
        if isJSON {
            writer.append(intervals == 0 ? ",\"rates\":[" : ",")
        } else {
            writer.append(intervals == 0 ? " at " : "/")
        }
        let rate = range.highestRate
        writer.append(rate, decimals: rate == rate.rounded() ? 0 : 2)
        intervals += 1
    }

    public mutating func visit(chosen mode: CaptureMode) {
        endFormats()
        writer.append(isJSON ? ",\"chosen\":\"" : "  rarebit run would choose ")
        writer.append(mode)
        writer.append(isJSON ? "\"" : "\n")
    }

    // MARK: Ends of lists

    private mutating func endIntervals() {
        if isJSON && sizes > 0 {
            writer.append(intervals > 0 ? "]}" : "}")
        }
        intervals = 0
    }

    private mutating func endSizes() {
        endIntervals()
        if formats > 0 {
            if isJSON {
                writer.append(sizes > 0 ? "]}" : "}")
            } else {
                writer.append("\n")
            }
        }
        sizes = 0
    }

    private mutating func endFormats() {
        endSizes()
        if isJSON && formats > 0 {
            writer.append("]")
        }
        formats = 0
    }

    private mutating func endNode() {
        endFormats()
        if isJSON && nodes > 0 {
            writer.append("}\n")
        }
    }

    private mutating func member<Text>(_ name: StaticString, _ text: borrowing Text) {
        withUnsafeBytes(of: text) { bytes in
            let end = bytes.firstIndex(of: 0) ?? bytes.count
            let value = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            if isJSON {
                writer.append(",\"")
                writer.append(name)
                writer.append("\":")
                writer.append(jsonString: value)
            } else {
                writer.append("  ")
                writer.append(name)
                writer.append(" ")
                writer.append(bytes: value)
                writer.append("\n")
            }
        }
    }
}
