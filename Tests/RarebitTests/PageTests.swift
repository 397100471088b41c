import Foundation
import ProgramRunner
import Testing
import TinyModel

/// The program with its page, replaying a recording without end.
final class PageServer {
    let port = UInt16.random(in: 30_000..<40_000)
    private let process = Process()
    let folder: TemporaryFolder
    let model: String

    /// `token`: what clients must know; `more`: other options.
    init(token: String? = nil, _ more: [String] = []) throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        let frames = try folder.write(greyRecording(brightness: [10, 90, 200]), to: "frames")
        process.executableURL = URL(fileURLWithPath: programPath("rarebit"))
        process.arguments =
            [
                "run", model, "--frames", frames, "--loop", "--output", "file:/dev/null", "--page", "\(port)",
            ] + more
        if let token {
            process.arguments! += ["--page-token", try folder.write(Array("\(token)\n".utf8), to: "token")]
        }
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/null")
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        let deadline = ContinuousClock.now + .seconds(20)
        while Connection(port: port) == nil {
            guard ContinuousClock.now < deadline else { throw NoAnswer() }
            usleep(10_000)
        }
    }

    struct NoAnswer: Error {}

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    func connection() throws -> Connection { try #require(Connection(port: port)) }

    /// Status line, headers and body.
    func ask(_ line: String, _ headers: [String] = [], body: String? = nil, host: String = "localhost") throws -> Answer
    {
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        let connection = try connection()
        connection.send(
            (["\(line) HTTP/1.1", "Host: \(host)"] + headers + length).joined(separator: "\r\n") + "\r\n\r\n"
                + (body ?? ""))
        return try Answer(connection.read())
    }

    /// Posts bytes.
    func post(_ path: String, _ bytes: [UInt8], _ headers: [String] = []) throws -> Answer {
        let connection = try connection()
        let head = ["POST \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(bytes.count)"] + headers
        connection.send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + bytes)
        return try Answer(connection.read())
    }

    func settings() throws -> [String: Any] { try ask("GET /settings").json() }

    struct Answer {
        let status: Int
        let head: String
        let body: String

        init(_ text: String) throws {
            let end = try #require(text.range(of: "\r\n\r\n"))
            head = String(text[..<end.lowerBound])
            body = String(text[end.upperBound...])
            status = try #require(Int(head.split(separator: " ")[1]))
        }

        func json() throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
        }
    }
}

