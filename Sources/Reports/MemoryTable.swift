import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    private static var nameColumns: Int { 28 }

    /// What lies in the arena, in bytes, operation by operation: its packed weights, and while it runs, what it reads,
    /// writes and works in. `arenaBytes`: of the whole arena on `path`.
    public mutating func write(memoryOf model: Model, path: ExecutionPath, arenaBytes: Int) {
        write(
            """
            arena for \(path.name), bytes
              operation                      packed    input   output residual  scratch  ends at

            """)
        var largest = 0
        for index in 0..<model.operationCount {
            let memory = OperationMemory(of: model.operation(index), path: path)
            write("  \(model.operationName(index), columns: Self.nameColumns)\(memory)\n")
            largest = max(largest, memory.together)
        }
        write(
            """
            activations and scratch \(model.activationBytes), of which one operation uses \(largest) at most; \
            packed weights \(model.packedBytes(path: path.number) ?? 0); arena \(arenaBytes)

            """)
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

extension OperationMemory: TextConvertible {
    /// A row of the table.
    var text: Message {
        """
        \(packed, columns: 9)\(input, columns: 9)\(output, columns: 9)\(residual, columns: 9)\(scratch, columns: 9)\
        \(end, columns: 9)
        """
    }
}
