import Platform
import Testing
import Text

@testable import Camera

private func text<let capacity: Int>(_ string: String) -> FixedText<capacity> {
    var array = InlineArray<capacity, CChar>(repeating: 0)
    for (index, byte) in string.utf8.enumerated() { array[index] = CChar(bitPattern: byte) }
    return FixedText(copying: array)
}

private func camera(_ port: String, _ serial: String = "", card: String = "Cam", index: Int32 = 0) -> CameraIdentity {
    var camera = CameraIdentity()
    (camera.port, camera.serial, camera.card, camera.index) = (text(port), text(serial), text(card), index)
    return camera
}

/// Nodes by number; those without an identity capture nothing.
private struct Nodes: NodeDirectory {
    var all: [Int32: CameraIdentity?]

    func next(from number: Int32) -> Int32 { all.keys.filter { $0 >= number }.min() ?? -1 }
    func identity(of number: Int32) -> CameraIdentity? { all[number] ?? nil }
}

@Test func aCameraIsFoundUnderAnotherNumberByItsPort() {
    let lost = camera("usb-1")
    #expect(lost.find(in: Nodes(all: [0: camera("usb-2"), 3: nil, 7: camera("usb-1")])) == 7)
    #expect(lost.find(in: Nodes(all: [0: camera("usb-2"), 1: camera("usb-11")])) == nil)
    #expect(lost.find(in: Nodes(all: [:])) == nil)
}

@Test func aCameraIsFoundAtAnotherPortByItsSerialNumber() {
    let lost = camera("usb-1", "42")
    let nodes = Nodes(all: [0: camera("usb-1", "43"), 1: camera("usb-2", "42"), 2: camera("usb-3", "42", card: "Mic")])
    #expect(lost.find(in: nodes) == 1, "a serial number tells more than a port")
    #expect(
        lost.find(in: Nodes(all: [0: camera("usb-1", "43")])) == 0, "a camera that took its place is better than none")
    #expect(lost.find(in: Nodes(all: [0: camera("usb-2", "42"), 1: camera("usb-1", "42")])) == 1)
}

@Test func aCameraWithoutASerialNumberIsNotFoundByNone() {
    #expect(camera("usb-1").find(in: Nodes(all: [0: camera("usb-2")])) == nil)
    #expect(camera("", "").find(in: Nodes(all: [0: camera("", "")])) == nil)
}

@Test func theNodesOfOneDeviceAreToldApart() {
    let second = camera("usb-1", "42", index: 2)
    #expect(second.find(in: Nodes(all: [0: camera("usb-1", "42"), 2: camera("usb-1", "42", index: 2)])) == 2)
}

@Test func aSerialNumberThatTwoCamerasHaveIsNoticed() {
    let one = camera("usb-1", "0001")
    #expect(one.sharesItsSerial(in: Nodes(all: [0: one, 2: camera("usb-2", "0001")])))
    #expect(!one.sharesItsSerial(in: Nodes(all: [0: one, 2: camera("usb-2", "0002")])))
}

@Test func anAddressIsAPathOrASerialNumberOrAPort() {
    let nodes = Nodes(all: [0: camera("usb-1", "41"), 1: camera("usb-2", "42"), 2: nil])
    for (address, expected) in [
        ("serial:42", 1), ("port:usb-1", 0), ("serial:4", nil), ("port:usb-11", nil), ("serial:", nil),
        ("/dev/video1", nil), ("serial", nil),
    ] as [(String, Int32?)] {
        address.withCString { #expect(CameraAddress(CText($0)).find(in: nodes) == expected, "\(address)") }
    }
    "/dev/video1".withCString {
        guard case .node(let path) = CameraAddress(CText($0)) else {
            Issue.record("a path is a path")
            return
        }
        #expect(path == CText($0))
    }
}

@Test(arguments: ["serial:", "port:"])
func anAddressWithoutAnythingBehindItIsNoCameras(address: String) {
    let nodes = Nodes(all: [0: camera(""), 1: camera("", "", index: 1)])
    address.withCString { #expect(CameraAddress(CText($0)).find(in: nodes) == nil) }
}
