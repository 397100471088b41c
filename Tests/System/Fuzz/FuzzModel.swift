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
        return [("seed", file), ("signed", fuzzKey.signed(file))].allSatisfy { name, file in
            FileManager.default.createFile(atPath: "\(folder)/\(name)-\(number).rbit", contents: Data(file))
        }
    }
}

private let fuzzKey = SigningKey(seed: [UInt8](repeating: 1, count: 32), signer: "fuzzer")!
private let fuzzKeyLine = Array(
    "ed25519 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c".utf8)

/// Verifies a model and, where it passes, runs one frame on every path of this processor.
///
/// The checksum is put right first, and the signature where there is one: nearly every change would otherwise end there. The
/// same bytes are read as a text of trusted keys.
@Sendable func fuzzModel(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let given = UnsafeBufferPointer(start: data, count: count)
    _ = try? TrustedKeys(UnsafeRawBufferPointer(given))
    verifyAndRun(sealed([UInt8](given)), trusting: nil)
    guard count >= ModelSignature.byteCount, given.suffix(ModelSignature.byteCount).starts(with: "RBITSIGN".utf8) else {
        return 0
    }
    let keys = fuzzKeyLine.withUnsafeBytes { try! TrustedKeys($0) }
    verifyAndRun(fuzzKey.signed(sealed(given.dropLast(ModelSignature.byteCount))), trusting: keys)
    return 0
}

private func verifyAndRun(_ bytes: [UInt8], trusting keys: TrustedKeys?) {
    let file = AlignedBytes(bytes)
    guard let model = try? Model(verifying: UnsafeRawBufferPointer(file.bytes), trusting: keys), isQuick(model) else {
        return
    }
    runOnEveryPath(model)
}

/// With the checksum that a file of these bytes has.
private func sealed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let checksumOffset = 24
    var file = Array(bytes)
    guard file.count >= checksumOffset + 4 else { return file }
    // Over the whole file, with these bytes as zero.
    file.replaceSubrange(checksumOffset..<checksumOffset + 4, with: [0, 0, 0, 0])
    let checksum = file.withUnsafeBytes { Checksum.of($0) }
    file.replaceSubrange(
        checksumOffset..<checksumOffset + 4, with: (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) })
    return file
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
