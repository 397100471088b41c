import Foundation
import ImageEncoders
import ProgramRunner
import Testing
import TinyModel

/// Y4M of grey frames of 16 x 16, one for each brightness.
func greyFilm(_ brightness: [UInt8]) -> [UInt8] {
    Array("YUV4MPEG2 W16 H16 F25:1 Ip C420jpeg\n".utf8)
        + brightness.flatMap { level in
            Array("FRAME\n".utf8) + [UInt8](repeating: level, count: 256) + [UInt8](repeating: 128, count: 128)
        }
}

/// A square JPEG picture of grey.
func greyJPEG(side: Int, brightness: UInt8) -> [UInt8] {
    let pixels = [UInt8](repeating: brightness, count: side * side)
    var file = [UInt8](repeating: 0, count: 1 << 16)
    let count = rb_encode_jpeg(pixels, Int32(side), Int32(side), 1, false, &file, file.count)
    return Array(file[..<count])
}

/// False of a process that is over, even where nobody has asked yet how it ended.
private func isRunning(_ process: String) -> Bool {
    guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return !state.contains(") Z ")
}

private struct Setting {
    let folder: TemporaryFolder
    let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    func film(_ brightness: [UInt8] = [10, 60, 110, 160, 210], cut: Int = 0) throws -> String {
        try folder.write(greyFilm(brightness).dropLast(cut), to: "film.y4m")
    }

    func run(_ source: String, _ arguments: String...) throws -> ProgramResult {
        try runProgram("rarebit", ["run", model, "--source", source, "--json"] + arguments)
    }
}

extension ProgramResult {
    /// What the answers were of, by the checksums of the input.
    fileprivate func pictures() throws -> [String] { try records(in: output).compactMap { $0["input_crc"] as? String } }

    fileprivate func summary() throws -> [String: Any] {
        try #require(records(in: output).last { $0["event"] as? String == "summary" })
    }

    fileprivate func errors(_ kind: String) throws -> Int {
        try #require((summary()["errors"] as? [String: Int])?[kind])
    }
}

@Suite struct FramesFromAnywhere {
    @Test func areAllOfAFilesFrames() throws {
        let setting = try Setting()
        let film = try setting.film()
        let result = try setting.run(film)
        #expect(result.status == 0)
        #expect(try Set(result.pictures()).count == 5 && result.pictures().count == 5)
        #expect(result.errors == "rarebit: \(film): YU12 16 x 16 at 25 frames a second\n")
        let twice = try setting.run(film, "--loop", "--count", "12")
        #expect(try twice.pictures() == (0..<12).map { try result.pictures()[$0 % 5] })
        // A file in place of a pipe is a file still.
        let script = #""$1" run "$2" --source - --json < "$3""#
        let redirected = try runShell(script, [programPath("rarebit"), setting.model, film])
        #expect(try redirected.pictures() == result.pictures())
    }

    @Test func areThoseOfAFileThatIsCut() throws {
        let setting = try Setting()
        let result = try setting.run(try setting.film(cut: 100))
        #expect(try result.status == 0 && result.pictures().count == 4 && result.errors("short_frame") == 1)
    }

    @Test func areJPEGPicturesOfChangingSizes() throws {
        let setting = try Setting()
        let pictures = greyJPEG(side: 16, brightness: 50) + greyJPEG(side: 40, brightness: 200)
        let stream = try setting.folder.write(pictures, to: "pictures.mjpeg")
        let result = try setting.run(stream)
        #expect(try result.status == 0 && result.pictures().count == 2)
        #expect(result.errors.contains("MJPG 16 x 16\n") && result.errors.contains("MJPG 40 x 40\n"))
    }

    @Test func areTheNewestOfAPipe() throws {
        let setting = try Setting()
        let film = try setting.film((0..<200).map { UInt8($0) })
        let script = #"cat "$3" | "$1" run "$2" --source - --json"#
        let result = try runShell(script, [programPath("rarebit"), setting.model, film])
        #expect(result.status == 0)
        // Whichever were answered, the last one was, and none is missing from the count.
        let (all, pictures) = (try setting.run(film).pictures(), try result.pictures())
        #expect(pictures.last == all.last)
        let summary = try result.summary()
        #expect(try #require(summary["superseded"] as? Int) + pictures.count == 200)
    }

