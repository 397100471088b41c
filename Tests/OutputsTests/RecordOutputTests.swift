import Foundation
import Platform
import ProgramRunner
import Testing
import Text
import TinyModel

@testable import Outputs

private func record(_ number: Int, bytes: Int = 0) -> [UInt8] {
    Array("record \(number) ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: bytes) + [UInt8(ascii: "\n")]
}

/// An output with its memory.
private final class Outlet {
    private static let recordBytes = 65_536
    private let memory: AlignedBytes
    private var output: RecordOutput

    init(_ target: OutputTarget, _ pressure: OutputPressure) throws {
        memory = AlignedBytes(zeros: max(RecordOutput.byteCount(target, recordBytes: Self.recordBytes), 64))
        output = try RecordOutput(target, pressure: pressure, recordBytes: Self.recordBytes, memory: memory.bytes)
    }

    deinit { output.close() }

    func write(_ bytes: [UInt8]) -> RecordOutput.Outcome { bytes.withUnsafeBytes { output.write($0) } }
    func turn() { output.turn() }
    func reopen() { output.reopen() }
    func finish(within time: UInt64 = 1_000_000_000) { output.finish(deadline: rb_clock_ns() + time) }
    func takeNotice() -> RecordOutput.Notice? { output.takeNotice() }
    var lost: UInt64 { output.lost }
    var gone: UInt64 { output.gone }
}

/// Both ends of a pipe; what is read never waits.
private final class Pipe {
    let writing: Int32
    private var reading: Int32

    init() {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        (reading, writing) = (ends[0], ends[1])
        precondition(fcntl(reading, F_SETFL, O_NONBLOCK) == 0)
        signal(SIGPIPE, SIG_IGN)
    }

    func read() -> [UInt8] { readAll(reading) }

    func closeReader() {
        close(reading)
        reading = -1
    }

    deinit {
        close(writing)
        if reading >= 0 { close(reading) }
    }
}

private func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

/// Whether the bytes are whole records, and which.
private func numbers(in bytes: [UInt8]) throws -> [Int] {
    #expect(bytes.isEmpty || bytes.last == UInt8(ascii: "\n"))
    return try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
        let words = line.split(separator: " ")
        #expect(words[0] == "record" && words.count <= 3)
        return try #require(Int(words[1]))
    }
}

@Suite struct RecordsToAPipe {
    @Test func arriveAsTheyAre() throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), .drops)
        for number in 0..<3 { #expect(outlet.write(record(number)) == .goesOn) }
        #expect(pipe.read() == record(0) + record(1) + record(2))
        #expect(outlet.lost == 0 && outlet.takeNotice() == nil)
    }

    @Test func areDroppedWholeAndCountedWhereNobodyReads() throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), .drops)
        // A pipe holds 64 KiB: some of these, and a part of one.
        for number in 0..<20 { #expect(outlet.write(record(number, bytes: 10_000)) == .goesOn) }
        #expect(outlet.lost > 0)
        #expect(outlet.takeNotice() == .losing(0))
        let lost = outlet.lost
        var bytes = pipe.read()
        outlet.turn()
        bytes += pipe.read()
        let before = try numbers(in: bytes)
        #expect(before == Array(0..<before.count) && before.count == 20 - Int(lost))
        #expect(outlet.write(record(20)) == .goesOn)
        #expect(pipe.read() == record(20))
        guard case .recovered(let duration, lost) = outlet.takeNotice() else {
            Issue.record("told no recovery")
            return
        }
        #expect(duration < 60_000_000_000)
    }

    @Test func waitWhereNoneMayBeLost() throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), .waits)
        let done = DispatchSemaphore(value: 0)
        var bytes: [UInt8] = []
        nonisolated(unsafe) var writerIsDone = false
        let lock = NSLock()
        nonisolated(unsafe) let unsafeOutlet = outlet
        Thread.detachNewThread {
            for number in 0..<100 { _ = unsafeOutlet.write(record(number, bytes: 10_000)) }
            lock.withLock { writerIsDone = true }
            done.signal()
        }
        while !lock.withLock({ writerIsDone }) {
            bytes += pipe.read()
            usleep(1000)
        }
        done.wait()
        bytes += pipe.read()
        outlet.turn()
        bytes += pipe.read()
        #expect(try numbers(in: bytes) == Array(0..<100))
        #expect(outlet.lost == 0)
    }

    @Test(arguments: [OutputPressure.drops, .waits])
    func endWithTheReader(pressure: OutputPressure) throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), pressure)
        #expect(outlet.write(record(0)) == .goesOn)
        pipe.closeReader()
        #expect(outlet.write(record(1)) == .readerWentAway)
        #expect(outlet.gone == 1)
    }

    @Test func areNotCutShortAtTheEnd() throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), .drops)
        for number in 0..<20 { _ = outlet.write(record(number, bytes: 10_000)) }
        var bytes = pipe.read()
        outlet.finish()
        bytes += pipe.read()
        #expect(try numbers(in: bytes).count == 20 - Int(outlet.lost))
    }

    @Test func areGivenUpAtTheEndWhereNobodyReads() throws {
        let pipe = Pipe()
        let outlet = try Outlet(.stream(pipe.writing), .drops)
        for number in 0..<20 { _ = outlet.write(record(number, bytes: 10_000)) }
        let start = rb_clock_ns()
        outlet.finish(within: 50_000_000)
        #expect(rb_clock_ns() - start < 10_000_000_000)
    }

    @Test func toAFullDeviceAreAnErrorOrWaitedOut() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        #expect(try Outlet(.stream(full), .waits).write(record(0)) == .failed(-ENOSPC))
        let outlet = try Outlet(.stream(full), .drops)
        for number in 0..<3 { #expect(outlet.write(record(number)) == .goesOn) }
        #expect(outlet.lost == 3 && outlet.takeNotice() == .losing(-ENOSPC) && outlet.takeNotice() == nil)
    }
}

