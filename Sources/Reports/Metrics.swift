import Camera
import ModelFormat
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
    /// Prometheus's text format, version 0.0.4. `source`: the camera or recording. `prior`: nil where nothing is estimated.
    public mutating func write(
        metricsOf totals: RunTotals, _ times: RunTimes, _ board: BoardConditions, model path: CText, source: CText,
        of model: Model, prior: PriorReport? = nil
    ) {
        write(metric: "rarebit_info", "gauge", "What runs: always 1.")
        write("rarebit_info{model=")
        write(quoted: path)
        write(",source=")
        write(quoted: source)
        write("} 1\n")
        write(counter: "rarebit_frames_total", "Frames answered.", totals.answered)
        write(
            counter: "rarebit_frames_dropped_total",
            "Frames not answered: a newer one was there, the driver had no buffer for them, or they were stale.",
            totals.counters.superseded + totals.counters.dropped + totals.counters.stale)
        if let kept = totals.kept {
            write(counter: "rarebit_kept_frames_total", "Frames kept for labelling.", kept.kept)
            write(
                counter: "rarebit_kept_frames_passed_over_total",
                "Frames worth keeping that were not: others were still being written.", kept.passedOver)
        }
        write(counter: "rarebit_recoveries_total", "Faults that are over.", totals.counters.recoveries)
        write(metric: "rarebit_errors_total", "counter", "Faults, by kind.")
        for number in 0..<FaultKind.count {
            let kind = FaultKind(rawValue: UInt8(number))!
            write("rarebit_errors_total{kind=\"\(kind.name)\"} \(totals.counters[kind])\n")
        }
        write(metric: "rarebit_frame_age_seconds", "histogram", "From the driver's time stamp to the answer.")
        write(times.age, of: "rarebit_frame_age_seconds", stage: nil)
        write(metric: "rarebit_stage_seconds", "histogram", "Time of each stage of a frame.")
        for number in 0..<Stage.count {
            let stage = Stage(rawValue: number)!
            write(times[stage], of: "rarebit_stage_seconds", stage: stage)
        }
        writeAnswers(totals, of: model)
        if let prior { write(metricsOf: prior) }
        write(board)
    }

    private mutating func write(_ board: BoardConditions) {
        if let millidegrees = board.millidegrees {
            write(metric: "rarebit_temperature_celsius", "gauge", "Of the board's hottest thermal zone.")
            write("rarebit_temperature_celsius \(Double(millidegrees) / 1000, decimals: 3)\n")
        }
        if let isThrottled = board.isThrottled {
            write(metric: "rarebit_throttled", "gauge", "1 where the board is made slower, for heat or want of power.")
            write("rarebit_throttled \(isThrottled ? 1 : 0)\n")
        }
    }

    mutating func write(metric name: StaticString, _ type: StaticString, _ help: StaticString) {
        write("# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
    }

    mutating func write(counter name: StaticString, _ help: StaticString, _ value: UInt64) {
        write(metric: name, "counter", help)
        write("\(name) \(value)\n")
    }

    private mutating func write(_ histogram: Histogram, of name: StaticString, stage: Stage?) {
        let label: Message = stage.map { "stage=\"\($0.name)\"" } ?? ""
        for bucket in 0..<Histogram.bucketCount {
            let bound: Message = Histogram.bound(bucket).map { "\(Double($0) / 1e9, decimals: 4)" } ?? "+Inf"
            write(
                """
                \(name)_bucket{\(label)\(stage == nil ? "" : ",")le="\(bound)"} \(histogram.cumulative(bucket))

                """)
        }
        let labels: Message = stage == nil ? "" : "{\(label)}"
        let (seconds, nanoseconds) = histogram.sum.quotientAndRemainder(dividingBy: 1_000_000_000)
        write(
            """
            \(name)_sum\(labels) \(seconds).\(nanoseconds, digits: 9)
            \(name)_count\(labels) \(histogram.count)

            """)
    }
}
