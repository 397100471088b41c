import ImageEncoders
import Pixels
import Streams
import Testing

/// What a reader makes of a stream: frames with their bytes, bad frames, and how it ended.
struct Reading: Equatable {
    struct Frame: Equatable {
        var frame: StreamedFrame
        var bytes: [UInt8]
    }

    var frames: [Frame] = []
    var bad: [BadFrame] = []
    var failure: StreamError?
    var endsInsideFrame = false

    /// The bytes arrive in pieces of a size.
    init(_ bytes: [UInt8], pieces: Int = .max, raw: RawFrames? = nil, memory size: Int = 1 << 20) {
        var reader = FrameReader(raw: raw)
        var memory = [UInt8](repeating: 0, count: size)
        var start = 0
        while start < bytes.count, failure == nil {
            let end = pieces < bytes.count - start ? start + pieces : bytes.count
            bytes[start..<end].withUnsafeBytes { piece in
                var piece = piece
                do throws(StreamError) {
                    while try take(from: &reader, &piece, &memory) {}
                } catch {
                    failure = error
                }
            }
            start = end
        }
        endsInsideFrame = reader.isInsideFrame
    }

    /// False where all bytes are taken.
    private mutating func take(
        from reader: inout FrameReader, _ piece: inout UnsafeRawBufferPointer, _ memory: inout [UInt8]
    ) throws(StreamError) -> Bool {
        var result = Result<FrameReader.Step, StreamError>.success(.more)
        memory.withUnsafeMutableBytes { memory in
            do throws(StreamError) {
                result = .success(try reader.take(&piece, into: memory))
            } catch {
                result = .failure(error)
            }
        }
        switch try result.get() {
        case .more: return false
        case .bad(let kind): bad.append(kind)
        case .frame(let frame): frames.append(Frame(frame: frame, bytes: Array(memory[..<frame.byteCount])))
        }
        return true
    }
}

/// A JPEG picture of one brightness.
func greyJPEG(width: Int, height: Int, brightness: UInt8) -> [UInt8] {
    let pixels = [UInt8](repeating: brightness, count: width * height)
    var result = [UInt8](repeating: 0, count: 1 << 16)
    let count = rb_encode_jpeg(pixels, Int32(width), Int32(height), 1, false, &result, result.count)
    return Array(result[..<count])
}

@Suite struct StreamsOfFrames {
    static let pictures = [
        greyJPEG(width: 16, height: 8, brightness: 10), greyJPEG(width: 16, height: 8, brightness: 200),
        greyJPEG(width: 24, height: 40, brightness: 99),
    ]
    static let mjpeg = pictures.flatMap { $0 }
    static let planes: [[UInt8]] = [Array(0..<12), Array(20..<32)]
    static let y4m: [UInt8] = {
        var film = Array("YUV4MPEG2 W4 H2 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n".utf8)
        film += planes[0]
        film += Array("FRAME Ip\n".utf8)
        film += planes[1]
        return film
    }()

