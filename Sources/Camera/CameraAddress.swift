import Platform

/// What tells a camera from others, whatever the number of its node.
public struct CameraIdentity {
    /// The physical port, as "usb-0000:00:14.0-2"; ends in zero.
    public var port = InlineArray<32, CChar>(repeating: 0)
    /// The USB serial number, empty where there is none; ends in zero.
    public var serial = InlineArray<128, CChar>(repeating: 0)
    /// The product's name; ends in zero.
    public var card = InlineArray<32, CChar>(repeating: 0)
    /// Which of the nodes of its device.
    public var index: Int32 = 0

    public init() {}
}

/// The video nodes of a machine, to find a camera among.
protocol NodeDirectory: ~Copyable {
    /// The smallest number of a node from a number on; negative where there is none.
    func next(from number: Int32) -> Int32
    /// nil for a node that cannot be opened, or that captures nothing.
    func identity(of number: Int32) -> CameraIdentity?
}

/// Which camera: that of a node, or one by what it is plugged into, or by its serial number.
public enum CameraAddress {
    /// A path such as /dev/video0 or a link to it; ends in zero.
    case node(UnsafePointer<CChar>)
    case serial(UnsafePointer<CChar>)
    case port(UnsafePointer<CChar>)

    /// "serial:...", "port:...", else a path. `text` ends in zero and outlives the address.
    public init(_ text: UnsafePointer<CChar>) {
        if let serial = Self.rest(of: text, after: "serial:") {
            self = .serial(serial)
        } else if let port = Self.rest(of: text, after: "port:") {
            self = .port(port)
        } else {
            self = .node(text)
        }
    }

    private static func rest(of text: UnsafePointer<CChar>, after prefix: StaticString) -> UnsafePointer<CChar>? {
        for index in 0..<prefix.utf8CodeUnitCount
        where UInt8(truncatingIfNeeded: text[index]) != prefix.utf8Start[index] { return nil }
        return text + prefix.utf8CodeUnitCount
    }

    /// The first node that is at this address, which is no path.
    func find(in nodes: borrowing some NodeDirectory & ~Copyable) -> Int32? {
        var number = nodes.next(from: 0)
        while number >= 0 {
            if let identity = nodes.identity(of: number), isAddress(of: identity) { return number }
            number = nodes.next(from: number + 1)
        }
        return nil
    }

    private func isAddress(of camera: CameraIdentity) -> Bool {
        switch self {
        case .node: false
        // A camera without a serial number is at none.
        case .serial(let text): text.pointee != 0 && areEqual(camera.serial, text)
        case .port(let text): text.pointee != 0 && areEqual(camera.port, text)
        }
    }
}

extension CameraIdentity {
    /// How surely another identity is of the same camera: 0 not at all; 1 it is plugged into the same port; 2 it has
    /// the same serial number; 3 both.
    func likeness(to other: CameraIdentity) -> Int {
        guard index == other.index else { return 0 }
        let hasSerial = serial[0] != 0 && areEqual(serial, other.serial) && areEqual(card, other.card)
        let hasPort = port[0] != 0 && areEqual(port, other.port)
        return (hasSerial ? 2 : 0) + (hasPort ? 1 : 0)
    }

    /// The node of the same camera now; nil where there is none.
    func find(in nodes: borrowing some NodeDirectory & ~Copyable) -> Int32? {
        var best: (number: Int32, likeness: Int)?
        var number = nodes.next(from: 0)
        while number >= 0 {
            if let identity = nodes.identity(of: number) {
                let likeness = likeness(to: identity)
                if likeness > (best?.likeness ?? 0) { best = (number, likeness) }
            }
            number = nodes.next(from: number + 1)
        }
        return best?.number
    }

    /// Whether another camera has the same serial number, as some makers give to all of theirs.
    func sharesItsSerial(in nodes: borrowing some NodeDirectory & ~Copyable) -> Bool {
        var number = nodes.next(from: 0)
        while number >= 0 {
            if let identity = nodes.identity(of: number), likeness(to: identity) == 2 { return true }
            number = nodes.next(from: number + 1)
        }
        return false
    }
}

private func areEqual<let count: Int>(_ a: InlineArray<count, CChar>, _ b: InlineArray<count, CChar>) -> Bool {
    for index in 0..<count {
        if a[index] != b[index] { return false }
        if a[index] == 0 { return true }
    }
    return true
}

private func areEqual<let count: Int>(_ a: InlineArray<count, CChar>, _ b: UnsafePointer<CChar>) -> Bool {
    for index in 0..<count {
        if a[index] != b[index] { return false }
        if a[index] == 0 { return true }
    }
    return false
}
