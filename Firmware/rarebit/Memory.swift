import Platform
import Text

/// Zeroed memory of its own, mapped for as long as the value lives.
struct Memory: ~Copyable {
    private let mapping: rb_memory
    private let count: Int

    /// An anonymous area of exactly `count` bytes, page-aligned.
    init(count: Int) throws(ProgramError) {
        var mapping = rb_memory()
        let status = rb_map_memory(count, &mapping)
        guard status == 0 else { throw .failure(.noMemory(bytes: count, status: status)) }
        (self.mapping, self.count) = (mapping, count)
    }

    /// A copy of a whole file: nothing that happens to the file reaches it. Of a file that has become shorter meanwhile, what
    /// there is.
    init(copyOf file: borrowing InputFile) throws(ProgramError) {
        var mapping = rb_memory()
        let status = file.count > 0 ? rb_map_memory(file.count, &mapping) : 0
        guard status == 0 else { throw .failure(.noMemory(bytes: file.count, status: status)) }
        let read = file.read(into: UnsafeMutableRawBufferPointer(start: mapping.bytes, count: mapping.count))
        guard read >= 0 else {
            rb_unmap(&mapping)
            throw .failure(.unreadableFile(file.path, status: Int32(read)))
        }
        (self.mapping, count) = (mapping, read)
    }

    /// An anonymous area that lasts as long as the program.
    static func keeping(count: Int) throws(ProgramError) -> UnsafeMutableRawBufferPointer {
        var mapping = rb_memory()
        let status = rb_map_memory(count, &mapping)
        guard status == 0 else { throw .failure(.noMemory(bytes: count, status: status)) }
        return UnsafeMutableRawBufferPointer(start: mapping.bytes, count: mapping.count)
    }

    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: mapping.bytes, count: count)
    }

    deinit {
        var mapping = mapping
        rb_unmap(&mapping)
    }
}
