import Foundation
import ProgramRunner
import Testing
import TinyModel

/// What a strict reader of Prometheus's text format takes: every metric announced once before its samples, names and
/// labels well formed, histograms cumulative and complete.
struct Exposition {
    private(set) var samples: [String: Double] = [:]
    private(set) var types: [String: String] = [:]

    struct Refusal: Error {
        let line: String
    }

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Refusal(line: "the end") }
        var helped: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let refusal = Refusal(line: String(line))
            if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\]|\\\\|\\n)+/) {
                guard helped.insert(String(match.1)).inserted else { throw refusal }
            } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/) {
                guard types.updateValue(String(match.2), forKey: String(match.1)) == nil else { throw refusal }
            } else {
                try readSample(line, refusal)
            }
        }
        guard helped == Set(types.keys) else { throw Refusal(line: "HELP and TYPE lines") }
        try checkHistograms()
    }

    private mutating func readSample(_ line: Substring, _ refusal: Refusal) throws {
        let label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"/
        guard
            let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?[0-9]+(?:\.[0-9]+)?)/),
            let value = Double(match.3)
        else { throw refusal }
        if let labels = match.2 {
            var rest = labels.dropFirst()
            repeat {
                guard let found = rest.prefixMatch(of: label) else { throw refusal }
                rest = rest[found.range.upperBound...]
                guard let end = rest.popFirst(), end == "," || end == "}" else { throw refusal }
            } while !rest.isEmpty
            guard labels.hasSuffix("\"}") else { throw refusal }
        }
        let family = match.1.replacing(/_(bucket|sum|count)$/, with: "")
        guard types[String(match.1)] ?? types[String(family)] != nil else { throw refusal }
        let name = String(match.1) + (match.2.map(String.init) ?? "")
        guard samples.updateValue(value, forKey: name) == nil else { throw refusal }
    }

    private func checkHistograms() throws {
        for (name, type) in types where type == "histogram" {
            for labels in Set(
                samples.keys.filter { $0.hasPrefix("\(name)_count") }.map { $0.dropFirst(name.count + 6) })
            {
                let inner = labels.isEmpty ? "" : "\(labels.dropFirst().dropLast()),"
                let buckets = samples.filter { $0.key.hasPrefix("\(name)_bucket{\(inner)le=") }
                let bounds = buckets.map { key, value in
                    (key.split(separator: "le=\"").last!.split(separator: "\"")[0], value)
                }
                let sorted = bounds.map { ($0.0 == "+Inf" ? Double.infinity : Double($0.0)!, $0.1) }.sorted {
                    $0.0 < $1.0
                }
                guard sorted.last?.0 == .infinity, sorted.map(\.1) == sorted.map(\.1).sorted(),
                    sorted.last?.1 == samples["\(name)_count\(labels)"], samples["\(name)_sum\(labels)"] != nil
                else { throw Refusal(line: name + labels) }
            }
        }
    }
}

/// A connection to a port of this machine; reading waits for at most ten seconds.
final class Connection {
    private let descriptor: Int32

