import ModelFormat

/// A verified model file in memory.
public final class ModelFile: @unchecked Sendable {
    public let model: Model
    private let memory: AlignedMemory

    /// Verifies a copy of `bytes`.
    public init(_ bytes: [UInt8]) throws(ModelError) {
        memory = AlignedMemory(byteCount: bytes.count)
        memory.bytes.copyBytes(from: bytes)
        model = try Model(verifying: UnsafeRawBufferPointer(memory.bytes))
    }

    public var classNames: [String] {
        (0..<Int(model.head.classes)).map { String(decoding: model.className($0), as: UTF8.self) }
    }

    /// Training images per class; empty where the file does not say.
    public var classCounts: [Int] {
        (0..<Int(model.head.classes)).compactMap { model.classCount($0).map(Int.init) }
    }
}
