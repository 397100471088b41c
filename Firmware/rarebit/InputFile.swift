import Platform
import Text

/// A regular file, open for reading.
struct InputFile: ~Copyable {
    let path: CText
    /// Bytes, when it was opened.
    let count: Int
    let descriptor: Int32

    /// `limit`: the most bytes that it may have.
    init(path: CText, limit: Int = .max) throws(ProgramError) {
        var state = rb_file_state()
        let descriptor = rb_open_input(path.start, &state)
        guard descriptor >= 0 else { throw .failure(.unreadableFile(path, status: descriptor)) }
        guard let count = Int(exactly: state.count), count <= limit else {
            rb_close(descriptor)
            throw .failure(.unreadableFile(path, status: -RB_EFBIG))
        }
        (self.path, self.descriptor, self.count) = (path, descriptor, count)
    }

    /// Reads from the beginning; how many bytes there were, or a negative error number.
    func read(into memory: UnsafeMutableRawBufferPointer) -> Int {
        rb_read_at(descriptor, 0, memory.baseAddress, memory.count)
    }

    deinit { rb_close(descriptor) }
}
