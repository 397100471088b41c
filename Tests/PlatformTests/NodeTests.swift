import Foundation
import Platform
import Testing

/// The folder of sysfs about /dev/null, character device 1:3, in a system made for the test.
private func withSystem(_ body: (_ sysfs: String, _ node: String) throws -> Void) throws {
    let sysfs = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-\(UUID())").path
    let node = sysfs + "/dev/char/1:3"
    try FileManager.default.createDirectory(atPath: node, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: sysfs) }
    try body(sysfs, node)
}

private func place(of path: String, in sysfs: String) -> (serial: String, index: Int32) {
    let descriptor = rb_v4l2_open(path)
    defer { rb_close(descriptor) }
    var place = rb_v4l2_place()
    rb_v4l2_find_place(sysfs, descriptor, &place)
    let serial = withUnsafeBytes(of: place.serial) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return (serial, place.index)
}

@Test func aNodesSerialNumberIsThatOfTheUSBDeviceOfItsInterface() throws {
    try withSystem { sysfs, node in
        let files = FileManager.default
        try files.createDirectory(atPath: sysfs + "/devices/usb/1-2/1-2:1.0", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: node + "/device", withDestinationPath: sysfs + "/devices/usb/1-2/1-2:1.0")
        try Data("A 42\n".utf8).write(to: URL(fileURLWithPath: sysfs + "/devices/usb/1-2/serial"))
        try Data("1\n".utf8).write(to: URL(fileURLWithPath: node + "/index"))
        #expect(place(of: "/dev/null", in: sysfs) == ("A 42", 1))

        try Data(String(repeating: "9", count: 500).utf8).write(
            to: URL(fileURLWithPath: sysfs + "/devices/usb/1-2/serial"))
        #expect(place(of: "/dev/null", in: sysfs).serial == String(repeating: "9", count: 127))
    }
}

@Test func aNodeThatTheSystemKnowsNothingAboutHasNoPlace() throws {
    try withSystem { sysfs, _ in
        #expect(place(of: "/dev/null", in: sysfs) == ("", 0))
        #expect(place(of: "/dev/zero", in: sysfs) == ("", 0))
        #expect(place(of: "/nonexistent", in: sysfs) == ("", 0))
    }
}
