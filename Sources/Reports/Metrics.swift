import Camera
import Platform
import Text

/// What a frame goes through, from the camera to the reader of the answer.
public enum Stage: Int, Sendable {
    /// From the driver's time stamp until the program has the frame.
    case capture
    /// Crop, resize and quantise.
    case convert
    /// The network and the head.
    case infer
    /// Writing the record.
    case report

    public static var count: Int { 4 }

    var name: StaticString {
        switch self {
        case .capture: "capture"
        case .convert: "convert"
        case .infer: "infer"
        case .report: "report"
        }
    }
}

/// Durations of a run, as metrics show them.
public struct RunTimes {
    private var stages = InlineArray<4, Histogram>(repeating: Histogram())  // Stage.count
    /// From the driver's time stamp to the answer.
    public private(set) var age = Histogram()

    public init() {}

    public mutating func add(_ nanoseconds: UInt64, to stage: Stage) { stages[stage.rawValue].add(nanoseconds) }
    public mutating func addAge(_ nanoseconds: UInt64) { age.add(nanoseconds) }

    public subscript(stage: Stage) -> Histogram { stages[stage.rawValue] }
}

/// What the board tells about its heat.
public struct BoardConditions {
    /// Of the hottest thermal zone, thousandths of a degree Celsius; nil where the board does not tell.
    public var millidegrees: Int32?
    /// Whether it is made slower just now, for heat or for want of power; nil where the board does not tell.
    public var isThrottled: Bool?
    private var lastThrottles: Int32?

    public init() {}

    /// Takes in a new reading.
    public mutating func update(_ conditions: rb_conditions) {
        millidegrees = conditions.millidegrees == RB_NOT_TOLD ? nil : conditions.millidegrees
        if conditions.pi_throttling != RB_NOT_TOLD {
            // Bits 0...3: voltage too low, clock capped, throttled, near the limit of temperature; higher ones: once.
            isThrottled = conditions.pi_throttling & 0xF != 0
        } else if conditions.throttles != RB_NOT_TOLD {
            isThrottled = lastThrottles.map { conditions.throttles > $0 } ?? false
            lastThrottles = conditions.throttles
        } else {
            isThrottled = nil
        }
    }
}

extension TextWriter where Sink: ~Copyable {
    /// Prometheus's text format, version 0.0.4. `source`: the camera or recording.
    public mutating func append(
        metricsOf totals: RunTotals, _ times: RunTimes, _ board: BoardConditions, model: UnsafePointer<CChar>,
        source: UnsafePointer<CChar>
    ) {
        append(metric: "rarebit_info", "gauge", "What runs: always 1.")
        append("rarebit_info{model=")
        append(label: model)
        append(",source=")
        append(label: source)
        append("} 1\n")
        append(counter: "rarebit_frames_total", "Frames answered.", totals.answered)
        append(
            counter: "rarebit_frames_dropped_total",
            "Frames not answered: a newer one was there, the driver had no buffer for them, or they were stale.",
            totals.counters.superseded + totals.counters.dropped + totals.counters.stale)
        append(counter: "rarebit_recoveries_total", "Faults that are over.", totals.counters.recoveries)
        append(metric: "rarebit_errors_total", "counter", "Faults, by kind.")
        for number in 0..<FaultKind.count {
            let kind = FaultKind(rawValue: UInt8(number))!
            append("rarebit_errors_total{kind=\"")
            append(kind.name)
            append("\"} ")
            append(totals.counters[kind])
            append("\n")
        }
        append(metric: "rarebit_frame_age_seconds", "histogram", "From the driver's time stamp to the answer.")
        append(times.age, of: "rarebit_frame_age_seconds", stage: nil)
        append(metric: "rarebit_stage_seconds", "histogram", "Time of each stage of a frame.")
        for number in 0..<Stage.count {
            let stage = Stage(rawValue: number)!
            append(times[stage], of: "rarebit_stage_seconds", stage: stage)
        }
        append(board)
    }

    private mutating func append(_ board: BoardConditions) {
        if let millidegrees = board.millidegrees {
            append(metric: "rarebit_temperature_celsius", "gauge", "Of the board's hottest thermal zone.")
            append("rarebit_temperature_celsius ")
            append(Double(millidegrees) / 1000, decimals: 3)
            append("\n")
        }
        if let isThrottled = board.isThrottled {
            append(metric: "rarebit_throttled", "gauge", "1 where the board is made slower, for heat or want of power.")
            append("rarebit_throttled ")
            append(isThrottled ? "1\n" : "0\n")
        }
    }

    private mutating func append(metric name: StaticString, _ type: StaticString, _ help: StaticString) {
        append("# HELP ")
        append(name)
        append(" ")
        append(help)
        append("\n# TYPE ")
        append(name)
        append(" ")
        append(type)
        append("\n")
    }

    private mutating func append(counter name: StaticString, _ help: StaticString, _ value: UInt64) {
        append(metric: name, "counter", help)
        append(name)
        append(" ")
        append(value)
        append("\n")
    }

    private mutating func append(_ histogram: Histogram, of name: StaticString, stage: Stage?) {
        for bucket in 0..<Histogram.bucketCount {
            append(name)
            append("_bucket{")
            if let stage {
                append("stage=\"")
                append(stage.name)
                append("\",")
            }
            append("le=\"")
            if let bound = Histogram.bound(bucket) {
                append(Double(bound) / 1e9, decimals: 4)
            } else {
                append("+Inf")
            }
            append("\"} ")
            append(histogram.cumulative(bucket))
            append("\n")
        }
        append(part: "_sum", of: name, stage)
        append(histogram.sum / 1_000_000_000)
        append(".")
        append(digitsOf: histogram.sum % 1_000_000_000, minimum: 9)
        append("\n")
        append(part: "_count", of: name, stage)
        append(histogram.count)
        append("\n")
    }

    private mutating func append(part: StaticString, of name: StaticString, _ stage: Stage?) {
        append(name)
        append(part)
        if let stage {
            append("{stage=\"")
            append(stage.name)
            append("\"}")
        }
        append(" ")
    }

    /// A label's value, quoted and escaped.
    private mutating func append(label text: UnsafePointer<CChar>) {
        append("\"")
        var next = text
        while next.pointee != 0 {
            switch UInt8(bitPattern: next.pointee) {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\n"): append("\\n")
            case let byte: append(byte: byte)
            }
            next += 1
        }
        append("\"")
    }
}
