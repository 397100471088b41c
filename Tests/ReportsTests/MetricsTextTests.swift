import Camera
import ModelFormat
import Platform
import Reports
import Testing
import Text
import TinyModel

@Suite struct MetricsText {
    private func lines(_ times: RunTimes = RunTimes(), _ board: BoardConditions = BoardConditions()) -> [String] {
        var writer = TextWriter(MemorySink())
        let file = TinyModel.file
        guard let network = try? Model(verifying: file.readOnly) else { return [] }
        "model".withCString { model in
            "a\\b\"c\nd".withCString { source in
                writer.write(
                    metricsOf: RunTotals(), times, board, model: CText(model), source: CText(source), of: network)
            }
        }
        return writer.finish().text.split(separator: "\n").map(String.init)
    }

    @Test func bucketsHoldDurationsUpToTheirBound() {
        var times = RunTimes()
        for nanoseconds: UInt64 in [0, 100_000, 100_001, 1_000_000_000, 1_000_000_001] {
            times.add(nanoseconds, to: .infer)
        }
        let found = lines(times).filter { $0.hasPrefix("rarebit_stage_seconds") && $0.contains("infer") }
        let bounds = [
            "0.0001", "0.0002", "0.0005", "0.0010", "0.0020", "0.0050", "0.0100", "0.0200", "0.0500", "0.1000",
            "0.2000",
            "0.5000", "1.0000", "+Inf",
        ]
        let counts = [2] + [Int](repeating: 3, count: 11) + [4, 5]
        let buckets = zip(bounds, counts).map {
            "rarebit_stage_seconds_bucket{stage=\"infer\",le=\"\($0)\"} \($1)"
        }
        let rest = [
            "rarebit_stage_seconds_sum{stage=\"infer\"} 2.000200002", "rarebit_stage_seconds_count{stage=\"infer\"} 5",
        ]
        #expect(found == buckets + rest)
    }

    @Test func labelsAreEscaped() {
        #expect(lines().contains(#"rarebit_info{model="model",source="a\\b\"c\nd"} 1"#))
    }

    @Test func aBoardThatTellsNothingHasNoTemperature() {
        var board = BoardConditions()
        var told = rb_conditions()
        (told.millidegrees, told.throttles, told.pi_throttling) = (RB_NOT_TOLD, RB_NOT_TOLD, RB_NOT_TOLD)
        board.update(told)
        #expect(!lines(RunTimes(), board).contains { $0.contains("temperature") || $0.contains("throttled") })
    }

    @Test func aRaspberryPiIsThrottledWhileItsLowBitsSay() {
        var board = BoardConditions()
        var told = rb_conditions()
        (told.millidegrees, told.throttles, told.pi_throttling) = (81_250, RB_NOT_TOLD, 0x4)
        board.update(told)
        let hot = lines(RunTimes(), board)
        #expect(hot.contains("rarebit_temperature_celsius 81.250") && hot.contains("rarebit_throttled 1"))
        told.pi_throttling = 0x40000  // only earlier
        board.update(told)
        #expect(lines(RunTimes(), board).contains("rarebit_throttled 0"))
    }

    @Test func anotherProcessorIsThrottledWhileItsCountRises() {
        var board = BoardConditions()
        var told = rb_conditions()
        (told.millidegrees, told.throttles, told.pi_throttling) = (RB_NOT_TOLD, 7, RB_NOT_TOLD)
        for (count, isThrottled) in [(7, false), (8, true), (8, false)] as [(Int32, Bool)] {
            told.throttles = count
            board.update(told)
            #expect(board.isThrottled == isThrottled)
        }
    }
}
