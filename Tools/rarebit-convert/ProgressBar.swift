import Foundation
import Synchronization

/// A bar on standard error, on a terminal only, for work of more than two seconds.
final class ProgressBar: Sendable {
    private let title: String
    private let started = ContinuousClock.now
    private let isOnTerminal = isatty(STDERR_FILENO) == 1
    private let shown = Mutex<Int?>(nil)

    init(_ title: String) {
        self.title = title
    }

    /// Shows a fraction, 0...1; any thread may call it.
    func update(_ fraction: Double) {
        guard isOnTerminal, started.duration(to: .now) > .seconds(2) else { return }
        shown.withLock { shown in
            let percent = Int(100 * fraction)
            guard shown.map({ percent > $0 }) ?? true else { return }
            shown = percent
            let filled = String(repeating: "#", count: percent * 30 / 100)
            let bar = filled.padding(toLength: 30, withPad: ".", startingAt: 0)
            FileHandle.standardError.write(Data("\r\(title) [\(bar)] \(percent) %".utf8))
        }
    }

    /// Wipes the line.
    func finish() {
        guard shown.withLock({ $0 }) != nil else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
