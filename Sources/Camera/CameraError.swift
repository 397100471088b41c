import Platform
import Streams

/// Why there are no frames from a camera.
public enum CameraError: Error, Equatable, Sendable {
    case noSuchNode
    case notPermitted
    case notACamera(NodeKind)
    /// Nothing that it offers is of the format and size asked for.
    case notOffered(format: UInt32?, size: FrameSize?)
    /// None of the node's formats is one that Pixels converts.
    case noUsableFormat(offered: FormatList)
    /// The driver answered a request for a usable mode with another one that is not.
    case modeRefused(asked: CaptureMode, fourcc: UInt32, size: FrameSize)
    /// The driver gives the odd and the even rows of a picture apart from each other, or only one half of them.
    case rowsApart(rb_v4l2_rows)
    /// The bus that the camera is on has no room for what any mode that can be used needs; the last that was tried.
    case noBandwidth(CaptureMode)
    /// Another program is using the camera.
    case busy
    /// The driver gave fewer buffers than capturing needs, or more than V4L2 allows.
    case unusableBuffers(count: UInt32)
    /// Unplugged, or its driver is gone.
    case gone
    /// Nothing is connected to its input.
    case signalLost
    /// Its signal became another while it streamed.
    case formatChanged
    /// The driver does not give all buffers back.
    case buffersKept
    /// No good frame came for too long; so many bad ones did since the start.
    case timeout(corrupt: UInt64, short: UInt64)
    case callFailed(SystemError)
    /// A command that frames come from ended, with this exit status.
    case commandEnded(status: Int32)
    /// A server that frames come from ended the connection.
    case connectionEnded
    /// There is nobody at a server's address, or who is there does not answer as a server.
    case noAnswer
    /// A server refused, with this status of HTTP.
    case serverRefused(status: Int32)
    /// A file or pipe that frames come from cannot be read, or a command not started; Linux's error number (positive).
    case unreadable(number: Int32)
    /// What came from there is no stream of frames.
    case stream(StreamError)
    /// It ended without a frame.
    case noFrames

    /// What a failed call means.
    init(_ error: SystemError) {
        switch (error.call, error.number) {
        case (.open, RB_ENOENT), (.open, RB_ENODEV), (.open, RB_ENXIO): self = .noSuchNode
        case (.open, RB_EACCES): self = .notPermitted
        case (.queryCapability, RB_ENOTTY), (.queryCapability, RB_EINVAL): self = .notACamera(.notVideo)
        case (_, RB_ENODEV), (_, RB_ENXIO): self = .gone
        case (_, RB_EBUSY): self = .busy
        default: self = .callFailed(error)
        }
    }
}

/// What a node is that is no usable camera.
public enum NodeKind: Sendable {
    /// Not a Video4Linux node at all.
    case notVideo
    /// Captures, but cannot share its buffers.
    case captureWithoutStreaming
    case output, codec, metadata, vbi, overlay, radio, unknown

    /// What a node with these capabilities is; nil for a camera.
    init?(capabilities: UInt32) {
        func has(_ capability: UInt32) -> Bool { capabilities & capability != 0 }
        if has(RB_V4L2_CAPTURE) || has(RB_V4L2_CAPTURE_PLANES) {
            if has(RB_V4L2_STREAMING) { return nil }
            self = .captureWithoutStreaming
        } else if has(RB_V4L2_MEMORY_TO_MEMORY) {
            self = .codec
        } else if has(RB_V4L2_OUTPUT) || has(RB_V4L2_OUTPUT_PLANES) {
            self = .output
        } else if has(RB_V4L2_METADATA) {
            self = .metadata
        } else if has(RB_V4L2_VBI) {
            self = .vbi
        } else if has(RB_V4L2_OVERLAY) {
            self = .overlay
        } else if has(RB_V4L2_RADIO) {
            self = .radio
        } else {
            self = .unknown
        }
    }
}

/// The first formats that a node offers.
public struct FormatList: Equatable, Sendable {
    private var fourccs = InlineArray<16, UInt32>(repeating: 0)
    /// How many are listed; `isComplete` says whether there were more.
    public private(set) var count = 0
    public private(set) var isComplete = true

    public init() {}

    public subscript(index: Int) -> UInt32 { fourccs[index] }

    mutating func append(_ fourcc: UInt32) {
        guard count < fourccs.count else {
            isComplete = false
            return
        }
        fourccs[count] = fourcc
        count += 1
    }

    public static func == (a: FormatList, b: FormatList) -> Bool {
        guard a.count == b.count && a.isComplete == b.isComplete else { return false }
        for index in 0..<a.count where a[index] != b[index] { return false }
        return true
    }
}
