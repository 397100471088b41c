import Platform

/// Whole records appended to a file, which makes room for a new one when it is full: PATH becomes PATH.1, that PATH.2 and
/// so on. Readers that follow the file see every record, in order, in one file or the next.
struct RecordFile {
    private let path: UnsafePointer<CChar>
    /// The most bytes a file may have; nil: it grows for ever.
    private let limit: UInt64?
    /// How many full files are kept.
    private let keep: Int32
    private var descriptor: Int32
    private var size: UInt64 = 0
    /// Where a full file could not be renamed, the size at which to try again.
    private var nextRotation: UInt64
    private var nextOpening: UInt64 = 0

    private static var openingInterval: UInt64 { 1_000_000_000 }

    /// Throws a negative error number.
    init(path: UnsafePointer<CChar>, limit: UInt64?, keep: Int) throws(OutputError) {
        self.path = path
        self.limit = limit
        self.keep = Int32(keep)
        nextRotation = limit ?? UInt64.max
        descriptor = rb_open_appending(path, &size)
        guard descriptor >= 0 else { throw OutputError(status: descriptor) }
    }

    func close() {
        if descriptor >= 0 {
            rb_close(descriptor)
        }
    }

    mutating func write(_ record: UnsafeRawBufferPointer) -> Writing {
        if size > 0 && size + UInt64(record.count) > nextRotation {
            rotate()
        }
        guard descriptor >= 0 || reopen() else { return .failed(descriptor) }
        let status = rb_append_whole(descriptor, record.baseAddress, record.count, size)
        guard status == 0 else { return .failed(status) }
        size += UInt64(record.count)
        return .whole
    }

    /// Opens the path anew: another program may have renamed the file. False, with the error number in place of the
    /// descriptor, where that fails; the next record tries again, a second later at the earliest.
    @discardableResult
    mutating func reopen() -> Bool {
        let now = rb_clock_ns()
        guard descriptor >= 0 || now >= nextOpening else { return false }
        if descriptor >= 0 {
            rb_close(descriptor)
        }
        nextOpening = now + Self.openingInterval
        descriptor = rb_open_appending(path, &size)
        nextRotation = limit ?? UInt64.max
        return descriptor >= 0
    }

    private mutating func rotate() {
        var number = keep - 1
        while number >= 1 {
            // Not all of them need be there yet.
            _ = rb_rename_numbered(path, number, number + 1)
            number -= 1
        }
        if rb_rename_numbered(path, 0, 1) == 0 {
            reopen()
        } else {
            // Too large is better than lost.
            nextRotation = size + (limit ?? 0)
        }
    }
}
