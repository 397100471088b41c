import Foundation

/// The bytes of a regular file, of a longer one the first `limit`. Devices, pipes and folders are refused, so that reading
/// always ends.
func readFile(_ path: String, atMost limit: Int = .max) throws(CheckpointError) -> [UInt8] {
    let resolved = URL(filePath: path).resolvingSymlinksInPath().path
    guard FileManager.default.fileExists(atPath: resolved) else { throw .missingFile }
    do {
        let attributes = try FileManager.default.attributesOfItem(atPath: resolved)
        guard attributes[.type] as? FileAttributeType == .typeRegular else {
            throw CheckpointError.unreadable("not a regular file")
        }
        let file = try FileHandle(forReadingFrom: URL(filePath: resolved))
        defer { try? file.close() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(attributes[.size] as? Int ?? 0, limit))
        // In pieces, so that the file is never in memory twice.
        while bytes.count < limit, let piece = try file.read(upToCount: min(1 << 20, limit - bytes.count)),
            !piece.isEmpty
        {
            bytes.append(contentsOf: piece)
        }
        return bytes
    } catch let error as CheckpointError {
        throw error
    } catch {
        throw .unreadable(error.localizedDescription)
    }
}
