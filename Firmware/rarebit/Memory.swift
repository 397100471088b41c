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

    /// An anonymous area that lasts as long as the program.
    static func keeping(count: Int) throws(ProgramError) -> UnsafeMutableRawBufferPointer {
        var mapping = rb_memory()
        let status = rb_map_memory(count, &mapping)
        guard status == 0 else { throw .noMemory(bytes: count, status) }
        return UnsafeMutableRawBufferPointer(start: mapping.bytes, count: mapping.count)
    }

    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: mapping.bytes, count: mapping.count)
    }

    deinit {
        var mapping = mapping
        rb_unmap(&mapping)
    }
}
