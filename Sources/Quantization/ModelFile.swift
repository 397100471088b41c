import ModelFormat

/// A verified model file in memory; nothing changes it, so threads may share it.
public final class ModelFile: @unchecked Sendable {
    /// A view into `memory`: only to be used while this object lives.
    package let model: Model
    private let memory: AlignedMemory

    /// Verifies a copy of `bytes`.
    public init(_ bytes: [UInt8]) throws(ModelError) {
        memory = AlignedMemory(byteCount: bytes.count)
        memory.bytes.copyBytes(from: bytes)
        model = try Model(verifying: UnsafeRawBufferPointer(memory.bytes))
    }

    /// Hands out the model for the duration of `body`.
    public func withModel<Result>(_ body: (Model) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(model) }
    }

    /// Whether the head can be adjusted by an alpha.
    public var hasAdjustment: Bool { model.head.hasDirections == 1 }

    /// How it prepares its pictures.
    public var input: ModelInput { ModelInput(model.input) }

    /// What the file says of where it comes from, by key; nil where it does not.
    public func provenance(_ key: String) -> String? {
        String(decoding: model.provenance, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("\(key): ") }.map { String($0.dropFirst(key.count + 2)) }
    }

    public var defaultAlpha: Float { model.head.defaultAlpha }

    public var classNames: [String] {
        (0..<Int(model.head.classes)).map { String(decoding: model.className($0), as: UTF8.self) }
    }

    /// Training images per class; empty where the file does not say.
    public var classCounts: [Int] {
        (0..<Int(model.head.classes)).compactMap { model.classCount($0).map(Int.init) }
    }
}
