import Platform
import Text

/// Whole records to everybody who is connected to a Unix socket. Listeners come and go; one that does not keep up misses
/// whole records.
struct RecordServer {
    static var mostListeners: Int { 8 }

    private let path: CText
    private let listener: Int32
    private let memory: UnsafeMutableRawBufferPointer
    private let recordBytes: Int
    private var streams: InlineArray<8, RecordStream?>  // mostListeners

    /// The memory that a server for records of at most so many bytes needs.
    static func byteCount(recordBytes: Int) -> Int { mostListeners * recordBytes }

    /// `memory`: `byteCount(recordBytes:)` bytes, kept as long as the server. Throws a negative error number.
    init(
        path: CText, recordBytes: Int, memory: UnsafeMutableRawBufferPointer
    ) throws(OutputError) {
        listener = rb_unix_listen(path.start)
        self.path = path
        self.memory = memory
        self.recordBytes = recordBytes
        streams = InlineArray(repeating: nil)
        guard listener >= 0 else { throw OutputError(status: listener) }
    }

    /// Ends the service; the socket goes.
    func close() {
        for index in 0..<Self.mostListeners {
            if let stream = streams[index] {
                rb_close(stream.descriptor)
            }
        }
        rb_close(listener)
        _ = rb_remove_file(path.start)
    }

    /// Takes in who connected meanwhile; those for whom there is no place are turned away.
    mutating func acceptListeners() {
        while true {
            let descriptor = rb_accept(listener)
            guard descriptor >= 0 else { return }
            guard let place = freePlace() else {
                rb_close(descriptor)
                continue
            }
            let part = UnsafeMutableRawBufferPointer(
                rebasing: memory[(place * recordBytes)..<((place + 1) * recordBytes)])
            streams[place] = RecordStream(descriptor: descriptor, memory: part)
        }
    }

    /// To how many listeners the record did not go because they do not keep up, and how many went away.
    mutating func write(_ record: UnsafeRawBufferPointer, waits: Bool) -> (dropped: Int, gone: Int) {
        acceptListeners()
        var (dropped, gone) = (0, 0)
        for index in 0..<Self.mostListeners {
            guard var stream = streams[index] else { continue }
            let result = waits ? stream.writeWaiting(record) : stream.write(record)
            streams[index] = stream
            switch result {
            case .whole: break
            case .dropped: dropped += 1
            case .failed:
                forget(index)
                gone += 1
            }
        }
        return (dropped, gone)
    }

    /// How many listeners went away.
    mutating func flush() -> Int {
        acceptListeners()
        var gone = 0
        for index in 0..<Self.mostListeners {
            guard var stream = streams[index] else { continue }
            let status = stream.flush()
            streams[index] = stream
            if status != 0 {
                forget(index)
                gone += 1
            }
        }
        return gone
    }

    mutating func finish(deadline: UInt64) {
        for index in 0..<Self.mostListeners {
            guard var stream = streams[index] else { continue }
            stream.finish(deadline: deadline)
            streams[index] = stream
        }
    }

    private mutating func forget(_ index: Int) {
        if let stream = streams[index] {
            rb_close(stream.descriptor)
        }
        streams[index] = nil
    }

    private func freePlace() -> Int? {
        for index in 0..<Self.mostListeners where streams[index] == nil { return index }
        return nil
    }
}
