import ArgumentParser
import Checkpoint
import Evaluation
import FloatGraph
import Foundation
import Inference
import Reports
import Text

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a checkpoint or a model holds, and what a checkpoint would become; compare two models.",
        discussion: "Of a model it lists every operation and draws the memory plan: operations down, the arena across.")

    @Argument(help: "A model file, or a file of weights: PyTorch, safetensors or ONNX.")
    var file: String
    @Argument(help: ArgumentHelp("A second model file, to say how it differs from the first.", valueName: "second"))
    var second: String?
    @Option(help: "Which weights of a checkpoint that has both: their moving average (ema) or themselves (raw).")
    var weights: WeightKind?

    @Option(
        help: ArgumentHelp("The output of an ONNX file that gives the logits, where several may.", valueName: "name"))
    var onnxOutput: String?

    func run() throws {
        guard let second else {
            return print(try isModelFile(file) ? describeModel() : describeWeights())
        }
        for path in [file, second] where try !isModelFile(path) {
            throw UsageFailure("\(path): is no model file; inspect compares two model files")
        }
        let (first, other) = (try loadModel(file), try loadModel(second))
        print(first.withModel { a in other.withModel { b in comparison(of: a, b) } }.joined(separator: "\n"))
    }

    private func describeModel() throws -> String {
        try loadModel(file).withModel { model in
            guard let path = ExecutionPath.best(for: model) else { throw Failure(file, InferenceError.noUsablePath) }
            let arenaBytes = try inFile(file) { try Engine.arenaBytes(model: model, path: path) }
            var writer = TextWriter(MemorySink())
            writer.write(describing: model, path: path, arenaBytes: arenaBytes, listsOperations: false)
            return writer.finish().text + """
                operations
                \(operationTable(of: model, path: path))
                memory plan, \(model.activationBytes) bytes
                \(ArenaDrawing(model).text)
                """
        }
    }

    private func describeWeights() throws -> String {
        switch try inFile(file, { try WeightsFile(contentsOf: file) }) {
        case .checkpoint(let checkpoint): try describe(checkpoint)
        case .onnx(let model): describe(model)
        }
    }

    private func describe(_ checkpoint: Checkpoint) throws -> String {
        let state = try inFile(file) { try checkpoint.referenceState(backbones: Architecture.keys, weights: weights) }
        let foreign = checkpoint.foreignNames
        return
            (["form          \(checkpoint.form.rawValue)"]
            + whatItWouldBecome { () throws(GraphError) in
                let architecture = try Architecture.recognise(state)
                return (.architecture(architecture, state), (architecture.usualSide, architecture.usualSide))
            }
            + (foreign.isEmpty ? [] : ["passed over   \(foreign.prefix(12).map(printable).joined(separator: ", "))"])
            + ["tensors"]
            + list(state.features, state.featuresPrefix)
            + list(state.classifier, state.classifierPrefix)).joined(separator: "\n")
    }

    private func describe(_ model: ONNXModel) -> String {
        let sizes = model.inputs.map { input in
            "\(printable(input.name)) \(input.shape.map { $0.map(String.init) ?? "?" }.joined(separator: "x"))"
        }
        var operations: [String: Int] = [:]
        for node in model.nodes { operations[node.operation, default: 0] += 1 }
        let counts = operations.sorted { $0.key < $1.key }.map { "\($0.value) \(printable($0.key))" }
        return
            ([
                "form          ONNX, operator set \(model.operatorSet), written by \(printable(model.producer))",
                "input         \(sizes.joined(separator: ", "))",
                "output        \(model.outputs.map(printable).joined(separator: ", "))",
                "nodes         \(counts.joined(separator: ", "))",
            ]
            + whatItWouldBecome { () throws(GraphError) in
                (.onnx(model, output: onnxOutput), ONNXNetwork.imageSize(of: model) ?? (224, 224))
            }
            + ["tensors"] + list(model.initializers, "")).joined(separator: "\n")
    }

    /// A checkpoint does not say the size of its images; the figures are for the size its data sets have.
    private func whatItWouldBecome(
        _ source: () throws(GraphError) -> (NetworkSource, size: (height: Int, width: Int))
    ) -> [String] {
        do throws(GraphError) {
            let (source, size) = try source()
            let contents = try source.contents(height: size.height, width: size.width)
            let graph = contents.backbone.graph.simplified()
            let head = try ClassifierHead(
                of: contents.state, as: contents.classifier,
                parameters: ClassifierParameters(heads: contents.parameters.heads ?? 1, tau: contents.parameters.tau),
                dimensions: graph[graph.features].shape.channels)
            let megaMultiplyAdds = String(format: "%.1f", Double(graph.multiplyAdds) / 1e6)
            return [
                "architecture  \(source.architecture)",
                "classifier    \(head.kind.rawValue)",
                "head          \(head.classes) classes of \(head.dimensions) features, "
                    + (head.adjustment == nil
                        ? "no direction: TDE needs --estimate-direction" : "with a direction for TDE"),
                "would become  \(graph.weightCount) int8 weights; "
                    + "\(megaMultiplyAdds) million multiply-adds a picture of \(size.width)x\(size.height)",
            ] + contents.backbone.notes(contents.state, head).map { "note          \($0)" }
        } catch {
            return ["cannot be converted: \(error)"]
        }
    }

    private func list(_ tensors: [String: Tensor], _ group: String) -> [String] {
        tensors.sorted { $0.key < $1.key }.map { name, tensor in
            "  \(printable(group + name)) \(tensor.shape.map(String.init).joined(separator: "x"))"
        }
    }
}