    static func multipart(_ parts: [[UInt8]], saysLength: Bool, boundary: String = "frame") -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            let length = saysLength ? "CONTENT-length:  \(part.count)" : "X-Time: 7"
            let header = Array("--\(boundary)\r\nContent-Type: image/jpeg\r\n\(length)\r\n\r\n".utf8)
            return header + part + Array("\r\n".utf8)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 100, 4096, Int.max]) func comeOutWholeHoweverTheBytesArrive(pieces: Int) {
        for stream in [
            Self.mjpeg, Self.multipart(Self.pictures, saysLength: true),
            Self.multipart(Self.pictures, saysLength: false),
            Array("\r\n".utf8) + Self.multipart(Self.pictures, saysLength: true, boundary: "-x"),
        ] {
            let reading = Reading(stream, pieces: pieces)
            #expect(reading.frames.map(\.bytes) == Self.pictures)
            #expect(reading.frames.map(\.frame.width) == [16, 16, 24])
            #expect(reading.frames.map(\.frame.height) == [8, 8, 40])
            #expect(reading.frames.allSatisfy { $0.frame.format == RB_PIXELS_MJPEG })
            #expect(reading.bad.isEmpty && reading.failure == nil && !reading.endsInsideFrame)
        }
        let reading = Reading(Self.y4m, pieces: pieces)
        #expect(reading.frames.map(\.bytes) == Self.planes)
        #expect(reading.frames.allSatisfy { $0.frame.format == RB_PIXELS_YUV420 && $0.frame.width == 4 })
        #expect(reading.frames.allSatisfy { $0.frame.height == 2 && $0.frame.range == RB_PIXELS_RANGE_FULL })
        #expect(abs(reading.frames[0].frame.rate - 29.97) < 0.01)
        #expect(reading.failure == nil && !reading.endsInsideFrame)
    }

    @Test func areRawWhereThatIsSaid() {
        let frames = RawFrames(format: RB_PIXELS_YUYV, width: 4, height: 2)!
        #expect(frames.byteCount == 16)
        // Whatever they begin with.
        let bytes: [UInt8] = [0xFF, 0xD8] + Array(0..<35)
        for pieces in [1, 5, 16, 37] {
            let reading = Reading(bytes, pieces: pieces, raw: frames)
            #expect(reading.frames.map(\.bytes) == [Array(bytes[..<16]), Array(bytes[16..<32])])
            #expect(reading.endsInsideFrame)
        }
        #expect(RawFrames(format: RB_PIXELS_NV12, width: 6, height: 3)!.byteCount == 6 * 3 + 6 * 2)
        #expect(RawFrames(format: RB_PIXELS_MJPEG, width: 4, height: 2) == nil)
        #expect(RawFrames(format: RB_PIXELS_YUYV, width: 0, height: 2) == nil)
    }

    @Test func goOnBehindAFrameThatIsCut() {
        // In its pixels.
        let cut = Array(Self.pictures[0].dropLast(4))
        let reading = Reading(cut + Self.pictures[1] + Self.pictures[2])
        #expect(reading.frames.map(\.bytes) == [Self.pictures[1], Self.pictures[2]])
        #expect(reading.bad == [.cut])
        // In its tables, whose length takes in the beginning of the next one.
        let early = Reading(Self.pictures[0].dropLast(40) + Self.pictures[1] + Self.pictures[2])
        #expect(early.frames.last?.bytes == Self.pictures[2] && early.bad.count == 1)
        #expect(Reading(cut).endsInsideFrame)
    }

    @Test func goOnBehindRubbishBetweenFrames() {
        let rubbish = [UInt8](repeating: 0xAB, count: 5000) + [0xFF, 0xFF, 0x00]
        let reading = Reading(Self.pictures[0] + rubbish + Self.pictures[1])
        #expect(reading.frames.map(\.bytes) == [Self.pictures[0], Self.pictures[1]])
        // A marker's place holds something else.
        let broken: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 2, 0x12]
        #expect(Reading(broken + Self.pictures[1]).frames.count == 1)
        #expect(Reading(broken + Self.pictures[1]).bad == [.noPicture])
        // A part that is none, and one that has no bytes.
        let parts = Self.multipart([Array("<html>".utf8), [], Self.pictures[2]], saysLength: true)
        #expect(Reading(parts).frames.map(\.bytes) == [Self.pictures[2]])
        #expect(Reading(parts).bad == [.noPicture])
    }

    @Test func findTheEndBehindASmallPictureInTheHeader() {
        let small = greyJPEG(width: 8, height: 8, brightness: 1)
        let length = small.count + 2
        var picture = Array(Self.pictures[0][..<2])
        picture += [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)]
        picture += small + Self.pictures[0][2...]
        let reading = Reading(picture + Self.pictures[1], pieces: 11)
        #expect(reading.frames.map(\.bytes) == [picture, Self.pictures[1]])
        #expect(reading.frames.first?.frame.width == 16)
    }

    @Test func endWhereNoFrameComesForTooLong() {
        let rubbish = [UInt8](repeating: 0x55, count: 2 << 20)
        #expect(Reading(Self.pictures[0] + rubbish).failure == .damaged)
        #expect(Reading(Array("--x\n".utf8) + rubbish).failure == .damaged)
        #expect(Reading(Array("--x\n".utf8) + [UInt8](repeating: 10, count: 2 << 20)).failure == .damaged)
        let headers = String(repeating: "A: b\n", count: 100)
        #expect(Reading(Array("--x\n\(headers)".utf8)).failure == .damaged)
    }

    /// Behind as many bytes as there is memory for, a beginning is looked for, also inside what was too large.
    @Test(arguments: [1, 7, 64, 1000, 4096])
    func readTheSameBehindTooLargeAPictureInPieces(pieces: Int) {
        let memory = Self.pictures[0].count
        let segment = [UInt8](repeating: 0, count: memory) + [0xFF, 0xD8] + [UInt8](repeating: 0, count: memory)
        let length = segment.count + 2
        let header: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, UInt8(length >> 8), UInt8(length & 255)]
        let stream = header + segment + [0xFF, 0xD9] + Self.pictures[0]
        let whole = Reading(stream, memory: memory)
        #expect(whole.bad == [.tooLarge, .noPicture] && whole.frames.map(\.bytes) == [Self.pictures[0]])
        #expect(Reading(stream, pieces: pieces, memory: memory) == whole)
    }

    @Test func neverTakeMoreThanTheirMemory() {
        let large = greyJPEG(width: 512, height: 512, brightness: 3)
        let reading = Reading(large + Self.pictures[0], memory: Self.pictures[0].count)
        #expect(reading.frames.map(\.bytes) == [Self.pictures[0]])
        #expect(reading.bad.first == .tooLarge)
        #expect(Reading(Array("--x\nContent-Length: 70000\n\n".utf8), memory: 65536).failure == .tooLarge)
        #expect(Reading(Array("--x\nContent-Length: 99999999999999999999\n\n".utf8)).failure == nil)
        #expect(Reading(Array("YUV4MPEG2 W640 H480\nFRAME\n".utf8) + [1], memory: 1000).failure == .tooLarge)
    }

    @Test(arguments: [
        ("YUV4MPEG2 W4 H2 C444\n", StreamError.pixelsNotRead), ("YUV4MPEG2 W4 H2 C420p10\n", .pixelsNotRead),
        ("YUV4MPEG2 W4 H2 It\n", .interlaced), ("YUV4MPEG2 W4 Im H2\n", .interlaced),
        ("YUV4MPEG2 W5 H2\n", .sizeNotRead(width: 5, height: 2)),
        ("YUV4MPEG2 W99999 H2\n", .sizeNotRead(width: 99999, height: 2)),
        ("YUV4MPEG2 W4\n", .sizeNotRead(width: 4, height: 0)),
        ("YUV4MPEG2 W4 H2 \u{7f}\n" + "FRAMX", .damaged), ("YUV4MPEG2 " + String(repeating: "x", count: 600), .damaged),
        ("RBFRAMES\u{2}   ", .unknown(.recording)), ("<!DOCTYPE html>", .unknown(.html)),
        ("RIFF....AVI LIST", .unknown(.avi)), ("....ftypisom....", .unknown(.mp4)),
        ("\0\0\0\u{1}gB........", .unknown(.h264)), ("nothing of the kind", .unknown(.other)),
    ])
    func areRefusedByName(text: String, error: StreamError) {
        for pieces in [1, Int.max] { #expect(Reading(Array(text.utf8), pieces: pieces).failure == error) }
    }

    @Test func takeTimeByTheirBytesHoweverSmallTheFrames() {
        // The smallest picture there is, 100,000 times in one piece: what is behind a frame must not be moved for each of them.
        let tiny: [UInt8] = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0, 0xFF, 0xD9]
        let reading = Reading((0..<100_000).flatMap { _ in tiny }, memory: 64)
        #expect(reading.frames.count == 100_000)
    }
}
