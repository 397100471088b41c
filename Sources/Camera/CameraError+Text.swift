import Pixels
import Platform
import Text

// One line for each reason why there are no frames. The caller has said which camera or file.

extension TextWriter where Sink: ~Copyable {
    public mutating func append(_ error: CameraError) {
        switch error {
        case .noSuchNode:
            append("no such camera; rarebit cameras lists what there is")
        case .notPermitted:
            append("no permission to open the camera; join the group video, or run as root")
        case .notACamera(let kind):
            append("is no capture device: ")
            append(kind.name)
            append("; rarebit cameras lists what there is")
        case .notOffered(let format, let size):
            append("does not offer ")
            if let size { append(size) }
            if let format {
                append(size == nil ? "" : " as ")
                append(fourcc: format)
            }
            append("; rarebit cameras lists what it offers")
        case .noUsableFormat(let offered):
            append("no usable format: it offers ")
            append(offered)
            append("; the README lists what is usable")
        case .modeRefused(let asked, let fourcc, let size):
            append("the driver answered a request for ")
            append(asked)
            append(" with ")
            append(fourcc: fourcc)
            append(" ")
            append(size)
            append(", which cannot be used")
        case .busy:
            append("another program is using the camera; stop it first")
        case .unusableBuffers(let count):
            append("the driver gave ")
            append(count)
            append(" buffers, which capturing cannot work with")
        case .gone:
            append("the camera is gone: unplugged, or its driver stopped")
        case .signalLost:
            append("no signal; is its source connected and switched on?")
        case .formatChanged:
            append("its signal changed while it streamed")
        case .buffersKept:
            append("the driver does not give all buffers back")
        case .timeout(let corrupt, let short):
            append("no good frame came in time (")
            append(corrupt)
            append(" corrupt, ")
            append(short)
            append(" short); is the camera connected?")
        case .callFailed(let failure):
            append(failure.call.name)
            append(" failed: ")
            append(cString: rb_error_text(failure.number))
        }
    }

    public mutating func append(_ error: RecordingError) {
        switch error {
        case .unreadable(let number):
            append("cannot be read: ")
            append(cString: rb_error_text(number))
        case .unwritable(let number):
            append("cannot be written: ")
            append(cString: rb_error_text(number))
        case .notARecording:
            append("not a file of recorded frames: wrong first bytes")
        case .unsupportedVersion(let version):
            append("recorded in version ")
            append(version)
            append(" of the format, which this program does not read; record it again")
        case .unknownFormat(let frame, let fourcc):
            append("frame ")
            append(frame)
            append(" is of format ")
            append(fourcc: fourcc)
            append(", which cannot be used; the README lists what is usable")
        case .damaged(let frame):
            append("frame ")
            append(frame)
            append(" is damaged; copy the recording again")
        case .noFrames:
            append("the recording holds no frames")
        case .changed:
            append("the recording was written to while it was replayed; what came before is right, replay it again")
        }
    }

    /// "YUYV", with what is not printable as "?". The top bit stands for big-endian: "Y16 -BE", as v4l2-ctl writes it.
    public mutating func append(fourcc: UInt32) {
        let isBigEndian = fourcc >> 31 != 0
        let letters = fourcc & 0x7FFF_FFFF
        for shift in stride(from: 0, to: 32, by: 8) {
            let character = UInt8(truncatingIfNeeded: letters >> shift)
            append(byte: (0x20...0x7E).contains(character) ? character : UInt8(ascii: "?"))
        }
        if isBigEndian { append("-BE") }
    }

    /// "YUYV 640 x 480 at 30"
    public mutating func append(_ mode: CaptureMode) {
        append(fourcc: mode.fourcc)
        append(" ")
        append(mode.size)
        if mode.rate > 0 {
            append(" at ")
            append(mode.rate, decimals: mode.rate == mode.rate.rounded() ? 0 : 2)
        }
    }

    private mutating func append(_ size: FrameSize) {
        append(size.width)
        append(" x ")
        append(size.height)
    }

    private mutating func append(_ formats: FormatList) {
        if formats.count == 0 {
            append("none")
        }
        for index in 0..<formats.count {
            if index > 0 {
                append(", ")
            }
            append(fourcc: formats[index])
        }
        if !formats.isComplete {
            append(" and more")
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
