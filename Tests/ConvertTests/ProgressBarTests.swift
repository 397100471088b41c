import Synchronization
import Testing

@testable import rarebit_convert

/// What a bar writes for rising and falling fractions.
private func written(isOnTerminal: Bool, delay: Duration, fractions: [Double]) -> [String] {
    let lines = Mutex<[String]>([])
    let bar = ProgressBar("working", isOnTerminal: isOnTerminal, delay: delay) { line in
        lines.withLock { $0.append(line) }
    }
    fractions.forEach(bar.update)
    bar.finish()
    return lines.withLock { $0 }
}

@Suite struct AProgressBar {
    @Test func growsOnATerminalAndIsWipedAway() {
        let lines = written(isOnTerminal: true, delay: .zero, fractions: [0.1, 0.101, 0.5, 0.4, 1])
        #expect(
            lines == [
                "\rworking [###...........................] 10 %", "\rworking [###############...............] 50 %",
                "\rworking [##############################] 100 %", "\r\u{1B}[K",
            ])
    }

    @Test func isNotShownInAPipeNorForShortWork() {
        #expect(written(isOnTerminal: false, delay: .zero, fractions: [0.5, 1]).isEmpty)
        #expect(written(isOnTerminal: true, delay: .seconds(3600), fractions: [0.5, 1]).isEmpty)
    }
}
