import Foundation

/// CIFAR's binary records: a label byte (in CIFAR-100 a coarse one, then a fine one), then 32x32 reds, greens and blues.
func openCIFAR(_ folder: String, part: DataPart, coarseLabels: Bool) throws(DataError) -> Dataset {
    let pixels = 32 * 32
    let labelBytes = coarseLabels ? 2 : 1
    let recordBytes = labelBytes + 3 * pixels
    var records: [UInt8] = []
    let files = cifarFiles(folder, part: part, coarseLabels: coarseLabels)
    for path in files {
        let file = try readFile(path)
        guard file.count % recordBytes == 0 else { throw .wrongSize(path: path) }
        records += file
    }
    guard !records.isEmpty else { throw .noImages(path: folder) }
    let labels = stride(from: labelBytes - 1, to: records.count, by: recordBytes).map { Int(records[$0]) }
    return Dataset(labels: labels, files: files) { [records] index in
        let start = index * recordBytes + labelBytes
        var bytes = [UInt8](repeating: 0, count: 3 * pixels)
        for pixel in 0..<pixels {
            for channel in 0..<3 {
                bytes[3 * pixel + channel] = records[start + channel * pixels + pixel]
            }
        }
        return Picture(width: 32, height: 32, bytes: bytes)
    }
}

/// CIFAR-10's training part is up to five files, of which a thinned copy may have fewer.
private func cifarFiles(_ folder: String, part: DataPart, coarseLabels: Bool) -> [String] {
    if coarseLabels {
        return ["\(folder)/\(part == .training ? "train" : "test").bin"]
    }
    guard part == .training else { return ["\(folder)/test_batch.bin"] }
    let later = (2...5).map { "\(folder)/data_batch_\($0).bin" }
    return ["\(folder)/data_batch_1.bin"] + later.filter { FileManager.default.fileExists(atPath: $0) }
}

func readFile(_ path: String) throws(DataError) -> [UInt8] {
    do {
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
        throw FileManager.default.fileExists(atPath: path) ? .unreadable(path: path) : .missing(path: path)
    }
}
