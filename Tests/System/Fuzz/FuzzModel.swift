import Foundation
import Inference
import ModelFormat
import TinyModel

/// The tiny model, alone and with an operation of each kind that has no weights of a convolution; false where one would not
/// pass the verifier, or could not be written.
func writeModelSeeds(to folder: String) -> Bool {
    let kinds: [OperationKind] = [
        .lookup, .multiply, .averagePool, .maxPool, .constant, .rearrange, .resample, .softmax, .layerNorm, .l2Norm,
        .matrixProduct,
    ]
    var judged = TinyModel.contents
    judged.exemptedClasses = [1, 3]
    judged.temperatures = [.init(alpha: 0, temperature: 1.5), .init(alpha: 1, temperature: 0.75)]
    return ([TinyModel.contents, judged] + kinds.map { TinyModel.contents(with: $0) }).enumerated().allSatisfy {
        number, contents in
        let file = contents.serialized()
        let aligned = AlignedBytes(file)
        guard (try? Model(verifying: aligned.readOnly)) != nil else { return false }
        return FileManager.default.createFile(atPath: "\(folder)/seed-\(number).rbit", contents: Data(file))
    }
}

/// Verifies a model and, where it passes, runs one frame on every path of this processor.
///
/// The checksum is put right first: nearly every change would otherwise end there.
@Sendable func fuzzModel(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let checksumOffset = 24
    let file = AlignedBytes([UInt8](UnsafeBufferPointer(start: data, count: count)))
    if count >= checksumOffset + 4 {
        // Over the whole file, with these bytes as zero.
        file.bytes.storeBytes(of: 0, toByteOffset: checksumOffset, as: UInt32.self)
        var checksum = Checksum()
        checksum.update(UnsafeRawBufferPointer(file.bytes))
        file.bytes.storeBytes(of: checksum.value.littleEndian, toByteOffset: checksumOffset, as: UInt32.self)
    }
    guard let model = try? Model(verifying: UnsafeRawBufferPointer(file.bytes)), isQuick(model) else { return 0 }
    runOnEveryPath(model)
    return 0
}

/// One frame on each path of this processor.
func runOnEveryPath(_ model: Model) {
    for path in (0..<ExecutionPath.count).compactMap(ExecutionPath.init) where path.isAvailable {
        run(model, path)
    }
}

/// Small memory and few steps: a sound file may describe a network of any size.
private func isQuick(_ model: Model) -> Bool {
    // Floating point, for fields that an operation has no use for may hold anything.
    var steps = 0.0
    for index in 0..<model.operationCount {
        let operation = model.operation(index)
        let output =
            Double(operation.output.height) * Double(operation.output.width) * Double(operation.output.channels)
        let window = Double(operation.kernelHeight) * Double(operation.kernelWidth) * Double(operation.input.channels)
        steps += output * max(window, 1)
    }
    return model.activationBytes < 1 << 20 && steps < 1e6
}

private func run(_ model: Model, _ path: ExecutionPath) {
    guard let bytes = try? Engine.arenaBytes(model: model, path: path), bytes < 1 << 22 else { return }
    let arena = AlignedBytes(zeros: bytes)
    guard let engine = try? Engine(model: model, path: path, arena: arena.bytes) else { return }
    for (index, byte) in engine.inputBytes.indices.enumerated() {
        engine.input[byte] = UInt8(truncatingIfNeeded: index &* 37)
    }
    engine.run(alpha: 1)
}
