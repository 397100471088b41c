import Foundation
import Platform

// The one rule for files that all programs have, of platform.h: an output never is an input, nor another output; only regular
// files are replaced, through a link its target; devices and pipes are written to.

/// Says, before anything is read, that a file will be written. Throws where it is an output already, or where writing has no
/// chance: a refusal comes before long work rather than after it.
func claimOutput(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) || !isFolder.boolValue else {
        throw Failure("\(path): cannot be written, it is a folder; name a file in it")
    }
    try check(rb_claim_output(path), path, "written")
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let folder = target.deletingLastPathComponent().path
    // A device or a pipe is written to, whatever its folder is.
    if FileManager.default.fileExists(atPath: target.path), !isRegular(target.path) {
        guard access(target.path, W_OK) == 0 else {
            throw Failure("\(path): cannot be written, you may not write to it; name another output")
        }
        return
    }
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue,
        access(folder, W_OK) == 0
    else {
        throw Failure("\(path): cannot be written, \(folder) is no folder that you may write to; name another output")
    }
}

/// Throws where a file that is about to be read is an output.
func checkInput(_ path: String) throws {
    try check(rb_check_input(path), path, "read")
}

/// Replaces the claimed file by `bytes`, or leaves it as it was.
func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    try check(bytes.withUnsafeBytes { rb_replace_file(path, $0.baseAddress, $0.count) }, path, "written")
}

private func check(_ status: Int32, _ path: String, _ work: String) throws {
    guard status < 0 else { return }
    throw Failure("\(path): cannot be \(work): \(String(cString: rb_error_text(status)))")
}

private func isRegular(_ path: String) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType == .typeRegular
}