    init?(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard result == 0 else { return nil }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// As many of the bytes as the other side takes.
    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What comes until it holds a text, or the other side hangs up.
    func read(until text: String) -> String {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while !String(decoding: bytes, as: UTF8.self).contains(text) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Everything until the other side hangs up.
    func read() -> String {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    deinit { close(descriptor) }
}

/// The program, replaying a recording without end and serving metrics.
private final class Server {
    let port: UInt16
    private let process = Process()
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        port = UInt16.random(in: 20_000..<30_000)
        let model = try folder.write(TinyModel.contents.serialized(), to: "a \"model\".rbit")
        let frames = try folder.write(greyRecording(brightness: [1, 2, 3]), to: "frames")
        process.executableURL = URL(fileURLWithPath: programPath("rarebit"))
        process.arguments = ["run", model, "--frames", frames, "--loop", "--metrics", "\(port)"]
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/null")
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            do {
                _ = try metrics()
                return
            } catch  where ContinuousClock.now < deadline {
                usleep(10_000)
            }
        }
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    func fetch(_ request: String) throws -> String {
        let connection = try #require(Connection(port: port))
        connection.send(request)
        return connection.read()
    }

    func metrics() throws -> Exposition {
        struct NoAnswer: Error {}
        guard let connection = Connection(port: port) else { throw NoAnswer() }
        connection.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let answer = connection.read()
        guard answer.hasPrefix("HTTP/1.1 200 OK\r\n"), let end = answer.range(of: "\r\n\r\n") else { throw NoAnswer() }
        guard answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") else { throw NoAnswer() }
        return try Exposition(String(answer[end.upperBound...]))
    }
}

@Suite(.serialized) struct MetricsOfARun {
    @Test func areValidAndCount() throws {
        let server = try Server()
        let first = try server.metrics()
        for stage in ["capture", "convert", "infer", "report"] {
            #expect(first.samples["rarebit_stage_seconds_count{stage=\"\(stage)\"}"] != nil)
        }
        #expect(first.samples.keys.contains { $0.hasPrefix("rarebit_info{") && $0.contains("a \\\"model\\\".rbit") })
        #expect(first.samples["rarebit_errors_total{kind=\"unplugged\"}"] == 0)
        #expect(first.types["rarebit_frames_total"] == "counter")
        var later = first
        for _ in 0..<1000 where later.samples["rarebit_frames_total"] == first.samples["rarebit_frames_total"] {
            usleep(10_000)
            later = try server.metrics()
        }
        #expect(later.samples["rarebit_frames_total"]! > first.samples["rarebit_frames_total"]!)
        #expect(later.samples["rarebit_frame_age_seconds_count"] == later.samples["rarebit_frames_total"])
    }

    @Test func comeToNobodyWhoAsksForSomethingElse() throws {
        let server = try Server()
        #expect(try server.fetch("GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
        #expect(try server.fetch("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n").hasPrefix("HTTP/1.1 5"))
        _ = try server.fetch("rubbish \u{1}\u{2}\r\n\r\n")
        _ = try server.fetch(String(repeating: "x", count: 100_000))
        _ = try server.fetch("GET /metrics HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 20_000) + "\r\n")
        _ = try server.metrics()
    }

    @Test func outliveManyClientsAndSlowOnes() throws {
        let server = try Server()
        // Three times what the fixed memory is good for; they say half a request and then nothing.
        let slow = (0..<40).compactMap { _ in Connection(port: server.port) }
        for connection in slow { connection.send("GET /metrics HTTP/1.1\r\nHost: ") }
        // They are given up after a few seconds, and others have their turn.
        var answered = false
        for _ in 0..<100 where !answered { answered = (try? server.metrics()) != nil }
        #expect(answered)
        for _ in 0..<200 { _ = try server.metrics() }
        #expect(slow.count == 40)
    }

    @Test func areRefusedAtWrongAddresses() throws {
        let folder = try TemporaryFolder()
        let model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        let frames = try folder.write(greyRecording(brightness: [1]), to: "frames")
        for place in [
            "0", "65536", ":9100", "localhost:9100", "9100x", "1.5", "[]:9100", "[::1]", "::1:9100", "-1", "",
        ] {
            let result = try runProgram("rarebit", ["run", model, "--frames", frames, "--metrics", place])
            #expect(result.status == 2)
            #expect(
                result.errorLine
                    == "rarebit: --metrics: '\(place)' is no place to serve at; give a port, such as 9100, or a "
                    + "numeric address too: 0.0.0.0:9100")
        }
        let foreign = try runProgram("rarebit", ["run", model, "--frames", frames, "--metrics", "192.0.2.1:9100"])
        #expect(foreign.status == 1)
        #expect(
            foreign.errorLine
                == "rarebit: --metrics: '192.0.2.1:9100': cannot be served at: Cannot assign requested address")
    }
}
