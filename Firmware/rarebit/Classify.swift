import Images
import Inference
import ModelFormat
import Outputs
import Platform
import Reports
import Text

/// `rarebit classify`: one line for each picture file. A file that cannot be read gets a line on standard error, and
/// the next one its turn.
struct Classify {
    private let settings: Settings

    init(_ settings: Settings) {
        self.settings = settings
    }

    func perform() throws(ProgramError) {
        let loaded = try LoadedModel(path: settings.model, trust: settings.trust)
        var judge = try Judge(settings.judging, of: loaded.model)
        let message = ImageMessage(try Memory(count: Int(RB_IMAGE_MESSAGE_BYTES)))
        var output = Output()
        var failures = 0
        var index = settings.classify.firstImage
        while let path = argument(index) {
            index += 1
            do throws(ProgramError) {
                let picture = try DecodedPicture(path: path, message, ignoresEXIF: settings.classify.ignoresEXIF)
                try picture.quantise(settings.view, into: loaded.engine)
            } catch {
                failures += 1
                error.report()
                continue
            }
            setActivity("classifying a picture")
            let answer = judge.answer(
                from: loaded.engine, top: settings.judging.top, at: 0, checksInput: settings.isJSON)
            write(answer, of: path, to: &output)
            try output.endRecord()
        }
        guard failures == 0 else { throw .failure(.someImagesFailed(failures)) }
    }

    private func write(_ answer: Answer, of path: CText, to output: inout Output) {
        if settings.isJSON {
            output.writer.record {
                $0.member("image", path)
                $0.members(of: answer)
            }
        } else {
            output.writer.write("\(path): ")
            output.writer.write(answer)
            output.writer.write("\n")
        }
    }
}
