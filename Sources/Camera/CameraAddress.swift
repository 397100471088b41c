import Platform
import Text

/// What tells a camera from others, whatever the number of its node.
public struct CameraIdentity {
    /// The physical port, as "usb-0000:00:14.0-2".
    public var port = FixedText<32>()
    /// The USB serial number, empty where there is none.
    public var serial = FixedText<128>()
    /// The product's name.
    public var card = FixedText<32>()
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
    /// A path such as /dev/video0 or a link to it.
    case node(CText)
    case serial(CText)
    case port(CText)

    /// "serial:...", "port:...", else a path.
    public init(_ text: CText) {
        if let serial = text.suffix(after: "serial:") {
            self = .serial(serial)
        } else if let port = text.suffix(after: "port:") {
            self = .port(port)
        } else {
            self = .node(text)
        }
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
        case .serial(let text): !text.isEmpty && camera.serial == text
        case .port(let text): !text.isEmpty && camera.port == text
        }
    }
}

extension CameraIdentity {
    /// How surely another identity is of the same camera: 0 not at all; 1 it is plugged into the same port; 2 it has
    /// the same serial number; 3 both.
    func likeness(to other: CameraIdentity) -> Int {
        guard index == other.index else { return 0 }
        let hasSerial = !serial.isEmpty && serial == other.serial && card == other.card
        let hasPort = !port.isEmpty && port == other.port
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