@Suite(.serialized) struct TheLivePage {
    @Test func isOneFileThatAsksNobodyElse() throws {
        let page = try PageServer().ask("GET /")
        #expect(page.status == 200 && page.head.contains("Content-Type: text/html; charset=utf-8"))
        #expect(page.head.contains("Content-Security-Policy: default-src 'none'"))
        #expect(page.body.hasPrefix("<!doctype html>") && page.body.utf8.count < 60_000)
        for foreign in ["src=\"http", "href=\"http", "@import", "url(http"] { #expect(!page.body.contains(foreign)) }
    }

    @Test func tellsAnswersWithTheirEvidence() throws {
        let answer = try PageServer().ask("GET /answer.json").json()
        #expect(answer["status"] as? String == "streaming")
        let top = try #require(answer["top"] as? [[String: Any]])
        #expect(top.count == 4)
        let evidence = try #require(answer["evidence"] as? [String: Any])
        let best = try #require(top.first { $0["class"] as? Int == evidence["class"] as? Int })
        for (map, logit) in [("plain", "plain_logit"), ("adjusted", "logit")] {
            let sum = try #require(evidence[map] as? [Double]).reduce(0, +)
            #expect(abs(sum - (try #require(best[logit] as? Double))) < 0.01)
        }
    }

    @Test func showsPictures() throws {
        let server = try PageServer()
        let snapshot = try server.ask("GET /snapshot.jpg")
        #expect(snapshot.status == 200 && snapshot.head.contains("Content-Type: image/jpeg"))
        let connection = try server.connection()
        connection.send("GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
        let stream = connection.read(until: "\u{FFFD}\r\n--frame\r\n")
        #expect(stream.contains("Content-Type: multipart/x-mixed-replace; boundary=frame"))
        #expect(stream.components(separatedBy: "--frame\r\nContent-Type: image/jpeg\r\n").count > 2)
    }

    @Test func sendsAnswersAsTheyCome() throws {
        let server = try PageServer()
        let connection = try server.connection()
        connection.send("GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        let events = connection.read(until: "}\n\ndata: {")
        #expect(
            events.contains("Content-Type: text/event-stream") && events.contains("data: {\"status\":\"streaming\""))
    }

    @Test func changesSettings() throws {
        let server = try PageServer()
        let given = try server.ask("POST /settings", body: "alpha=2.5&threshold=0.25&classes=1,3&explains=1")
        #expect(given.status == 200)
        for settings in [try given.json(), try server.settings()] {
            #expect(settings["alpha"] as? Double == 2.5 && settings["threshold"] as? Double == 0.25)
            let classes = try #require(settings["classes"] as? [[String: Any]])
            #expect(classes.map { $0["on"] as? Bool } == [false, true, false, true])
        }
        let answer = try server.ask("GET /answer.json").json()
        #expect(answer["alpha"] as? Double == 2.5 && (answer["top"] as? [Any])?.count == 2)
        #expect((answer["evidence"] as? [String: Any])?["class"] as? Int == 1)
        for wrong in [
            "alpha=-1", "alpha=x", "threshold=2", "classes=", "classes=9", "classes=1;2", "explains=4", "beta=1",
            "thresholds=1", "thresholds=1:2", "thresholds=9:0.5", "thresholds=file:/etc/passwd", "exempt=4",
            "exempt=0,1,2,3",
            "prior=/etc/passwd", "prior=estimate", "head-weights=1", "head-weights=0,0",
        ] {
            let refused = try server.ask("POST /settings", body: wrong)
            #expect(try refused.status == 400 && refused.json()["error"] is String, "\(wrong)")
        }
        // Later changes, however many, leave the classes as they are.
        for alpha in 1...4 {
            #expect(try server.ask("POST /settings", body: "alpha=\(alpha)&threshold=0").status == 200)
        }
        #expect((try server.ask("GET /answer.json").json()["top"] as? [Any])?.count == 2)
        #expect(try server.ask("POST /settings", body: "alpha=2.5").status == 200)
        // What was refused has changed nothing.
        #expect(try server.settings()["alpha"] as? Double == 2.5)
    }

    @Test func changesHowClassesAreJudged() throws {
        let server = try PageServer()
        func classes(_ settings: [String: Any]) throws -> [[String: Any]] {
            try #require(settings["classes"] as? [[String: Any]])
        }
        let given = try server.ask("POST /settings", body: "thresholds=1:0.25,3:1&exempt=2&head-weights=1,3&prior=none")
        #expect(given.status == 200)
        for settings in [try classes(given.json()), try classes(server.settings())] {
            #expect(settings.map { $0["threshold"] as? Double } == [nil, 0.25, nil, 1])
            #expect(settings.map { $0["exempt"] as? Bool ?? false } == [false, false, true, false])
        }
        // What another change says nothing of stays.
        let later = try server.ask("POST /settings", body: "exempt=-&threshold=0.5").json()
        #expect(try classes(later).map { $0["threshold"] as? Double } == [nil, 0.25, nil, 1])
        #expect(try classes(later).allSatisfy { $0["exempt"] == nil })
        #expect(
            try classes(server.ask("POST /settings", body: "thresholds=-").json()).allSatisfy { $0["threshold"] == nil }
        )
        #expect(later["prior"] as? String == "none")
    }

    @Test func isForNobodyWhoComesByAnotherName() throws {
        let server = try PageServer()
        for path in ["/", "/settings", "/answer.json", "/snapshot.jpg"] {
            #expect(try server.ask("GET \(path)", host: "rebound.example").status == 421)
        }
        for host in ["127.0.0.1:\(server.port)", "[::1]:1", "192.168.0.7", "LOCALHOST:9"] {
            #expect(try server.ask("GET /settings", host: host).status == 200)
        }
    }

    @Test func isForNoOtherSitesPage() throws {
        let server = try PageServer()
        for headers in [
            ["Origin: http://site.example"], ["Origin: null"], ["Origin: https://localhost"],
            ["Sec-Fetch-Site: cross-site"],
            ["Sec-Fetch-Site: same-site"],
        ] {
            #expect(try server.ask("POST /settings", headers, body: "alpha=1").status == 403)
            #expect(try server.ask("GET /snapshot.jpg", headers).status == 403)
        }
        let own = ["Origin: http://localhost", "Sec-Fetch-Site: same-origin"]
        #expect(try server.ask("POST /settings", own, body: "alpha=1").status == 200)
    }

    @Test func asksForItsToken() throws {
        let server = try PageServer(token: "correct-horse")
        #expect(try server.ask("GET /").status == 200)
        // 503 before there are any.
        #expect(try [200, 503].contains(server.ask("GET /metrics").status))
        for headers in [
            [], ["Authorization: Bearer correct-hors"], ["Authorization: Bearer correct-horsf"],
            ["Authorization: Bearer "],
            ["Authorization: Bearer correct-horsecorrect-horse"], ["Cookie: rarebit=wrong"],
            ["Cookie: other=correct-horse"],
        ] {
            for path in ["/settings", "/answer.json", "/snapshot.jpg", "/stream.mjpg", "/events"] {
                #expect(try server.ask("GET \(path)", headers).status == 401, "\(headers) \(path)")
            }
            #expect(try server.ask("POST /settings", headers, body: "alpha=1").status == 401)
        }
        #expect(try server.ask("GET /settings", ["Authorization: Bearer correct-horse"]).status == 200)
        #expect(try server.ask("GET /snapshot.jpg", ["Cookie: a=b; rarebit=correct-horse"]).status == 200)
    }

    @Test func isHeldUpByNobody() throws {
        let server = try PageServer()
        #expect(try server.ask("POST /settings", body: String(repeating: "x", count: 100_000)).status == 413)
        #expect(try server.ask("DELETE /settings").status >= 400)
        #expect(try server.ask("POST /snapshot.jpg", body: "").status == 405)
        // Those who ask slowly, and those who take nothing, hold up nobody who asks at all.
        let slow = try (0..<6).map { _ in try server.connection() }
        for connection in slow { connection.send("GET /settings HTTP/1.1\r\nHost: ") }
        let idle = try (0..<4).map { _ in try server.connection() }
        for connection in idle { connection.send("GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n") }
        #expect(idle.allSatisfy { $0.read(until: "image/jpeg").contains("200 OK") })
        #expect(try server.ask("GET /stream.mjpg").status == 503)
        for _ in 0..<20 { #expect(try server.ask("GET /settings").status == 200) }
        #expect(slow.count == 6)
    }

    @Test func isOpenToOthersOnlyWithAToken() throws {
        let folder = try TemporaryFolder()
        let model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        let frames = try folder.write(greyRecording(brightness: [1]), to: "frames")
        func run(_ arguments: String...) throws -> ProgramResult {
            try runProgram("rarebit", ["run", model, "--frames", frames] + arguments)
        }
        let open = try run("--page", "0.0.0.0:8080")
        #expect(open.status == 2)
        #expect(
            open.errorLine == "rarebit: --page: '0.0.0.0:8080' is open to other machines; give --page-token FILE too, "
                + "with what they must know")
        #expect(
            try run("--page-token", model).errorLine == "rarebit: --page-token needs --page; see rarebit run --help")
        let short = try folder.write(Array("short\n".utf8), to: "short")
        #expect(
            try #require(run("--page", "127.0.0.2:8099", "--page-token", short).errorLine).contains("holds no token"))
        let odd = try folder.write(Array("with;semicolon\n".utf8), to: "odd")
        #expect(
            try #require(run("--page", "127.0.0.2:8099", "--page-token", odd).errorLine).contains("a token is one line")
        )
    }
}
