import Foundation
import ImageEncoders
import ProgramRunner
import Testing
import TinyModel

/// A picture of slopes.
private func samples(width: Int, height: Int) -> [UInt8] {
    (0..<height).flatMap { row in
        (0..<width).flatMap { [UInt8(truncatingIfNeeded: 7 * $0), UInt8(truncatingIfNeeded: 9 * row), 90] }
    }
}

private func jpeg(width: Int = 50, height: Int = 40) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: 65_536)
    let pixels = samples(width: width, height: height)
    return Array(file[..<rb_encode_jpeg(pixels, Int32(width), Int32(height), 3, false, &file, file.count)])
}

private func png(width: Int = 50, height: Int = 40, pixels: [UInt8]? = nil) -> [UInt8] {
    var file = [UInt8](repeating: 0, count: 1 << 20)
    let pixels = pixels ?? samples(width: width, height: height)
    return Array(
        file[
            ..<rb_encode_png(pixels, 3 * width, Int32(width), Int32(height), 8, RB_PNG_RGB, false, &file, file.count)])
}

@Suite(.serialized) struct PicturesOfThePagesClients {
    private func agree(_ server: PageServer, on picture: [UInt8], with options: [String]) throws {
        let posted = try server.post("/classify", picture)
        #expect(posted.status == 200)
        let file = try server.folder.write(picture, to: "picture")
        let program = try runProgram("rarebit", ["classify", server.model, file, "--json"] + options)
        var expected = try #require(records(in: program.output).first)
        expected["image"] = nil
        let given = try posted.json()
        #expect(NSDictionary(dictionary: given) == NSDictionary(dictionary: expected))
        #expect((given["top"] as? [[String: Any]])?.count ?? 0 >= 2 && given["logits_crc"] is String)
    }

    @Test func areAnsweredAsByTheCommand() throws {
        // What is about frames in a row changes nothing.
        let options = ["--rotate", "90", "--top", "4"]
        let server = try PageServer(options + ["--smooth", "0.9", "--confirm", "1/1"])
        for picture in [jpeg(), png(), jpeg(width: 7, height: 90)] { try agree(server, on: picture, with: options) }
        // With the settings that the page has set by then.
        #expect(try server.ask("POST /settings", body: "alpha=2.5&threshold=0.3&classes=1,3").status == 200)
        try agree(
            server, on: png(), with: options + ["--alpha", "2.5", "--threshold", "0.3", "--classes", "1,3"])
    }

    @Test func areRefusedWhereTheyAreNone() throws {
        let server = try PageServer()
        for rubbish in [[], Array("no picture".utf8), Array(jpeg().prefix(300)), Array(png().dropLast(40))] {
            let answer = try server.post("/classify", rubbish)
            #expect(try answer.status == 400 && answer.json()["error"] is String)
        }
        // Small as a file, and too many pixels.
        let black = png(width: 8192, height: 4097, pixels: [UInt8](repeating: 0, count: 3 * 8192 * 4097))
        #expect(black.count < 300_000)
        #expect(
            try server.post("/classify", black).json()["error"] as? String
                == "picture: has 8192 x 4097 pixels; give one of at most 33554432 in all")
        #expect(try server.post("/classify", [UInt8](repeating: 0, count: 5_000_000)).status == 413)
        #expect(try server.ask("GET /classify").status == 405)
        // And the next one is answered.
        #expect(try server.post("/classify", jpeg()).status == 200)
    }

    @Test func areThoseOfClientsWhoMay() throws {
        let server = try PageServer(token: "correct-horse")
        #expect(try server.post("/classify", jpeg()).status == 401)
        #expect(try server.post("/classify", jpeg(), ["Authorization: Bearer correct-horse"]).status == 200)
        let foreign = ["Authorization: Bearer correct-horse", "Origin: http://site.example"]
        #expect(try server.post("/classify", jpeg(), foreign).status == 403)
    }

    @Test func comeFromManyAtATime() throws {
        let server = try PageServer()
        let connections = try (0..<6).map { _ in try server.connection() }
        let picture = jpeg()
        for connection in connections {
            connection.send(
                Array("POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(picture.count)\r\n\r\n".utf8)
                    + picture)
        }
        // One at a time, the others are told so.
        let statuses = try connections.map { try PageServer.Answer($0.read()).status }
        #expect(statuses.contains(200) && statuses.allSatisfy { $0 == 200 || $0 == 503 })
        #expect(try server.ask("GET /answer.json").status == 200)
    }
}

@Suite(.serialized) struct KeepingFromThePage {
    @Test func keepsAFrameWhenAsked() throws {
        let folder = try TemporaryFolder()
        let kept = folder.path("kept")
        var frames: [Int] = []
        do {
            let server = try PageServer(["--keep", kept, "--keep-when", "unknown", "--fps", "50"])
            #expect(try server.settings()["keeps"] as? Bool == true)
            for _ in 0..<2 {
                let answer = try server.ask("POST /keep", body: "")
                #expect(answer.status == 200)
                frames.append(try #require(answer.json()["frame"] as? Int))
            }
            #expect(try server.ask("GET /keep").status == 405)
            #expect(try server.ask("POST /keep", ["Origin: http://site.example"], body: "").status == 403)
        }
        // The program has ended.
        let records = try FileManager.default.contentsOfDirectory(atPath: kept).filter { $0.hasSuffix(".json") }
            .sorted()
            .map {
                try #require(
                    JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(kept)/\($0)")))
                        as? [String: Any])
            }
        #expect(records.compactMap { $0["frame"] as? Int } == frames && Set(frames).count == 2)
        #expect(records.allSatisfy { $0["reasons"] as? [String] == ["asked"] })
    }

    @Test func keepsNothingWhereNoFolderIsGiven() throws {
        let server = try PageServer()
        #expect(try server.settings()["keeps"] as? Bool == false)
        #expect(try server.ask("POST /keep", body: "").status == 409)
        // Its settings are still there to be changed.
        #expect(try server.ask("POST /settings", body: "alpha=1").status == 200)
    }
}
