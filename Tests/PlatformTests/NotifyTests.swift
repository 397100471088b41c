import Foundation
import Platform
import Testing

/// A datagram socket as a service manager listens on.
private final class Manager {
    /// As NOTIFY_SOCKET names it.
    let name: String
    private let descriptor: Int32

    init(name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isPath = name.hasPrefix("/")
        let bytes = isPath ? Array(name.utf8) + [0] : [0] + name.utf8.dropFirst()
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sa_family_t>.size + bytes.count
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) }
        }
        try #require(bound == 0, "bind to \(name) failed: \(errno)")
    }

    /// The oldest message that was not taken yet; nil where there is none.
    func take() -> String? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }
}

private func notify(_ name: String, _ message: String) -> Int32 {
    rb_notify(name, message, message.utf8.count)
}

private func temporaryPath(length: Int? = nil) -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID())").path
    return length.map { path + String(repeating: "x", count: $0 - path.utf8.count) } ?? path
}

@Suite struct ANotification {
    /// The longest that fit, too: 107 bytes and a final zero, or all 108 in abstract space.
    @Test(arguments: [
        temporaryPath(), temporaryPath(length: 107), "@rarebit-\(UUID())",
        ("@rarebit-\(UUID())" + String(repeating: "x", count: 108)).prefix(108).description,
    ])
    func reachesTheManagerWholeAndInOrder(name: String) throws {
        let manager = try Manager(name: name)
        #expect(notify(name, "READY=1\nSTATUS=classifying\n") == 0)
        #expect(notify(name, "WATCHDOG=1\n") == 0)
        #expect(manager.take() == "READY=1\nSTATUS=classifying\n")
        #expect(manager.take() == "WATCHDOG=1\n")
        #expect(manager.take() == nil)
    }

    @Test func failsWhereNobodyListens() {
        #expect(notify(temporaryPath(), "READY=1\n") == -RB_ENOENT)
        #expect(notify("@rarebit-\(UUID())", "READY=1\n") == -ECONNREFUSED)
    }

    @Test func failsForAnAddressThatIsNone() {
        for name in ["", "relative/path", "vsock:2:1234"] {
            #expect(notify(name, "READY=1\n") == -EAFNOSUPPORT)
        }
        #expect(notify(temporaryPath(length: 108), "READY=1\n") == -ENAMETOOLONG)
        #expect(notify("@" + String(repeating: "x", count: 108), "READY=1\n") == -ENAMETOOLONG)
    }

    @Test func doesNotWaitForAManagerThatDoesNotRead() throws {
        let manager = try Manager(name: temporaryPath())
        var results: [Int32] = []
        repeat {
            results.append(notify(manager.name, "WATCHDOG=1\n"))
        } while results.last == 0 && results.count < 1_000_000
        #expect(results.last == -RB_EAGAIN)
        #expect(manager.take() == "WATCHDOG=1\n")
        #expect(notify(manager.name, "WATCHDOG=1\n") == 0)
    }
}

@Suite struct TheWatchdogsInterval {
    @Test func isReadForThisProcess() {
        let own = "\(ProcessInfo.processInfo.processIdentifier)"
        #expect(rb_watchdog_us("10000000", own) == 10_000_000)
        #expect(rb_watchdog_us("10000000", nil) == 10_000_000)
        #expect(rb_watchdog_us("10000000", "1") == 0)
        #expect(rb_watchdog_us(nil, own) == 0)
    }

    @Test(arguments: ["", "0", "-5", "+5", " 5", "5 ", "5s", "99999999999999999999"])
    func isNoneWhereItIsNoNumber(text: String) {
        #expect(rb_watchdog_us(text, nil) == 0)
        #expect(rb_watchdog_us("10000000", text) == 0)
    }
}

@Test func theEnvironmentIsRead() {
    #expect(rb_environment("PATH").map { String(cString: $0) } == ProcessInfo.processInfo.environment["PATH"])
    #expect(rb_environment("RAREBIT_NOT_SET") == nil)
}
