import Inference
import ModelFormat
import Outputs
import Reports
import Text

/// `rarebit info`: what a model holds, without running it.
struct Info {
    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let verified = try VerifiedModel(path: settings.model, trust: settings.trust)
        let (path, arenaBytes) = try LoadedModel.arena(for: verified.model, path: settings.model)
        var output = Output()
        if settings.info.showsMemory {
            output.writer.write(memoryOf: verified.model, path: path, arenaBytes: arenaBytes)
        } else {
            output.writer.write(describing: verified.model, path: path, arenaBytes: arenaBytes)
        }
        try output.finish()
    }
}
