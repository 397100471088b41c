import Platform

/// What became of a record.
enum Writing: Equatable {
    case whole
    /// There was no room for any of it.
    case dropped
    /// Linux's negative error number.
    case failed(Int32)
}

/// Whole records to a pipe, socket or terminal, without waiting. The part of a record that did not fit is kept and
/// written first; until then other records find no room.
struct RecordStream {
    let descriptor: Int32
    /// What is still to be written of the last record: `memory[start..<end]`.
    private let memory: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    /// `memory`: as large as a record can be, kept as long as the stream.
    init(descriptor: Int32, memory: UnsafeMutableRawBufferPointer) {
        self.descriptor = descriptor
        self.memory = memory
    }

    mutating func write(_ record: UnsafeRawBufferPointer) -> Writing {
        let status = flush()
        guard status == 0 else { return .failed(status) }
        guard start == end else { return .dropped }
        let written = rb_write_some(descriptor, record.baseAddress, record.count)
        guard written >= 0 else { return .failed(Int32(written)) }
        guard written > 0 else { return .dropped }
        let rest = UnsafeRawBufferPointer(rebasing: record[written...])
        memory.copyMemory(from: rest)
        (start, end) = (0, rest.count)
        return .whole
    }

    /// The same, but waits until the record fits. The stop of the program ends the waiting.
    mutating func writeWaiting(_ record: UnsafeRawBufferPointer) -> Writing {
        var result = write(record)
        while result == .dropped && rb_wait_writable(descriptor, UInt64.max) == 0 {
            result = write(record)
        }
        return result
    }

    /// Writes what it can of the rest; 0, or a negative error number.
    mutating func flush() -> Int32 {
        guard start < end else { return 0 }
        let written = rb_write_some(descriptor, memory.baseAddress! + start, end - start)
        guard written >= 0 else { return Int32(written) }
        start += written
        return 0
    }

    /// Writes the rest, and waits for the reader until a time of the monotonic clock, even where the program is to stop.
    mutating func finish(deadline: UInt64) {
        guard start < end else { return }
        rb_write_until(descriptor, memory.baseAddress! + start, end - start, deadline)
        start = end
    }
}
