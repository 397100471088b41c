import Camera
import Inference
import Platform
import Text

/// What is told of a kept frame besides its answer.
public struct KeptFrame {
    public var reasons: KeepReasons
    /// When it was taken, seconds since 1970.
    public var timeOfDay: Int64
    public var geometry: FrameGeometry
    /// Where in it the model's input came from.
    public var place: InputPlace?
    public var model: CText
    public var source: CText

    public init(
        reasons: KeepReasons, timeOfDay: Int64, geometry: FrameGeometry, place: InputPlace?, model: CText, source: CText
    ) {
        (self.reasons, self.timeOfDay, self.geometry, self.place) = (reasons, timeOfDay, geometry, place)
        (self.model, self.source) = (model, source)
    }
}

extension TextWriter where Sink: ~Copyable {
    /// One JSON line: the record that stands beside the picture.
    public mutating func writeRecord(
        of kept: KeptFrame, _ frame: FrameRecord, _ answer: Answer, smoothed: Bool
    ) {
        let utc = rb_utc_of(kept.timeOfDay)
        func digits(_ number: Int32, _ count: Int) -> Message { "\(UInt64(number), digits: count)" }
        record { writer in
            writer.member(
                "time",
                """
                \(digits(utc.year, 4))-\(digits(utc.month, 2))-\(digits(utc.day, 2))T\(digits(utc.hour, 2)):\
                \(digits(utc.minute, 2)):\(digits(utc.second, 2))Z
                """)
            writer.array("reasons") { writer in
                for number in 0..<KeepReasons.Reason.count {
                    let reason = KeepReasons.Reason(rawValue: UInt8(number))!
                    if kept.reasons.contains(reason) { writer.element("\"\(reason.name)\"") }
                }
            }
            writer.member("model", kept.model)
            writer.member("source", kept.source)
            writer.member("frame", frame.number)
            writer.member("sequence", frame.sequence)
            if let image = frame.image { writer.member("image", image) }
            writer.member("width", kept.geometry.width)
            writer.member("height", kept.geometry.height)
            if let place = kept.place { writer.members(of: place) }
            writer.members(of: answer, smoothed: smoothed)
        }
    }

    /// Where in a frame the model's input comes from.
    mutating func members(of place: InputPlace) {
        array("view") {
            $0.element("\(place.left, decimals: 4)")
            $0.element("\(place.top, decimals: 4)")
            $0.element("\(place.width, decimals: 4)")
            $0.element("\(place.height, decimals: 4)")
        }
        member("quarter_turns", place.quarterTurns)
        array("flips") {
            $0.element(place.isFlippedHorizontally ? "true" : "false")
            $0.element(place.isFlippedVertically ? "true" : "false")
        }
    }
}
