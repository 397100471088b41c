import ProgramRunner
import Testing
import TinyModel

/// A multipart answer with these pictures.
private func multipart(_ pictures: [[UInt8]], header: String = "HTTP/1.0 200 OK") -> [UInt8] {
    Array("\(header)\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n".utf8)
        + pictures.flatMap {
            Array("--b\r\nContent-Type: image/jpeg\r\nContent-Length: \($0.count)\r\n\r\n".utf8) + $0
                + Array("\r\n".utf8)
        }
}

@Suite struct FramesOfAServer {
    private static let pictures = [50, 100, 150].map { greyJPEG(side: 16, brightness: $0) }

    private static func run(_ server: PictureServer, path: String = "/stream", _ arguments: [String]) throws
        -> ProgramResult
    {
        let folder = try TemporaryFolder()
        let model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
        let place = path.hasPrefix("/") ? "127.0.0.1:\(server.port)\(path)" : path
        let source = ["run", model, "--json", "--source", "http://\(place)"]
        return try withExtendedLifetime(server) { try runProgram("rarebit", source + arguments) }
    }

    @Test func areAnsweredAndAskedForAgain() throws {
        let server = PictureServer(multipart(Self.pictures))
        let result = try Self.run(server, path: "/stream?size=s", ["--count", "4"])
        #expect(result.status == 0)
        let answers = try records(in: result.output)
        #expect(answers.contains { $0["kind"] as? String == "source_ended" })
        #expect(answers.contains { $0["event"] as? String == "recovered" })
        #expect(server.requests.count >= 2)
        #expect(server.requests[0].hasPrefix("GET /stream?size=s HTTP/1.1\r\n"))
        #expect(server.requests[0].contains("Host: 127.0.0.1:\(server.port)\r\n"))
    }

    @Test func areAskedForWithAPassword() throws {
        let server = PictureServer(multipart(Self.pictures))
        let result = try Self.run(server, path: "me:secret@127.0.0.1:\(server.port)/", ["--count", "1"])
        #expect(result.status == 0)
        #expect(server.requests[0].contains("Authorization: Basic bWU6c2VjcmV0\r\n"))
        #expect(!result.errors.contains("secret"))
    }

    @Test func areNoneWhereTheServerRefuses() throws {
        for (header, words) in [
            ("HTTP/1.1 404 Not Found", "the server refused, with status 404; is the path right?"),
            ("HTTP/1.1 401 Unauthorized", "the server wants a user's name and password"),
            ("HTTP/1.1 302 Found", "the server refused, with status 302"),
        ] {
            let server = PictureServer(Array("\(header)\r\nContent-Length: 0\r\n\r\n".utf8))
            let result = try Self.run(server, [])
            #expect(result.status == 1 && result.errors.contains(words))
        }
    }

    @Test func areToldFromRubbish() throws {
        let rubbish = try Self.run(PictureServer([UInt8](repeating: 7, count: 100_000)), [])
        #expect(rubbish.status == 1)
        let page = try Self.run(
            PictureServer(Array("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>no</body></html>".utf8)),
            [])
        #expect(page.status == 1 && page.errors.contains("a web page, not a stream of frames"))
        // Half a frame: what came before it was answered.
        let half = multipart(Self.pictures).dropLast(200)
        let cut = try Self.run(PictureServer(Array(half)), ["--count", "3"])
        #expect(cut.status == 0)
        let errors = try records(in: cut.output).last?["errors"] as? [String: Int]
        #expect(try #require(errors?["short_frame"]) >= 1)
    }
}
