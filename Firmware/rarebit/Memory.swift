import Platform

/// Zeroed memory of its own, mapped for as long as the value lives.
struct Memory: ~Copyable {
    private var mapping = rb_memory()

    /// An anonymous area of exactly `count` bytes, page-aligned.
    init(count: Int) throws(ProgramError) {
        let status = rb_map_memory(count, &mapping)
        guard status == 0 else { throw .noMemory(bytes: count, status) }
    }

    /// A whole file, read-only.
    init(file path: UnsafePointer<CChar>) throws(ProgramError) {
        let status = rb_map_file(path, &mapping)
        guard status == 0 else { throw .unreadableFile(path, status) }
    }

    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: mapping.bytes, count: mapping.count)
    }

    deinit {
        var mapping = mapping
        rb_unmap(&mapping)
    }
}
