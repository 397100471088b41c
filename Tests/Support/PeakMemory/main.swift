// peak-memory FILE: reads a file of weights up to where the values of tensors would be asked for, then prints what came of
// it and, on the last line, the most memory that the process ever held, in bytes.
import Checkpoint
import Foundation

private func outcome(_ path: String) -> String {
    do throws(CheckpointError) {
        let checkpoint: Checkpoint
        switch try WeightsFile(contentsOf: path) {
        case .onnx(let model): return "\(model.initializers.count) tensors in \(model.nodes.count) nodes"
        case .checkpoint(let file): checkpoint = file
        }
        let tensors = try checkpoint.tensorList().count
        let state = try checkpoint.referenceState()
        return "\(tensors) tensors, \(state.features.count + state.classifier.count) of them weights"
    } catch {
        return "\(error)"
    }
}

private func peakBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 } ?? .max
}

print(outcome(CommandLine.arguments[1]))
print(try peakBytes())
