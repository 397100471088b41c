import Pixels
import Platform
import Reports
import Testing
import Text

@testable import Camera

private func fourcc(_ text: StaticString) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(text.utf8Start[$1]) << UInt32(8 * $1) }
}

/// Text of a fixed length that ends in zeros, as C structures hold it.
private func set<Text>(_ field: inout Text, to text: String) {
    withUnsafeMutableBytes(of: &field) { $0.copyBytes(from: Array(text.utf8)) }
}

private func list(asJSON: Bool, _ visit: (inout CameraListing<MemorySink>) -> Void) -> String {
    var listing = CameraListing(isJSON: asJSON, TextWriter(MemorySink()))
    visit(&listing)
    return listing.finish().text
}

/// A webcam with a usable and an unusable format, then a node that does not open.
private func showTwoNodes(to listing: inout CameraListing<MemorySink>) {
    var card = rb_v4l2_capability()
    set(&card.card, to: "Webcam \"C1\"")
    set(&card.driver, to: "uvcvideo")
    set(&card.bus, to: "usb-1")
    var place = rb_v4l2_place()
    set(&place.serial, to: "A0042")
    "/dev/video0".withCString { listing.visit(node: $0) }
    listing.visit(card: card, at: place)
    listing.visit(format: fourcc("YUYV"), isUsable: true)
    for (width, height) in [(640, 480), (1280, 720)] as [(UInt32, UInt32)] {
        listing.visit(
            sizes: rb_v4l2_sizes(
                min_width: width, max_width: width, step_width: 1, min_height: height, max_height: height,
                step_height: 1)
        )
        for (numerator, denominator) in [(1, 30), (2, 15)] as [(UInt32, UInt32)] {
            listing.visit(
                intervals: rb_v4l2_intervals(
                    min_numerator: numerator, min_denominator: denominator, max_numerator: numerator,
                    max_denominator: denominator))
        }
    }
    listing.visit(format: fourcc("MJPG"), isUsable: false)
    "/dev/video1".withCString { listing.visit(node: $0) }
    listing.visit(error: .busy)
}

@Suite struct AListOfCameras {
    @Test func isABlockOfLinesANode() {
        let text = list(asJSON: false) { showTwoNodes(to: &$0) }
        #expect(
            text == """
                /dev/video0
                  card Webcam "C1"
                  driver uvcvideo
                  port usb-1
                  serial A0042
                  YUYV: 640x480 at 30/7.50, 1280x720 at 30/7.50
                  MJPG (not usable):
                /dev/video1
                  another program is using the camera; stop it first

                """)
    }

    @Test func isOneJSONRecordANode() {
        let text = list(asJSON: true) { showTwoNodes(to: &$0) }
        let size = { (name: String) in #"{"size":"\#(name)","rates":[30,7.50]}"# }
        #expect(
            text == #"{"node":"/dev/video0","card":"Webcam \"C1\"","driver":"uvcvideo","port":"usb-1","#
                + #""serial":"A0042","formats":["#
                + #"{"format":"YUYV","usable":true,"sizes":[\#(size("640x480")),\#(size("1280x720"))]},"#
                + #"{"format":"MJPG","usable":false}]}"# + "\n"
                + #"{"node":"/dev/video1","error":"another program is using the camera; stop it first"}"# + "\n")
    }

    @Test func saysThatThereAreNone() {
        #expect(list(asJSON: false) { _ in } == "no video nodes; is a camera connected, and its driver loaded?\n")
        #expect(list(asJSON: true) { _ in } == "")
    }
}
