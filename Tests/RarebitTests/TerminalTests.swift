import Foundation
import ProgramRunner
import Testing
import TinyModel

/// The program with its live view on a terminal of its own.
private final class Terminal {
    private let master: Int32
    private let slave: Int32
    private let process = Process()
    private let folder: TemporaryFolder

    init(_ options: String..., names: [String] = TinyModel.contents.classNames, columns: UInt16 = 100) throws {
        folder = try TemporaryFolder()
        // Foundation shows neither posix_openpt nor what goes with it.
        let (unlock, tellNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))  // TIOCSPTLCK, TIOCGPTN
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (locked, number) = (Int32(0), Int32(-1))
        let isReady = ioctl(master, unlock, &locked) == 0 && ioctl(master, tellNumber, &number) == 0
        slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(isReady && slave >= 0)
        resize(columns)
        var contents = TinyModel.contents
        contents.classNames = names
        let model = try folder.write(contents.serialized(), to: "model.rbit")
        let frames = try folder.write(greyRecording(brightness: [90]), to: "frames")
        process.executableURL = URL(fileURLWithPath: programPath("rarebit"))
        process.arguments = ["run", model, "--frames", frames, "--loop", "--fps", "50", "--alpha", "1"] + options
        process.standardInput = FileHandle(fileDescriptor: slave)
        process.standardOutput = FileHandle(fileDescriptor: slave)
        process.standardError = FileHandle(fileDescriptor: slave)
        try process.run()
    }

    deinit {
        // Nobody reads any more what it would still show.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        close(slave)
        close(master)
    }

    func resize(_ columns: UInt16) {
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    /// Whether keys are shown, and whether they wait for the end of their line.
    var mode: (echoes: Bool, isByLine: Bool) {
        var settings = termios()
        tcgetattr(slave, &settings)
        return (settings.c_lflag & tcflag_t(ECHO) != 0, settings.c_lflag & tcflag_t(ICANON) != 0)
    }

    func press(_ keys: String) { _ = keys.withCString { write(master, $0, strlen($0)) } }

    /// Reads until something is shown that was not before; false where it never is.
    func shows(_ text: String) -> Bool {
        var seen: [UInt8] = []
        for _ in 0..<2000 {
            var ready = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, 10) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(master, &buffer, buffer.count)
            guard count > 0 else { return false }
            seen += buffer[..<count]
            if String(decoding: seen, as: UTF8.self).contains(text) { return true }
        }
        return false
    }

    /// Reads for a while that is long enough for ten pictures, and says what came.
    func next(_ milliseconds: Int = 500) -> String {
        var seen: [UInt8] = []
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while ContinuousClock.now < end {
            var ready = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, 10) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(master, &buffer, buffer.count)
            guard count > 0 else { break }
            seen += buffer[..<count]
        }
        return String(decoding: seen, as: UTF8.self)
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// How the program ended. What it still writes is taken meanwhile.
    func end() -> Int32 {
        while process.isRunning { _ = next(10) }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

@Suite(.serialized) struct TheKeysOfTheLiveView {
    @Test func changeAlphaByTenths() throws {
        let terminal = try Terminal()
        #expect(terminal.shows("alpha 1.00"))
        terminal.press("+")
        #expect(terminal.shows("alpha 1.10"))
        terminal.press("--")
        #expect(terminal.shows("alpha 0.90"))
        terminal.press(String(repeating: "-", count: 12))
        #expect(terminal.shows("alpha 0.00"))
    }

    @Test func holdWhatIsShownAndGoOn() throws {
        let terminal = try Terminal()
        #expect(terminal.shows("alpha 1.00"))
        terminal.press(" ")
        #expect(terminal.shows(", held"))
        #expect(terminal.next() == "")
        terminal.press(" ")
        #expect(terminal.shows("alpha 1.00"))
    }

    @Test func endTheProgramAndLeaveTheTerminalAsItWas() throws {
        let terminal = try Terminal()
        #expect(terminal.shows("alpha 1.00"))
        #expect(!terminal.mode.echoes && !terminal.mode.isByLine)
        // What is no key of the view does nothing, an arrow's bytes neither.
        terminal.press("x\u{1B}[A\n")
        terminal.press("q")
        #expect(terminal.end() == 0)
        #expect(terminal.mode.echoes && terminal.mode.isByLine)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGTRAP])
    func areGivenBackHoweverTheProgramEnds(signal: Int32) throws {
        let terminal = try Terminal()
        #expect(terminal.shows("alpha 1.00"))
        terminal.send(signal)
        // Those that ask to stop end it well; the others by themselves.
        #expect(terminal.end() == (signal == SIGINT || signal == SIGTERM ? 0 : signal))
        #expect(terminal.mode.echoes && terminal.mode.isByLine)
    }

    @Test func areNotTakenWhereTheViewIsNotShown() throws {
        let terminal = try Terminal("--json")
        #expect(terminal.shows("\"frame\":3"))
        #expect(terminal.mode.echoes && terminal.mode.isByLine)
    }
}

@Suite struct TheLiveViewOnATerminal {
    /// Two columns a character: ten are a name of twenty.
    @Test func drawsWideNamesInColumnsAndAnewWhereTheTerminalChanges() throws {
        let wide = "赤い服を着た小さな人形の家"
        let terminal = try Terminal(names: [wide, wide + "1", wide + "2", wide + "3"], columns: 60)
        #expect(terminal.shows("赤い服を着た小さな人 "))
        terminal.resize(30)
        #expect(terminal.shows("\u{1B}[H\u{1B}[2J"))
        for line in terminal.next().split(whereSeparator: \.isNewline) where line.contains("赤") {
            // The wide characters of the name once more, beside what stands in one column each.
            let text = line.replacing("\u{1B}[2K", with: "").replacing("\r", with: "")
                .replacing(#/\u{1B}\[[0-9]+A/#, with: "")
            #expect(text.count + text.count { $0.unicodeScalars.first!.value > 0x3000 } <= 30, "\(text)")
        }
    }
}
