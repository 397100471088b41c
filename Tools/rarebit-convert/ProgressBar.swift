import Foundation
import Synchronization

/// A bar on standard error, on a terminal only, for work of more than two seconds.
final class ProgressBar: Sendable {
    private let title: String
    private let started = ContinuousClock.now
    private let isOnTerminal: Bool
    private let delay: Duration
    private let write: @Sendable (String) -> Void
    private let shown = Mutex<Int?>(nil)

    init(
        _ title: String, isOnTerminal: Bool = isatty(STDERR_FILENO) == 1, delay: Duration = .seconds(2),
        write: @escaping @Sendable (String) -> Void = say
    ) {
        self.title = title
        self.isOnTerminal = isOnTerminal
        self.delay = delay
        self.write = write
    }

    /// Shows a fraction, 0...1; any thread may call it.
    func update(_ fraction: Double) {
        guard isOnTerminal, started.duration(to: .now) > delay else { return }
        shown.withLock { shown in
            let percent = Int(100 * fraction)
            guard shown.map({ percent > $0 }) ?? true else { return }
            shown = percent
            let filled = String(repeating: "#", count: percent * 30 / 100)
            let bar = filled.padding(toLength: 30, withPad: ".", startingAt: 0)
            write("\r\(title) [\(bar)] \(percent) %")
        }
    }

    /// Wipes the line.
    func finish() {
        guard shown.withLock({ $0 }) != nil else { return }
        write("\r\u{1B}[K")
    }
}
