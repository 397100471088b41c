import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    private static var nameColumns: Int { 28 }

    /// What lies in the arena, in bytes, operation by operation: its packed weights, and while it runs, what it reads,
    /// writes and works in. `arenaBytes`: of the whole arena on `path`.
    public mutating func append(memoryOf model: Model, path: ExecutionPath, arenaBytes: Int) {
        append("arena for ")
        append(cString: path.name)
        append(", bytes\n  operation                      packed    input   output residual  scratch  ends at\n")
        var largest = 0
        for index in 0..<model.operationCount {
            let memory = OperationMemory(of: model.operation(index), path: path)
            append("  ")
            append(padded: model.operationName(index), columns: Self.nameColumns)
            append(memory)
            largest = max(largest, memory.together)
        }
        append("activations and scratch ")
        append(model.activationBytes)
        append(", of which one operation uses ")
        append(largest)
        append(" at most; packed weights ")
        append(model.packedBytes(path: path.number) ?? 0)
        append("; arena ")
        append(arenaBytes)
        append("\n")
    }

    private mutating func append(_ memory: OperationMemory) {
        append(Double(memory.packed), decimals: 0, columns: 9)
        append(Double(memory.input), decimals: 0, columns: 9)
        append(Double(memory.output), decimals: 0, columns: 9)
        append(Double(memory.residual), decimals: 0, columns: 9)
        append(Double(memory.scratch), decimals: 0, columns: 9)
        append(Double(memory.end), decimals: 0, columns: 9)
        append("\n")
    }
}

/// The bytes of one operation in the arena.
private struct OperationMemory {
    let packed, input, output, residual, scratch: Int
    /// Activations and scratch; an output that takes the place of an input counts once.
    let together: Int
    /// Where the last byte that the operation uses of activations and scratch ends.
    let end: Int

    init(of operation: OperationRecord, path: ExecutionPath) {
        packed = operation.packedBytes(path: path)
        input = Self.byteCount(of: operation.input)
        output =
            operation.kind == .globalAveragePool
            ? 4 * Int(operation.output.channels) : Self.byteCount(of: operation.output)
        residual = Self.byteCount(of: operation.residual)
        scratch = Int(operation.scratchBytes)
        let place = operation.output.arenaOffset
        let inPlace = place == operation.input.arenaOffset || residual > 0 && place == operation.residual.arenaOffset
        together = input + residual + scratch + (inPlace ? 0 : output)
        var end = max(Int(operation.input.arenaOffset) + input, Int(operation.output.arenaOffset) + output)
        if residual > 0 {
            end = max(end, Int(operation.residual.arenaOffset) + residual)
        }
        if scratch > 0 {
            end = max(end, Int(operation.scratchOffset) + scratch)
        }
        self.end = end
    }

    private static func byteCount(of view: TensorView) -> Int {
        Int(view.height) * Int(view.width) * Int(view.pixelStride)
    }
}
