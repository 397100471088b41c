import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    /// What a model holds, in lines of "name  value", then a table of its operations.
    public mutating func append(
        describing model: Model, path: ExecutionPath, arenaBytes: Int, listsOperations: Bool = true
    ) {
        appendInput(of: model)
        appendHead(of: model)
        appendMemory(of: model, path: path, arenaBytes: arenaBytes)
        appendClasses(of: model)
        append("made from\n")
        appendIndented(model.provenance)
        guard listsOperations else { return }
        append("operations\n")
        for index in 0..<model.operationCount {
            append("  ")
            append(model.operation(index), named: model.operationName(index))
        }
    }

    private mutating func appendInput(of model: Model) {
        let input = model.input
        append("input       ")
        append(input.tensor.width)
        append(" x ")
        append(input.tensor.height)
        append(input.channelOrder == 0 ? " RGB" : " BGR")
        append(", shorter side resized to ")
        append(input.resizeShorterSide)
        append("\n")
    }

    private mutating func appendHead(of model: Model) {
        let head = model.head
        append("head        ")
        append(head.heads)
        append(" x ")
        append(head.dimensions / head.heads)
        append(" features")
        if head.tau > 0 {
            append(", tau ")
            append(Double(head.tau), decimals: 3)
        }
        if head.gamma > 0 {
            append(", gamma ")
            append(Double(head.gamma), decimals: 5)
        }
        if head.hasDirections == 1 {
            append(", TDE with alpha ")
            append(Double(head.defaultAlpha), decimals: 3)
        } else {
            append(", no direction: alpha changes nothing")
        }
        append("\n")
    }

    private mutating func appendMemory(of model: Model, path: ExecutionPath, arenaBytes: Int) {
        append("file        ")
        append(model.bytes.count)
        append(" bytes, of them weights ")
        append(model.byteCount(of: .weights))
        append("\narena       ")
        append(arenaBytes)
        append(" bytes: activations and scratch ")
        append(model.activationBytes)
        append(", weights packed for ")
        append(cString: path.name)
        append(" ")
        append(model.packedBytes(path: path.number) ?? 0)
        append("\n")
    }

    private mutating func appendClasses(of model: Model) {
        append("classes     ")
        append(model.head.classes)
        append(model.classCount(0) == nil ? "\n" : ", with their training images\n")
        for index in 0..<Int(model.head.classes) {
            append("  ")
            append(bytes: model.className(index))
            if let count = model.classCount(index) {
                append(" (")
                append(count)
                append(")")
            }
            append("\n")
        }
    }

    private mutating func appendIndented(_ lines: UnsafeRawBufferPointer) {
        var startsLine = true
        for byte in lines {
            if startsLine {
                append("  ")
            }
            append(byte: byte)
            startsLine = byte == UInt8(ascii: "\n")
        }
        if !startsLine {
            append("\n")
        }
    }

    private mutating func append(_ operation: OperationRecord, named name: UnsafeRawBufferPointer) {
        append(bytes: name)
        append(": ")
        append(operation.input.width)
        append(" x ")
        append(operation.input.height)
        append(" x ")
        append(operation.input.channels)
        if operation.kind == .convolution {
            append(" -> ")
            append(operation.output.width)
            append(" x ")
            append(operation.output.height)
            append(" x ")
            append(operation.output.channels)
            append(", ")
            append(operation.kind.name)
            append(" ")
            append(operation.kernelWidth)
            append(" x ")
            append(operation.kernelHeight)
            append(operation.residual.height > 0 ? " + residual, " : ", ")
            append(Double(operation.multiplyAccumulates) / 1e6, decimals: 2)
            append(" MMAC\n")
        } else {
            append(", ")
            append(operation.kind.name)
            append("\n")
        }
    }
}