@Suite struct RecordsToAFile {
    private func contents(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func areAppended() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(record(0), to: "records")
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: nil, keep: 5), .drops)
            #expect(outlet.write(record(1)) == .goesOn)
        }
        #expect(try contents(path) == record(0) + record(1))
    }

    @Test func startALineOfTheirOwnAfterAPowerCut() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("record 0 cu".utf8), to: "records")
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: nil, keep: 5), .drops)
            _ = outlet.write(record(1))
        }
        #expect(try contents(path) == Array("record 0 cu\n".utf8) + record(1))
    }

    @Test(arguments: [1, 3])
    func moveOnToNewFilesWithoutLossOrSplit(keep: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("records")
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: 1024, keep: keep), .drops)
            for number in 0..<40 { #expect(outlet.write(record(number, bytes: 100)) == .goesOn) }
            #expect(outlet.lost == 0)
        }
        var all: [Int] = []
        for number in (0...keep).reversed() {
            let bytes = try contents(number == 0 ? path : "\(path).\(number)")
            #expect(bytes.count <= 1024)
            all += try numbers(in: bytes)
        }
        #expect(all == Array((40 - all.count)..<40))
        #expect(all.count > 8 * keep)
        #expect(!FileManager.default.fileExists(atPath: "\(path).\(keep + 1)"))
    }

    @Test func mayEachBeLargerThanAFile() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("records")
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: 1024, keep: 2), .drops)
            for number in 0..<3 { _ = outlet.write(record(number, bytes: 5000)) }
        }
        #expect(try (0...2).map { try numbers(in: contents($0 == 0 ? path : "\(path).\($0)")) } == [[2], [1], [0]])
    }

    @Test func stayInTheirFileWhereItCannotBeRenamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("records")
        // No file can take the place of a folder.
        try FileManager.default.createDirectory(atPath: "\(path).1", withIntermediateDirectories: false)
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: 1024, keep: 1), .drops)
            for number in 0..<40 { _ = outlet.write(record(number, bytes: 100)) }
            #expect(outlet.lost == 0)
        }
        #expect(try numbers(in: contents(path)) == Array(0..<40))
    }

    @Test func followTheNameAfterReopening() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("records")
        try path.withCString {
            let outlet = try Outlet(.file(CText($0), limit: nil, keep: 5), .drops)
            _ = outlet.write(record(0))
            try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
            _ = outlet.write(record(1))
            outlet.reopen()
            _ = outlet.write(record(2))
        }
        #expect(try contents(path + ".old") == record(0) + record(1))
        #expect(try contents(path) == record(2))
    }

    @Test func needAFile() throws {
        let folder = try TemporaryFolder()
        for (path, error) in [(folder.url.path, EISDIR), (folder.path("no/records"), ENOENT)] {
            path.withCString { path in
                _ = #expect(throws: OutputError(status: -error)) {
                    _ = try Outlet(.file(CText(path), limit: nil, keep: 5), .drops)
                }
            }
        }
    }
}

