import Inference
import ModelFormat
import Text

extension TextWriter where Sink: ~Copyable {
    /// What a model holds, in lines of "name  value", then a table of its operations.
    public mutating func write(
        describing model: Model, path: ExecutionPath, arenaBytes: Int, listsOperations: Bool = true
    ) {
        writeInput(of: model)
        writeHead(of: model)
        writeJudging(of: model)
        write(
            """
            file        \(model.fileBytes) bytes, of them weights \(model.byteCount(of: .weights))
            arena       \(arenaBytes) bytes: activations and scratch \(model.activationBytes), weights packed for \
            \(path.name) \(model.packedBytes(path: path.number) ?? 0)

            """)
        writeSignature(of: model)
        writeClasses(of: model)
        write("made from\n")
        writeIndented(model.provenance)
        guard listsOperations else { return }
        write("operations\n")
        for index in 0..<model.operationCount {
            write("  \(model.operationName(index)): ")
            write(model.operation(index))
            write("\n")
        }
    }

    private mutating func writeInput(of model: Model) {
        let input = model.input
        let isBGR = input.channelOrder == 1
        let fit: StaticString =
            switch InputFit(rawValue: input.resizeMode) {
            case .squash: "squashed to"
            case .pad: "padded with black to"
            default: "shorter side resized to"
            }
        write(
            """
            input       \(input.tensor.width) x \(input.tensor.height) \(isBGR ? "BGR" : "RGB"), \(fit) \(input.resizeSide)

            """)
        write(
            """
            normalised  mean \(colours(input.mean, isBGR: isBGR)), \
            standard deviation \(colours(input.standardDeviation, isBGR: isBGR)) of R, G, B

            """)
    }

    /// R, G and B, of numbers in the order of the tensor's channels.
    private func colours(_ numbers: SIMD3<Float>, isBGR: Bool) -> Message {
        let (first, last) = isBGR ? (numbers.z, numbers.x) : (numbers.x, numbers.z)
        return """
            \(Double(first), decimals: 5), \(Double(numbers.y), decimals: 5), \(Double(last), decimals: 5)
            """
    }

    private mutating func writeHead(of model: Model) {
        let head = model.head
        write("head        \(head.heads) x \(head.dimensions / head.heads) features")
        if head.tau > 0 {
            write(", tau \(Double(head.tau), decimals: 3)")
        }
        if head.gamma > 0 {
            write(", gamma \(Double(head.gamma), decimals: 5)")
        }
        if head.hasDirections == 1 {
            write(", TDE with alpha \(Double(head.defaultAlpha), decimals: 3)\n")
        } else {
            write(", no direction: alpha changes nothing\n")
        }
    }

    private mutating func writeSignature(of model: Model) {
        guard let signature = model.signature else { return write("signed      by nobody\n") }
        write("signed      by \(signature.signer), key ")
        for number in 0..<ModelSignature.keyWords {
            write("\(hexadecimal: signature.keyWord(number))")
        }
        write("\n")
    }

    private mutating func writeJudging(of model: Model) {
        if let temperature = model.temperature(at: model.head.defaultAlpha), let plain = model.temperature(at: 0) {
            write(
                """
                temperature \(Double(temperature), decimals: 3) at alpha \(Double(model.head.defaultAlpha), decimals: 3), \
                \(Double(plain), decimals: 3) at alpha 0

                """)
        } else {
            write("temperature none: probabilities are as sure as the network is\n")
        }
        guard model.exemptedCount > 0 else { return }
        write("exempted    ")
        for place in 0..<model.exemptedCount {
            write("\(place == 0 ? "" : ", ")\(model.className(model.exemptedClass(place)))")
        }
        write("\n")
    }

    private mutating func writeClasses(of model: Model) {
        let hasCounts = model.classCount(0) != nil
        write("classes     \(model.head.classes)\(hasCounts ? ", with their training images" : "")\n")
        for index in 0..<Int(model.head.classes) {
            write("  \(model.className(index))")
            if let count = model.classCount(index) {
                write(" (\(count))")
            }
            write("\n")
        }
    }

    private mutating func writeIndented(_ lines: UnsafeRawBufferPointer) {
        var rest = lines
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
            write("  \(UnsafeRawBufferPointer(rebasing: rest[..<end]))\n")
            rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
        }
    }
}

/// "32 x 32 x 3 -> 16 x 16 x 8, convolution 3 x 3, 0.06 MMAC"
extension OperationRecord: TextConvertible {
    public var text: Message {
        guard kind == .convolution else { return "\(input), \(kind.name)" }
        return """
            \(input) -> \(output), \(kind.name) \(kernelWidth) x \(kernelHeight)\(residual.height > 0 ? " + residual" : ""), \
            \(Double(multiplyAccumulates) / 1e6, decimals: 2) MMAC
            """
    }
}

/// "32 x 32 x 3": width, height, channels.
extension TensorView: TextConvertible {
    public var text: Message { "\(width) x \(height) x \(channels)" }
}
