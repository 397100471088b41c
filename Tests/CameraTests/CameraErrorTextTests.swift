import Pixels
import Testing
import Text

@testable import Camera

private func fourcc(_ text: StaticString) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(text.utf8Start[$1]) << UInt32(8 * $1) }
}

@Suite struct AFourcc {
    private func written(_ fourcc: UInt32) -> String { String("\(fourcc: fourcc)" as Message) }

    @Test func showsUnprintableCharactersAsQuestionMarks() {
        #expect(written(0x1B | UInt32(UInt8(ascii: "A")) << 8 | 0x7F << 16) == "?A??")
    }

    @Test func saysWhetherItIsBigEndian() {
        #expect(written(fourcc("Y16 ") | 1 << 31) == "Y16 -BE")
    }
}

@Test func aCameraWithoutUsableFormatsSaysWhatItOffers() {
    var offered = FormatList()
    offered.append(fourcc("MJPG"))
    offered.append(fourcc("H264"))
    let text = String(CameraError.noUsableFormat(offered: offered).text)
    #expect(text == "no usable format: it offers MJPG, H264; docs/cameras.md lists what is usable")
}

/// The longest of all messages: in a line of the program, with its name and the camera's.
@Test func aCameraOfManyFormatsFitsOneMessage() {
    var offered = FormatList()
    for _ in 0..<20 { offered.append(fourcc("Y16 ") | 1 << 31) }
    let error = CameraError.noUsableFormat(offered: offered)
    let line = String("rarebit: \(CText("/dev/video0")): \(error)\n" as Message)
    let formats = [String](repeating: "Y16 -BE", count: 16).joined(separator: ", ")
    #expect(
        line
            == "rarebit: /dev/video0: no usable format: it offers \(formats) and more; docs/cameras.md lists what is usable\n"
    )
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
    let lines = errors.map { String($0.text) }
    #expect(Set(lines).count == errors.count)
    for line in lines {
        #expect(line.count > 20 && !line.contains("\n"))
    }
}
