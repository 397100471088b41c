import Inference
import ModelFormat
import Text

/// The time of each operation over many runs: sum, least and count, in memory given by the caller. The last two entries
/// are the classifier head, without the TDE adjustment and with it.
public struct OperationTimes {
    private let times: UnsafeMutableBufferPointer<UInt64>
    private let model: Model

    public static func byteCount(for model: Model) -> Int { (model.operationCount + 2) * 24 }

    /// `memory`: `byteCount(for:)` zero bytes, aligned to 8.
    public init(of model: Model, memory: UnsafeMutableRawBufferPointer) {
        self.model = model
        times = memory.bindMemory(to: UInt64.self)
    }

    /// Entry of the head without the adjustment.
    public var plainHead: Int { model.operationCount }
    /// Entry of the head with the adjustment.
    public var adjustedHead: Int { model.operationCount + 1 }

    public func add(_ nanoseconds: UInt64, to entry: Int) {
        times[3 * entry] += nanoseconds
        times[3 * entry + 1] = count(entry) == 0 ? nanoseconds : min(times[3 * entry + 1], nanoseconds)
        times[3 * entry + 2] += 1
    }

    /// How many times an entry has got.
    public func count(_ entry: Int) -> UInt64 { times[3 * entry + 2] }
    /// Mean nanoseconds of an entry.
    func mean(_ entry: Int) -> Double { Double(times[3 * entry]) / Double(max(count(entry), 1)) }
    /// Least nanoseconds of an entry.
    func least(_ entry: Int) -> Double { Double(times[3 * entry + 1]) }

    /// Nanoseconds of one run with the adjustment, at best.
    var total: Double {
        var total = 0.0
        for entry in 0...adjustedHead where entry != plainHead {
            total += least(entry)
        }
        return total
    }
}

extension TextWriter where Sink: ~Copyable {
    private static var nameColumns: Int { 28 }

    /// A table of where the time goes. `ceiling`: of all threads together, 10^9 multiply-accumulates a second.
    public mutating func write(_ times: OperationTimes, of engine: Engine, ceiling: Double) {
        let model = engine.model
        write("\n  operation                     mean us  best us  share %     MMAC  GMAC/s  ceiling %  kernel\n")
        for index in 0..<model.operationCount {
            let multiplyAccumulates = Double(model.operation(index).multiplyAccumulates)
            write(
                """
                  \(model.operationName(index), columns: Self.nameColumns)\(times.columns(of: index))\
                \(multiplyAccumulates / 1e6, decimals: 3, columns: 9)
                """)
            if multiplyAccumulates > 0 {
                let rate = multiplyAccumulates / max(times.least(index), 1)
                write("\(rate, decimals: 1, columns: 8)\(rate / ceiling * 100, decimals: 1, columns: 11)")
            }
            if let kernel = model.operation(index).kernelName(path: engine.path) {
                write("  \(kernel)")
            }
            write("\n")
        }
        let cost = times.least(times.adjustedHead) - times.least(times.plainHead)
        write(
            """
              head, alpha 0               \(times.columns(of: times.plainHead))
              head with the adjustment    \(times.columns(of: times.adjustedHead))
              Share, GMAC/s and ceiling are those of the best times. The adjustment costs \(cost / 1e3, decimals: 2) us, \
            \(cost / max(times.total - cost, 1) * 100, decimals: 2) % of a run.

            """)
    }

    /// The same, one JSON record an operation.
    public mutating func writeRecords(of times: OperationTimes, of engine: Engine, ceiling: Double) {
        let model = engine.model
        for index in 0..<model.operationCount {
            let operation = model.operation(index)
            let rate = Double(operation.multiplyAccumulates) / max(times.least(index), 1)
            record {
                $0.member("operation", model.operationName(index))
                $0.members(of: index, times)
                $0.member("macs", operation.multiplyAccumulates)
                $0.member("gmac_per_s", rate, decimals: 3)
                $0.member("of_ceiling", rate / ceiling, decimals: 4)
                if let kernel = operation.kernelName(path: engine.path) {
                    $0.member("kernel", kernel)
                }
            }
        }
        record {
            $0.member("operation", "head, alpha 0")
            $0.members(of: times.plainHead, times)
        }
        record {
            $0.member("operation", "head")
            $0.members(of: times.adjustedHead, times)
        }
    }

    private mutating func members(of entry: Int, _ times: OperationTimes) {
        member("mean_us", times.mean(entry) / 1e3, decimals: 3)
        member("best_us", times.least(entry) / 1e3, decimals: 3)
    }
}

extension OperationTimes {
    /// Mean, best and share of an entry.
    fileprivate func columns(of entry: Int) -> Message {
        """
        \(mean(entry) / 1e3, decimals: 2, columns: 9)\(least(entry) / 1e3, decimals: 2, columns: 9)\
        \(least(entry) / max(total, 1) * 100, decimals: 1, columns: 9)
        """
    }
}
