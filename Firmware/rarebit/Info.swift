import Inference
import ModelFormat
import Telemetry

/// `rarebit info`: what a model holds, without running it.
struct Info {
    private let invocation: Invocation

    init(_ invocation: Invocation) {
        self.invocation = invocation
    }

    func perform() throws(ProgramError) {
        let mapped = try MappedModel(path: invocation.model)
        let (path, arenaBytes) = try LoadedModel.arena(for: mapped.model, path: invocation.model)
        var output = Output()
        if invocation.showsMemory {
            output.writer.append(memoryOf: mapped.model, path: path, arenaBytes: arenaBytes)
        } else {
            output.writer.append(describing: mapped.model, path: path, arenaBytes: arenaBytes)
        }
        try output.finish()
    }
}
