import Foundation
import Images

/// A folder of folders of pictures, one folder a class. A folder is named by its class's name or number; without class
/// names the folders take the numbers 0, 1, ... in the order of their names.
func openImageFolders(_ folder: String, classNames: [String]?) throws(DataError) -> Dataset {
    var paths: [String] = []
    var labels: [Int] = []
    let classFolders = try entries(of: folder).filter { isFolder("\(folder)/\($0)") }
    for (rank, name) in classFolders.enumerated() {
        guard let label = label(of: name, rank: rank, classNames: classNames) else {
            throw .unknownClassFolder(path: "\(folder)/\(name)")
        }
        for file in try entries(of: "\(folder)/\(name)") where isPicture(file) {
            paths.append("\(folder)/\(name)/\(file)")
            labels.append(label)
        }
    }
    guard !paths.isEmpty else { throw .noImages(path: folder) }
    return Dataset(labels: labels) { [paths] index throws(DataError) in try decode(paths[index]) }
}

/// A text file with a line "path label" for each picture, the paths relative to `root`.
func openList(_ file: String, root: String) throws(DataError) -> Dataset {
    let text = String(decoding: try readFile(file), as: UTF8.self)
    var paths: [String] = []
    var labels: [Int] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let line = line.trimmingCharacters(in: .whitespaces)
        guard !line.isEmpty else { continue }
        guard let space = line.lastIndex(of: " "), let label = Int(line[line.index(after: space)...]), label >= 0 else {
            throw .badLine(path: file, line: number + 1)
        }
        paths.append("\(root)/\(line[..<space].trimmingCharacters(in: .whitespaces))")
        labels.append(label)
    }
    guard !paths.isEmpty else { throw .noImages(path: file) }
    return Dataset(labels: labels) { [paths] index throws(DataError) in try decode(paths[index]) }
}

private func label(of folder: String, rank: Int, classNames: [String]?) -> Int? {
    guard let classNames else { return rank }
    if let label = classNames.firstIndex(of: folder) {
        return label
    }
    return Int(folder).flatMap { classNames.indices.contains($0) ? $0 : nil }
}

/// The names in a folder, sorted, so that every machine sees them in one order.
private func entries(of folder: String) throws(DataError) -> [String] {
    do {
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
        throw FileManager.default.fileExists(atPath: folder) ? .unreadable(path: folder) : .missing(path: folder)
    }
}

private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

private func isPicture(_ name: String) -> Bool {
    ["jpg", "jpeg", "png", "ppm", "pgm"].contains(URL(fileURLWithPath: name).pathExtension.lowercased())
}

private func decode(_ path: String) throws(DataError) -> Picture {
    let file = try readFile(path)
    var info = rb_image_info()
    var message = [CChar](repeating: 0, count: Int(RB_IMAGE_MESSAGE_BYTES))
    var bytes: [UInt8] = []
    var status = rb_image_probe(file, file.count, &info, &message)
    if status == RB_IMAGE_OK {
        bytes = [UInt8](repeating: 0, count: 3 * Int(info.width) * Int(info.height))
        status = rb_image_decode(file, file.count, &bytes, bytes.count, &message)
    }
    guard status == RB_IMAGE_OK else {
        let reason = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        throw .undecodable(path: path, reason: reason)
    }
    return Picture(width: Int(info.width), height: Int(info.height), bytes: bytes)
}
