import Pixels
import Testing
import Text

@testable import Camera

private func fourcc(_ text: StaticString) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(text.utf8Start[$1]) << UInt32(8 * $1) }
}

@Suite struct AFourcc {
    @Test func showsUnprintableCharactersAsQuestionMarks() {
        var writer = TextWriter(MemorySink())
        writer.append(fourcc: 0x1B | UInt32(UInt8(ascii: "A")) << 8 | 0x7F << 16)
        #expect(writer.finish().text == "?A??")
    }

    @Test func saysWhetherItIsBigEndian() {
        var writer = TextWriter(MemorySink())
        writer.append(fourcc: fourcc("Y16 ") | 1 << 31)
        #expect(writer.finish().text == "Y16 -BE")
    }
}

@Test func aCameraWithoutUsableFormatsSaysWhatItOffers() {
    var offered = FormatList()
    offered.append(fourcc("MJPG"))
    offered.append(fourcc("H264"))
    var writer = TextWriter(MemorySink())
    writer.append(CameraError.noUsableFormat(offered: offered))
    #expect(writer.finish().text == "no usable format: it offers MJPG, H264; the README lists what is usable")
}

@Test func aCameraErrorIsOneLine() {
    let errors: [CameraError] = [
        .noSuchNode, .notPermitted, .notACamera(.output), .noUsableFormat(offered: FormatList()),
        .modeRefused(
            asked: CaptureMode(format: RB_PIXELS_YUYV, size: FrameSize(width: 640, height: 480)),
            fourcc: fourcc("MJPG"), size: FrameSize(width: 1, height: 1)),
        .busy, .unusableBuffers(count: 1), .gone, .signalLost, .formatChanged, .buffersKept,
        .notOffered(format: fourcc("NV12"), size: FrameSize(width: 1, height: 1)), .timeout(corrupt: 1, short: 2),
        .callFailed(SystemError(.streamOn, number: 5)),
    ]
    let lines = errors.map { error in
        var writer = TextWriter(MemorySink())
        writer.append(error)
        return writer.finish().text
    }
    #expect(Set(lines).count == errors.count)
    for line in lines {
        #expect(line.count > 20 && !line.contains("\n"))
    }
}