@Suite struct RecordsToASocket {
    /// A connected listener; what it reads never waits.
    private final class Listener {
        private let descriptor: Int32

        init(_ path: String, receiveBytes: Int32? = nil) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
            }
            try #require(result == 0)
            try #require(fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0)
        }

        func read() -> [UInt8] { readAll(descriptor) }

        /// Whether the other side has hung up.
        var isClosed: Bool {
            var byte: UInt8 = 0
            return recv(descriptor, &byte, 1, 0) == 0
        }

        deinit { close(descriptor) }
    }

    @Test func goToEverybodyWhoIsConnected() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("socket")
        try path.withCString {
            let outlet = try Outlet(.socket(CText($0)), .drops)
            #expect(outlet.write(record(0)) == .goesOn)  // nobody is there: nothing is lost
            let first = try Listener(path)
            _ = outlet.write(record(1))
            let second = try Listener(path)
            outlet.turn()
            _ = outlet.write(record(2))
            #expect(first.read() == record(1) + record(2))
            #expect(second.read() == record(2))
            #expect(outlet.lost == 0 && outlet.gone == 0 && outlet.takeNotice() == nil)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func forgetListenersThatWentAway() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("socket")
        try path.withCString {
            let outlet = try Outlet(.socket(CText($0)), .drops)
            // More than there are places, one after the other.
            for number in 0..<20 {
                let listener = try Listener(path)
                _ = outlet.write(record(number))
                #expect(listener.read() == record(number))
            }
            _ = outlet.write(record(20))
            #expect(outlet.gone == 20 && outlet.lost == 0)
            #expect(outlet.takeNotice() == .listenersWentAway(1))
        }
    }

    @Test func turnAwayMoreThanEight() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("socket")
        try path.withCString {
            let outlet = try Outlet(.socket(CText($0)), .drops)
            var listeners: [Listener] = []
            for _ in 0..<9 {
                listeners.append(try Listener(path))
                outlet.turn()
            }
            _ = outlet.write(record(0))
            #expect(listeners[..<8].allSatisfy { $0.read() == record(0) })
            #expect(listeners[8].isClosed)
        }
    }

    @Test func missWholeRecordsWhereAListenerIsSlow() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("socket")
        try path.withCString {
            let outlet = try Outlet(.socket(CText($0)), .drops)
            let (slow, fast) = (try Listener(path), try Listener(path))
            var taken: [UInt8] = []
            for number in 0..<100 {
                _ = outlet.write(record(number, bytes: 20_000))
                taken += fast.read()
            }
            #expect(try numbers(in: taken) == Array(0..<100))
            #expect(outlet.lost > 0 && outlet.gone == 0)
            #expect(outlet.takeNotice() == .losing(0))
            var late = slow.read()
            outlet.turn()
            late += slow.read()
            #expect(try numbers(in: late) == Array(0..<(100 - Int(outlet.lost))))
            _ = outlet.write(record(100))
            #expect(slow.read() == record(100) && fast.read() == record(100))
        }
    }

    @Test func takeThePlaceOfASocketThatNobodyServes() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("socket")
        try path.withCString { path in
            let left = rb_unix_listen(path)
            try #require(left >= 0)
            _ = #expect(throws: OutputError(status: -EADDRINUSE)) { _ = try Outlet(.socket(CText(path)), .drops) }
            rb_close(left)
            _ = try Outlet(.socket(CText(path)), .drops)
        }
        let file = try folder.write([1], to: "file")
        file.withCString { path in
            _ = #expect(throws: OutputError(status: -EADDRINUSE)) { _ = try Outlet(.socket(CText(path)), .drops) }
        }
        #expect(FileManager.default.fileExists(atPath: file))
    }
}
