import Pixels
import Platform
import Text

// One line for each reason why there are no frames. The caller has said which camera or file.

extension CameraError: TextConvertible {
    public var text: Message {
        switch self {
        case .noSuchNode: "no such camera; rarebit cameras lists what there is"
        case .notPermitted: "no permission to open the camera; join the group video, or run as root"
        case .notACamera(let kind): "is no capture device: \(kind.name); rarebit cameras lists what there is"
        case .notOffered(nil, nil): "does not offer ; rarebit cameras lists what it offers"
        case .notOffered(nil, let size?): "does not offer \(size); rarebit cameras lists what it offers"
        case .notOffered(let format?, nil): "does not offer \(fourcc: format); rarebit cameras lists what it offers"
        case .notOffered(let format?, let size?):
            "does not offer \(size) as \(fourcc: format); rarebit cameras lists what it offers"
        case .noUsableFormat(let offered):
            "no usable format: it offers \(offered); docs/cameras.md lists what is usable"
        case .modeRefused(let asked, let fourcc, let size):
            "the driver answered a request for \(asked) with \(fourcc: fourcc) \(size), which cannot be used"
        case .busy: "another program is using the camera; stop it first"
        case .unusableBuffers(let count): "the driver gave \(count) buffers, which capturing cannot work with"
        case .gone: "the camera is gone: unplugged, or its driver stopped"
        case .signalLost: "no signal; is its source connected and switched on?"
        case .formatChanged: "its signal changed while it streamed"
        case .buffersKept: "the driver does not give all buffers back"
        case .timeout(let corrupt, let short):
            "no good frame came in time (\(corrupt) corrupt, \(short) short); is the camera connected?"
        case .callFailed(let failure): "\(failure.call.name) failed: \(systemError: failure.number)"
        }
    }
}

extension RecordingError: TextConvertible {
    public var text: Message {
        switch self {
        case .unreadable(let number): "cannot be read: \(systemError: number)"
        case .unwritable(let number): "cannot be written: \(systemError: number)"
        case .notARecording: "not a file of recorded frames: wrong first bytes"
        case .unsupportedVersion(let version):
            "recorded in version \(version) of the format, which this program does not read; record it again"
        case .unknownFormat(let frame, let fourcc):
            "frame \(frame) is of format \(fourcc: fourcc), which cannot be used; docs/cameras.md lists what is usable"
        case .damaged(let frame): "frame \(frame) is damaged; copy the recording again"
        case .noFrames: "the recording holds no frames"
        case .changed:
            "the recording was written to while it was replayed; what came before is right, replay it again"
        }
    }
}

extension NodeKind {
    public var name: StaticString {
        switch self {
        case .notVideo: "not a video node"
        case .captureWithoutStreaming: "it cannot share its buffers"
        case .output: "a video output"
        case .codec: "a codec"
        case .metadata: "a metadata node"
        case .vbi: "a teletext node"
        case .overlay: "an overlay"
        case .radio: "a radio"
        case .unknown: "it captures no video"
        }
    }
}

// MARK: Values

extension Message.StringInterpolation {
    /// What the system says of an error number, negative or not: "No such file or directory".
    public mutating func appendInterpolation(systemError number: Int32) {
        appendInterpolation(CText(rb_error_text(number)))
    }

    /// "YUYV", with what is not printable as "?". The top bit stands for big-endian: "Y16 -BE", as v4l2-ctl writes it.
    public mutating func appendInterpolation(fourcc: UInt32) { appendInterpolation(ShortText(fourcc: fourcc)) }

    /// Frames a second, with decimals only where there are some: "30", "7.50".
    public mutating func appendInterpolation(rate: Double) {
        appendInterpolation(rate, decimals: rate == rate.rounded() ? 0 : 2)
    }
}

/// "YUYV 640 x 480 at 30"
extension CaptureMode: TextConvertible {
    public var text: Message {
        rate > 0 ? "\(fourcc: fourcc) \(size) at \(rate: rate)" : "\(fourcc: fourcc) \(size)"
    }
}

/// "640 x 480"
extension FrameSize: TextConvertible {
    public var text: Message { "\(width) x \(height)" }
}

/// "YUYV, MJPG and more"
extension FormatList: TextConvertible {
    public var text: Message {
        guard count > 0 else { return "none" }
        var list: Message = ""
        for index in 0..<count {
            // One piece with what stands behind it, so that all of them fit.
            var name = ShortText(fourcc: self[index])
            name.append(index < count - 1 ? ", " : "")
            list += "\(name)"
        }
        if !isComplete {
            list += " and more"
        }
        return list
    }
}

extension ShortText {
    fileprivate init(fourcc: UInt32) {
        self.init()
        let isBigEndian = fourcc >> 31 != 0
        let letters = fourcc & 0x7FFF_FFFF
        for shift in stride(from: 0, to: 32, by: 8) {
            let letter = UInt8(truncatingIfNeeded: letters >> shift)
            append((0x20...0x7E).contains(letter) ? letter : UInt8(ascii: "?"))
        }
        append(isBigEndian ? "-BE" : "")
    }
}
