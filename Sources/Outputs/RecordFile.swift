import Platform
import Text

/// Whole records appended to a file, which makes room for a new one when it is full: PATH becomes PATH.1, that PATH.2 and
/// so on. Readers that follow the file see every record, in order, in one file or the next.
struct RecordFile {
    private let path: CText
    /// Where the path leads, links followed: the full file stays beside it, on the disk that was meant.
    private let realPath: UnsafeMutablePointer<CChar>
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

    /// The memory that a file needs.
    static var byteCount: Int { Int(RB_PATH_BYTES) }

    /// `descriptor`: of the open file, of `size` bytes. `memory`: `byteCount` bytes, kept as long as the file.
    init(
        path: CText, descriptor: Int32, size: UInt64, limit: UInt64?, keep: Int,
        memory: UnsafeMutableRawBufferPointer
    ) {
        self.path = path
        self.descriptor = descriptor
        self.size = size
        self.limit = limit
        self.keep = Int32(keep)
        realPath = memory.bindMemory(to: CChar.self).baseAddress!
        nextRotation = UInt64.max
        expectRotation()
    }

    /// The file was opened, or could not be: without a path to rename, it grows for ever.
    private mutating func expectRotation() {
        let isKnown = descriptor >= 0 && rb_real_path(path.start, realPath) == 0
        nextRotation = isKnown ? limit ?? UInt64.max : UInt64.max
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
        var file = rb_output_file()
        descriptor = rb_open_appending(path.start, &file)
        size = file.count
        expectRotation()
        return descriptor >= 0
    }

    private mutating func rotate() {
        if makeRoom() {
            reopen()
        } else {
            // Too large is better than lost.
            nextRotation = size + (limit ?? 0)
        }
    }

    /// Renames the full files, oldest first. False where one cannot be: what would be in the way must stay.
    private func makeRoom() -> Bool {
        var number = keep - 1
        while number >= 0 {
            let status = rb_rename_numbered(realPath, number, number + 1)
            // Not all of the older ones need be there yet.
            guard status == 0 || (status == -RB_ENOENT && number > 0) else { return false }
            number -= 1
        }
        return true
    }
}
