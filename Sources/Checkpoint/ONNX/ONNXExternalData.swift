import Foundation

/// Numbers of an ONNX file's tensors that stand in files beside it, as `torch.onnx.export` writes them by default.
///
/// The tensors say where: a location, which is a path within the ONNX file's folder, and a range of bytes. Every file is read
/// once, up to the last byte that a tensor has there.
public struct ONNXExternalData {
    /// Gives the first bytes, as many as are asked for, of a file by its location.
    public typealias Source = (_ location: String, _ count: Int) throws(ExternalDataFault) -> [UInt8]

    /// Has no files.
    public static func none(_ location: String, _ count: Int) throws(ExternalDataFault) -> [UInt8] {
        throw .notAtHand(location: location)
    }

    /// Those of the folder of an ONNX file.
    static func beside(_ path: String) -> Source {
        let folder = Folder(path: URL(filePath: path).deletingLastPathComponent().path)
        return { location, count throws(ExternalDataFault) in try folder.bytes(of: location, count: count) }
    }

    private var files: [String: [UInt8]] = [:]

    /// The locations of the files, in order.
    var locations: [String] { files.keys.sorted() }

    init(of tensors: [ONNXTensorProto], from source: Source) throws(CheckpointError) {
        var ends: [String: (bytes: Int, tensor: String)] = [:]
        for tensor in tensors where tensor.dataLocation != 0 {
            let (location, range) = try Self.place(of: tensor)
            if range.upperBound >= ends[location]?.bytes ?? 0 { ends[location] = (range.upperBound, tensor.name) }
        }
        for (location, end) in ends.sorted(by: { $0.key < $1.key }) {
            do throws(ExternalDataFault) {
                let bytes = try source(location, end.bytes)
                guard bytes.count >= end.bytes else {
                    throw .tooShort(location: location, bytes: bytes.count, needed: end.bytes)
                }
                files[location] = bytes
            } catch {
                throw .externalData(end.tensor, error)
            }
        }
    }

    func bytes(of tensor: ONNXTensorProto) throws(CheckpointError) -> ArraySlice<UInt8> {
        let (location, range) = try Self.place(of: tensor)
        guard let file = files[location] else { throw .externalData(tensor.name, .notAtHand(location: location)) }
        return file[range]
    }

    /// A tensor that states no length has that of its numbers.
    private static func place(of tensor: ONNXTensorProto) throws(CheckpointError) -> (String, Range<Int>) {
        let entries = Dictionary(tensor.externalData.map { ($0.key, $0.value) }) { first, _ in first }
        let count = elementCount(tensor.dims.map(Int.init)) ?? .max
        let (bytes, overflows) = count.multipliedReportingOverflow(by: ElementType(onnx: tensor.dataType)?.size ?? 1)
        guard tensor.dataLocation == 1, let location = entries["location"], !overflows,
            let offset = Int(entries["offset"] ?? "0"), let length = Int(entries["length"] ?? "\(bytes)"),
            offset >= 0, length >= 0, offset <= .max - length
        else { throw .externalData(tensor.name, .malformed) }
        return (location, offset..<offset + length)
    }
}

extension ONNXExternalData {
    /// The folder of an ONNX file, outside of which nothing is read: the file may come from anywhere.
    private struct Folder {
        let path: String

        func bytes(of location: String, count: Int) throws(ExternalDataFault) -> [UInt8] {
            let parts = location.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { ["", ".", ".."].contains($0) || $0.contains("\0") }) else {
                throw .outsideTheFolder(location: location)
            }
            let root = URL(filePath: path).resolvingSymlinksInPath().path
            let file = URL(filePath: root).appending(path: location)
            guard FileManager.default.fileExists(atPath: file.path) else { throw .missing(location: location) }
            guard file.resolvingSymlinksInPath().path == file.path else { throw .outsideTheFolder(location: location) }
            do {
                return try readFile(file.path, atMost: count)
            } catch {
                throw .unreadable(location: location, error.reason)
            }
        }
    }
}

extension CheckpointError {
    fileprivate var reason: String {
        if case .unreadable(let reason) = self { reason } else { description }
    }
}
