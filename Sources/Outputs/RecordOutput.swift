import Platform
import Text

/// Linux's negative error number of what went wrong with an output.
public struct OutputError: Error, Equatable, Sendable {
    public var status: Int32
}

/// Where records go.
public enum OutputTarget: Sendable {
    /// A pipe, socket or terminal.
    case stream(Int32)
    /// `limit`: the most bytes of a file, nil: no end; `keep`: how many full ones are kept beside it. Where the path leads to
    /// a pipe or a device, that is written to as a stream is.
    case file(CText, limit: UInt64?, keep: Int)
    /// Everybody who is connected to the Unix socket.
    case socket(CText)
}

/// What becomes of records that nobody takes at once.
public enum OutputPressure: Sendable {
    /// They are dropped whole and counted, and a full disk is waited out: nothing holds up the frames of a camera.
    case drops
    /// The next frame waits; a full disk is an error.
    case waits
}

/// Where the records of a run go: every record whole or not at all, whatever becomes of its readers.
public struct RecordOutput: ~Copyable {
    /// What a write leaves to the caller.
    public enum Outcome: Equatable, Sendable {
        case goesOn
        /// Nobody reads the stream any more: an ordinary end.
        case readerWentAway
        /// A record was lost that must not be: Linux's negative error number.
        case failed(Int32)
    }

    /// What is to be told, once each time.
    public enum Notice: Equatable, Sendable {
        /// Records are lost from now on: for want of room (0), or with an error.
        case losing(Int32)
        /// They go out again, after so many nanoseconds and lost records.
        case recovered(after: UInt64, lost: UInt64)
        case listenersWentAway(Int)
    }

    /// Records, or their copies to listeners, that were lost.
    public private(set) var lost: UInt64 = 0
    /// Listeners that went away, a stream's reader included.
    public private(set) var gone: UInt64 = 0
    // One of them is there.
    private var stream: RecordStream?
    private var file: RecordFile?
    private var server: RecordServer?
    private let pressure: OutputPressure
    private var losingSince: UInt64?
    private var lostBefore: UInt64 = 0
    private var notice: Notice?

    /// The memory that an output of records of at most so many bytes needs.
    public static func byteCount(_ target: OutputTarget, recordBytes: Int) -> Int {
        switch target {
        case .stream: recordBytes
        case .file: max(RecordFile.byteCount, recordBytes)  // the path may lead to a pipe or a device
        case .socket: RecordServer.byteCount(recordBytes: recordBytes)
        }
    }

    /// `memory`: `byteCount(_:recordBytes:)` bytes, kept as long as the output.
    public init(
        _ target: OutputTarget, pressure: OutputPressure, recordBytes: Int, memory: UnsafeMutableRawBufferPointer
    ) throws(OutputError) {
        self.pressure = pressure
        switch target {
        case .stream(let descriptor): stream = RecordStream(descriptor: descriptor, memory: memory)
        case .file(let path, let limit, let keep):
            var opened = rb_output_file()
            let descriptor = rb_open_appending(path.start, &opened)
            guard descriptor >= 0 else { throw OutputError(status: descriptor) }
            guard opened.is_regular else {
                stream = RecordStream(descriptor: descriptor, memory: memory)
                return
            }
            file = RecordFile(
                path: path, descriptor: descriptor, size: opened.count, limit: limit, keep: keep, memory: memory)
        case .socket(let path): server = try RecordServer(path: path, recordBytes: recordBytes, memory: memory)
        }
    }

    public mutating func write(_ record: UnsafeRawBufferPointer) -> Outcome {
        guard record.count > 0 else { return .goesOn }
        precondition(stream != nil || file != nil || server != nil, "closed")
        if stream != nil {
            return settleStream(pressure == .waits ? stream!.writeWaiting(record) : stream!.write(record))
        } else if file != nil {
            return settle(file!.write(record))
        }
        let (dropped, gone) = server!.write(record, waits: pressure == .waits)
        forget(listeners: gone)
        note(lost: dropped, status: 0)
        return .goesOn
    }

    /// Takes in listeners and writes what is left of the last record. To be called whenever the loop turns.
    public mutating func turn() {
        _ = stream?.flush()  // the next record finds out what is wrong
        forget(listeners: server?.flush() ?? 0)
    }

    /// Opens a file anew, for those who rename it.
    public mutating func reopen() { file?.reopen() }

    /// Gives slow readers until a time of the monotonic clock to take the rest of the last record.
    public mutating func finish(deadline: UInt64) {
        stream?.finish(deadline: deadline)
        server?.finish(deadline: deadline)
    }

    /// Gives files and sockets back; nothing can be written any more.
    public mutating func close() {
        file?.close()
        server?.close()
        (stream, file, server) = (nil, nil, nil)
    }

    /// What there is to tell, once.
    public mutating func takeNotice() -> Notice? {
        defer { notice = nil }
        return notice
    }

    private mutating func settleStream(_ result: Writing) -> Outcome {
        if case .failed(let status) = result, status == -RB_EPIPE || status == -RB_ECONNRESET {
            gone += 1
            return .readerWentAway
        }
        return settle(result)
    }

    private mutating func settle(_ result: Writing) -> Outcome {
        switch result {
        case .whole: note(lost: 0, status: 0)
        case .dropped: note(lost: 1, status: 0)
        case .failed(let status):
            note(lost: 1, status: status)
            if pressure == .waits { return .failed(status) }
        }
        return .goesOn
    }

    private mutating func note(lost count: Int, status: Int32) {
        if count > 0 {
            if losingSince == nil {
                losingSince = rb_clock_ns()
                lostBefore = lost
                notice = .losing(status)
            }
            lost += UInt64(count)
        } else if let since = losingSince {
            losingSince = nil
            notice = .recovered(after: rb_clock_ns() - since, lost: lost - lostBefore)
        }
    }

    private mutating func forget(listeners count: Int) {
        guard count > 0 else { return }
        gone += UInt64(count)
        notice = .listenersWentAway(count)
    }
}
