import Pixels
import Platform
import Streams
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
        case .rowsApart(let rows):
            """
            its pictures are interlaced, and \(rows == RB_V4L2_ONE_FIELD ? "each is one field" : "its fields come apart"); \
            give another --size, or a camera that gives whole pictures
            """
        case .noBandwidth(let mode):
            """
            its bus has no room for \(mode) beside what else is connected; give a smaller --size or --format MJPG, or use \
            another port
            """
        case .busy: "another program is using the camera; stop it first"
        case .unusableBuffers(let count): "the driver gave \(count) buffers, which capturing cannot work with"
        case .gone: "the camera is gone: unplugged, or its driver stopped"
        case .signalLost: "no signal; is its source connected and switched on?"
        case .formatChanged: "its signal changed while it streamed"
        case .buffersKept: "the driver does not give all buffers back"
        case .timeout(let corrupt, let short):
            "no good frame came in time (\(corrupt) corrupt, \(short) short); is the camera connected?"
        case .callFailed(let failure): "\(failure.call.name) failed: \(systemError: failure.number)"
        case .commandEnded(127): "the command was not found; the lines above say what the shell said"
        case .commandEnded(let status):
            "the command ended, with exit status \(status); the lines above say what it said"
        case .connectionEnded: "the server ended the connection"
        case .noAnswer: "no server answers there; is the address right, and the server running?"
        case .serverRefused(401): "the server wants a user's name and password; give http://USER:PASSWORD@HOST/PATH"
        case .serverRefused(let status): "the server refused, with status \(status); is the path right?"
        case .unreadable(let number): "cannot be read: \(systemError: number)"
        case .stream(let error): error.text
        case .noFrames: "ended without a frame"
        }
    }
}

extension StreamError: TextConvertible {
    public var text: Message {
        switch self {
        case .unknown(let form): form.text
        case .pixelsNotRead: "Y4M of other pixels than 4:2:0 or grey, of 8 bits; give ffmpeg -pix_fmt yuv420p"
        case .interlaced: "interlaced Y4M, whose frames are two pictures each; give ffmpeg -vf yadif"
        case .sizeNotRead(let width, let height):
            "frames of \(width) x \(height), which are not read; give an even width of at most \(RB_PIXELS_MAX_SIDE)"
        case .damaged: "what comes is no stream of frames any more"
        case .tooLarge: "a frame is larger than any that is read"
        }
    }
}

extension ForeignStream: TextConvertible {
    public var text: Message {
        switch self {
        case .recording: "a recording, which is read from a file; give its path"
        case .png: "a PNG picture, not a stream of frames; give the file's path or that of its folder"
        case .h264: "H.264, which is not decoded here; give rpicam-vid --codec mjpeg, or ffmpeg -i - -f mjpeg -"
        case .matroska: "a Matroska film, which is not decoded here; \(Self.decoded)"
        case .mp4: "an MP4 film, which is not decoded here; \(Self.decoded)"
        case .avi: "an AVI film, which is not decoded here; \(Self.decoded)"
        case .transportStream: "an MPEG transport stream, which is not decoded here; \(Self.decoded)"
        case .html: "a web page, not a stream of frames; give the address of the stream itself"
        case .other:
            """
            no stream of frames that is known: neither Y4M nor MJPEG nor multipart; raw frames need --size and \
            --format
            """
        }
    }

    private static var decoded: StaticString { "give exec:ffmpeg -i FILM -f yuv4mpegpipe -pix_fmt yuv420p -" }
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
