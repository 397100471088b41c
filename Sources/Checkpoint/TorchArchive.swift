/// A zip file of torch.save: its entries, by their names below the one top folder that they all stand in.
struct TorchArchive {
    private let zip: ZipArchive
    private let folder: String

    init(_ bytes: [UInt8]) throws(CheckpointError) {
        zip = try ZipArchive(bytes)
        let pickle = "/data.pkl"
        let pickles = zip.entries.keys.filter { $0.hasSuffix(pickle) && !$0.dropLast(pickle.count).contains("/") }
        guard let folder = pickles.min()?.dropLast(pickle.count) else { throw .missingEntry("data.pkl") }
        self.folder = String(folder)

        // PyTorch's own reader accepts versions 1 to 10. Files from before PyTorch 2.1 do not state their byte order.
        let version = text(try entry("version"))
        guard let number = Int(version), (1...10).contains(number) else { throw .unsupportedVersion(version) }
        if let order = try find("byteorder"), text(order) != "little" { throw .unsupportedByteOrder(text(order)) }
    }

    func entry(_ name: String) throws(CheckpointError) -> ArraySlice<UInt8> {
        guard let found = try find(name) else { throw .missingEntry("\(folder)/\(name)") }
        return found
    }

    private func find(_ name: String) throws(CheckpointError) -> ArraySlice<UInt8>? {
        try zip.data(of: "\(folder)/\(name)")
    }

    /// A short text without the line feed that may end it.
    private func text(_ data: ArraySlice<UInt8>) -> String {
        String(decoding: data.prefix(32).prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
