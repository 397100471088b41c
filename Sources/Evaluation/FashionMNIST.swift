import Zlib

/// Fashion-MNIST as it is published: gzipped IDX files. Grey becomes red = green = blue, and a border of two black pixels, the
/// data set's own background, makes 32x32 of 28x28.
func openFashionMNIST(_ folder: String, part: DataPart) throws(DataError) -> Dataset {
    let prefix = part == .training ? "train" : "t10k"
    let side = 28
    let imagesPath = "\(folder)/\(prefix)-images-idx3-ubyte.gz"
    let images = try readIDX(imagesPath, itemShape: [side, side])
    let labelsPath = "\(folder)/\(prefix)-labels-idx1-ubyte.gz"
    let labels = try readIDX(labelsPath, itemShape: [])
    guard images.count == labels.count * side * side else {
        throw .labelsDoNotMatch(path: labelsPath, images: images.count / (side * side), labels: labels.count)
    }
    return Dataset(labels: labels.map(Int.init), files: [imagesPath, labelsPath]) { index in
        let border = 2
        let padded = side + 2 * border
        var bytes = [UInt8](repeating: 0, count: 3 * padded * padded)
        for y in 0..<side {
            for x in 0..<side {
                let grey = images[(index * side + y) * side + x]
                let start = 3 * ((y + border) * padded + x + border)
                bytes.replaceSubrange(start..<start + 3, with: repeatElement(grey, count: 3))
            }
        }
        return Picture(width: padded, height: padded, bytes: bytes)
    }
}

/// The bytes of a gzipped IDX file: 0, 0, 8 for unsigned bytes, the number of dimensions, each size as a big-endian
/// 32-bit number, the values. `itemShape` is what the sizes after the first must be.
private func readIDX(_ path: String, itemShape: [Int]) throws(DataError) -> [UInt8] {
    guard let file = gzopen(path, "rb") else { throw .missing(path: path) }
    defer { gzclose(file) }
    let headerBytes = 4 * (itemShape.count + 2)
    let header = try read(headerBytes, from: file, path: path)
    let sizes = stride(from: 4, to: headerBytes, by: 4).map { start in
        header[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let mostItems = 1_000_000
    guard header[..<4] == [0, 0, 8, UInt8(itemShape.count + 1)], Array(sizes[1...]) == itemShape,
        (1...mostItems).contains(sizes[0])
    else { throw .notIDX(path: path) }
    let values = try read(sizes.reduce(1, *), from: file, path: path)
    var excess: UInt8 = 0
    guard gzread(file, &excess, 1) == 0 else { throw .wrongSize(path: path) }
    return values
}

private func read(_ count: Int, from file: gzFile, path: String) throws(DataError) -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = max(0, Int(gzread(file, buffer.baseAddress, UInt32(count))))
    }
    guard bytes.count == count else { throw .wrongSize(path: path) }
    return bytes
}
