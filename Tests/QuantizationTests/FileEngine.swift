import Inference
import ModelFormat

/// Calls `body` with an engine that computes a file's model by the plain C reference.
func withEngine<Result>(of file: [UInt8], _ body: (Engine) throws -> Result) throws -> Result {
    try file.withUnsafeBytes { bytes in
        let model = try Model(verifying: bytes)
        let size = try Engine.arenaBytes(model: model, path: .reference)
        let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { arena.deallocate() }
        arena.initializeMemory(as: UInt8.self, repeating: 0)
        return try body(Engine(model: model, path: .reference, arena: arena))
    }
}

extension Engine {
    /// Quantises a normalised image, `[channels][height][width]`, into the input.
    func show(_ image: [Float]) {
        let tensor = model.input.tensor
        let pixels = Int(tensor.height * tensor.width)
        for (index, value) in image.enumerated() {
            let byte = (value / tensor.scale).rounded(.toNearestOrEven) + Float(tensor.zeroPoint)
            input[index % pixels * 4 + index / pixels] = UInt8(min(max(byte, 0), 255))
        }
    }
}
