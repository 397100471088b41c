import ArgumentParser
import Checkpoint
import Evaluation
import FloatGraph
import Foundation
import Inference
import Telemetry

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a checkpoint or a model holds, and what a checkpoint would become.")

    @Argument(help: "A model file, or a file of weights: PyTorch or safetensors.")
    var file: String

    func run() throws {
        print(try isModelFile(file) ? describeModel() : describeCheckpoint())
    }

    private func describeModel() throws -> String {
        try loadModel(file).withModel { model in
            guard let path = ExecutionPath.best(for: model) else { throw Failure(file, InferenceError.noUsablePath) }
            let arenaBytes = try inFile(file) { try Engine.arenaBytes(model: model, path: path) }
            var writer = TextWriter(MemorySink())
            writer.append(describing: model, path: path, arenaBytes: arenaBytes)
            return writer.finish().text
        }
    }

    private func describeCheckpoint() throws -> String {
        let checkpoint = try inFile(file) { try Checkpoint(contentsOf: file) }
        let state = try inFile(file) { try checkpoint.referenceState() }
        let foreign = checkpoint.foreignNames
        return
            (["form          \(checkpoint.form.rawValue)"] + whatItWouldBecome(state)
            + (foreign.isEmpty ? [] : ["passed over   \(foreign.prefix(12).map(printable).joined(separator: ", "))"])
            + ["tensors"]
            + list(state.features, state.featuresPrefix)
            + list(state.classifier, state.classifierPrefix)).joined(separator: "\n")
    }

    /// A checkpoint does not say the size of its images; the figures are for the size its data sets have.
    private func whatItWouldBecome(_ state: ReferenceState) -> [String] {
        do throws(GraphError) {
            let architecture = try Architecture.recognise(state)
            let side = architecture.usualSide
            let graph = try architecture.graph(of: state, height: side, width: side).simplified()
            let head = try ClassifierHead(
                of: state, parameters: ClassifierParameters(heads: 1), dimensions: graph[graph.features].shape.channels)
            let megaMultiplyAdds = String(format: "%.1f", Double(graph.multiplyAdds) / 1e6)
            return [
                "architecture  \(architecture.rawValue)",
                "classifier    \(head.kind.rawValue)",
                "head          \(head.classes) classes of \(head.dimensions) features, "
                    + (head.adjustment == nil
                        ? "no direction: TDE needs --estimate-direction" : "with a direction for TDE"),
                "would become  \(graph.weightCount) int8 weights; "
                    + "\(megaMultiplyAdds) million multiply-adds a picture of \(side)x\(side)",
            ]
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
