/// A picture in memory: rows from the top, each `width` pixels of the bytes R, G, B.
public struct Picture: Equatable, Sendable {
    public let width: Int
    public let height: Int
    public let bytes: [UInt8]
    /// What was odd about its file, though every pixel could be read.
    public let warning: String?

    public init(width: Int, height: Int, bytes: [UInt8], warning: String? = nil) {
        precondition(bytes.count == 3 * width * height)
        self.width = width
        self.height = height
        self.bytes = bytes
        self.warning = warning
    }
}
