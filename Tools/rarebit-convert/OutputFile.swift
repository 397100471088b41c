import Foundation

/// Replaces the file at `path` by `bytes`, or leaves it as it was: written aside in the same folder, synchronised, renamed.
func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    var aside = Array("\(path).XXXXXX".utf8CString)
    let descriptor = mkstemp(&aside)
    guard descriptor >= 0 else { throw writeFailure(path) }
    do {
        try write(bytes, to: descriptor, path: path)
        // mkstemp lets only the owner read; a model is an ordinary file.
        let mask = umask(0)
        umask(mask)
        guard fchmod(descriptor, 0o666 & ~mask) == 0, fsync(descriptor) == 0, rename(aside, path) == 0 else {
            throw writeFailure(path)
        }
        close(descriptor)
    } catch {
        close(descriptor)
        unlink(aside)
        throw error
    }
}

/// Whether `replaceFile` has a chance, for a refusal before long work rather than after it.
func checkWritable(_ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    guard exists, isFolder.boolValue, access(folder, W_OK) == 0 else {
        throw Failure("\(path): cannot be written, \(folder) is no folder that you may write to; name another output")
    }
    guard !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) || !isFolder.boolValue else {
        throw Failure("\(path): cannot be written, it is a folder; name a file in it")
    }
}

private func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes {
            Foundation.write(descriptor, $0.baseAddress! + written, $0.count - written)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw writeFailure(path) }
        written += count
    }
}

private func writeFailure(_ path: String) -> Failure {
    Failure("\(path): cannot be written (\(String(cString: strerror(errno)))); check the folder and the space left")
}