    @Test func goOnWhenACommandHasEnded() throws {
        let setting = try Setting()
        let film = try setting.film()
        let command = "exec:echo a complaint >&2; printf '\\033[31mred\\n' >&2; cat '\(film)'"
        let result = try setting.run(command, "--count", "11")
        #expect(result.status == 0)
        #expect(try #require(result.summary()["recoveries"] as? Int) >= 1)
        #expect(try result.errors("source_ended") >= 1)
        #expect(result.errors.contains(": a complaint\n") && result.errors.contains(": ?[31mred\n"))
        #expect(try records(in: result.output).contains { $0["kind"] as? String == "source_ended" })
    }

    @Test func areNoneOfACommandThatCannot() throws {
        let setting = try Setting()
        let missing = try setting.run("exec:/nowhere/at-all")
        #expect(missing.status == 1)
        #expect(missing.errors.contains("the command was not found; the lines above say what the shell said\n"))
        let failing = try setting.run("exec:exit 3")
        #expect(failing.status == 1 && failing.errors.contains("the command ended, with exit status 3;"))
        // With patience it is tried again, and given up when that is over.
        let patient = try setting.run("exec:exit 3", "--patience", "0.3")
        #expect(try patient.status == 1 && patient.errors("source_ended") >= 1)
    }

    @Test func endWithTheirCommandEvenWhereThatDoesNotListen() throws {
        let setting = try Setting()
        let (film, note) = (try setting.film(), setting.folder.path("pids"))
        let command = "exec:trap '' TERM; sleep 600 & echo $$ $! > '\(note)'; cat '\(film)'; wait; sleep 600"
        let result = try setting.run(command, "--count", "1")
        #expect(result.status == 0)
        let processes = try String(contentsOfFile: note, encoding: .utf8).split(whereSeparator: \.isWhitespace)
        #expect(processes.count == 2)
        for process in processes { #expect(!isRunning(String(process))) }
    }

    @Test func areToldFromRubbish() throws {
        let setting = try Setting()
        let rubbish = try setting.run("exec:head -c 3000000 /dev/zero")
        #expect(rubbish.status == 1 && rubbish.errors.contains("no stream of frames that is known"))
        #expect(try rubbish.errors("unreadable_stream") == 1)
        let film = try setting.film()
        // Behind good frames it is a fault that is recovered from.
        let behind = try setting.run("exec:cat '\(film)'; head -c 5000 /dev/zero", "--count", "12")
        #expect(try behind.status == 0 && behind.errors("unreadable_stream") >= 1)
        let page = try setting.folder.write(Array("<!DOCTYPE html><title>no</title>".utf8), to: "page")
        let result = try setting.run(page)
        #expect(result.status == 1 && result.errors.contains("a web page, not a stream of frames"))
    }

    @Test func areRawWhereSizeAndFormatAreSaid() throws {
        let setting = try Setting()
        let frames = try setting.folder.write((0..<3).flatMap { [UInt8](repeating: 70 * $0, count: 512) }, to: "raw")
        let result = try setting.run(
            "exec:cat '\(frames)'; sleep 600", "--size", "16x16", "--format", "YUYV", "--count", "1")
        #expect(try result.status == 0 && result.pictures().count == 1)
        let file = try setting.run(frames, "--size", "16x16", "--format", "YUYV")
        #expect(try Set(file.pictures()).count == 3)
    }

    @Test func areRefusedWhereTheyCannotBe() throws {
        let setting = try Setting()
        for (source, status, words) in [
            ("/no/such/file", Int32(1), "cannot be read: No such file or directory"),
            ("rtsp://camera/stream", 2, "have it decoded: exec:ffmpeg -i rtsp://camera/stream"),
            ("http://", 2, "is no address; give http://HOST:PORT/PATH"), ("exec:", 2, "needs a command"),
            ("http://127.0.0.1:9/", 1, "no server answers there"),
        ] {
            let result = try setting.run(source)
            #expect(result.status == status && result.errors.contains(words), "\(source): \(result.errors)")
        }
        let both = try setting.run("-", "--camera", "/dev/video0")
        #expect(both.errorLine == "rarebit: --camera, --frames and --source exclude each other; give one")
    }
}
