import Foundation
import Images
import TIFFImages

/// Files of pictures that belong together, each with its class.
struct PictureFiles {
    var paths: [String] = []
    var labels: [Int] = []
    /// The text file that lists them.
    var list: String?
    /// What was found and left aside, or assumed.
    var notes: [String] = []
    var classFolders: ClassFolders?
}

extension PictureFiles {
    /// A folder of folders of pictures, one folder a class; see `ClassFolders` for which. Folders inside a class's folder belong
    /// to it. Without `classNames` and `classCount` nothing depends on which class is which.
    init(inFolder folder: String, classNames: [String]?, classCount: Int?) throws(DataError) {
        let names = try entries(of: folder).filter { isFolder("\(folder)/\($0)") }
        let classes = try ClassFolders(names, in: folder, classNames: classNames, classCount: classCount)
        classFolders = classes
        var others = OtherFiles()
        for (name, label) in zip(classes.folders, classes.labels) {
            for path in try files(below: "\(folder)/\(name)") {
                guard isNamedLikePicture(path) else {
                    others.count(path)
                    continue
                }
                paths.append(path)
                labels.append(label)
            }
        }
        guard !paths.isEmpty else { throw .noImages(path: folder) }
        notes = others.notes(folder)
    }

    /// A text file with a line "path label" for each picture, the paths relative to `root`.
    init(listedIn file: String, root: String) throws(DataError) {
        list = file
        let text = String(decoding: try readFile(file), as: UTF8.self)
        for (number, line) in textLines(text).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty else { continue }
            guard let space = line.lastIndex(where: { $0 == " " || $0 == "\t" }),
                let label = Int(line[line.index(after: space)...]), label >= 0
            else { throw .badLine(path: file, line: number + 1) }
            paths.append("\(root)/\(line[..<space].trimmingCharacters(in: .whitespaces))")
            labels.append(label)
        }
        guard !paths.isEmpty else { throw .noImages(path: file) }
    }
}

/// The names in a folder in the order of their UTF-8 bytes, so that every machine sees them in one order.
private func entries(of folder: String) throws(DataError) -> [String] {
    do {
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
        throw FileManager.default.fileExists(atPath: folder) ? .unreadable(path: folder) : .missing(path: folder)
    }
}

/// Every file in a folder and in those inside it, in the order of their paths. A loop of links ends at its depth.
private func files(below folder: String, depth: Int = 0) throws(DataError) -> [String] {
    guard depth < 16 else { return [] }
    var files: [String] = []
    for name in try entries(of: folder) {
        let path = "\(folder)/\(name)"
        if isFolder(path) {
            files += name.hasPrefix(".") ? [] : try Evaluation.files(below: path, depth: depth + 1)
        } else {
            files.append(path)
        }
    }
    return files
}

private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

/// What a file is, its content says; but data sets hold notes and indices too, which nobody wants to hear of as bad pictures.
private func isNamedLikePicture(_ path: String) -> Bool {
    let url = URL(fileURLWithPath: path)
    return !url.lastPathComponent.hasPrefix(".") && pictureEndings.contains(url.pathExtension.lowercased())
}

private let pictureEndings: Set = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "gif", "tif", "tiff", "ppm", "pgm", "pnm",
]

/// Files that are not named like pictures, counted by the endings of their names.
private struct OtherFiles {
    private var counts: [String: Int] = [:]

    mutating func count(_ path: String) {
        let url = URL(fileURLWithPath: path)
        let isHidden = url.lastPathComponent.hasPrefix(".")
        let ending = url.pathExtension.isEmpty ? "without an ending" : ".\(url.pathExtension.lowercased())"
        counts[isHidden ? "hidden" : ending, default: 0] += 1
    }

    func notes(_ folder: String) -> [String] {
        guard !counts.isEmpty else { return [] }
        let kinds = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(6).map { "\($0.value) \($0.key)" }
        let all = counts.values.reduce(0, +)
        return ["\(folder): \(all) files are not named like pictures and passed over: \(kinds.joined(separator: ", "))"]
    }
}

/// Throws where the file cannot be read. `ignoresEXIF` leaves the picture as it is stored.
func decodePicture(_ path: String, ignoresEXIF: Bool) throws(DataError) -> Picture {
    let file = try readFile(path)
    var message = [CChar](repeating: 0, count: Int(RB_IMAGE_MESSAGE_BYTES))
    let isTIFF = rb_tiff_recognise(file, file.count)
    var (width, height) = (Int32(0), Int32(0))
    var bytes: [UInt8] = []
    var isRead: Bool
    if isTIFF {
        isRead = rb_tiff_probe(file, file.count, ignoresEXIF, &width, &height, &message)
    } else {
        var info = rb_image_info()
        isRead = rb_image_probe(file, file.count, ignoresEXIF, &info, &message) == RB_IMAGE_OK
        (width, height) = (info.width, info.height)
    }
    if isRead {
        bytes = [UInt8](repeating: 0, count: 3 * Int(width) * Int(height))
        isRead =
            isTIFF
            ? rb_tiff_decode(file, file.count, ignoresEXIF, &bytes, bytes.count, &message)
            : rb_image_decode(file, file.count, ignoresEXIF, &bytes, bytes.count, &message) == RB_IMAGE_OK
    }
    let text = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard isRead else { throw .undecodable(path: path, reason: text) }
    return Picture(width: Int(width), height: Int(height), bytes: bytes, warning: text.isEmpty ? nil : text)
}
