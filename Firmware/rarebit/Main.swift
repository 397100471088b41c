import Outputs
import Platform
import Rarebit
import Reports
import Text

@main
struct Rarebit {
    static func main() {
        rb_open_standard_descriptors()
        rb_install_signal_handlers()
        do throws(ProgramError) {
            try perform(Invocation())
            rb_exit(0)
        } catch {
            error.report()
            rb_exit(error.exitStatus)
        }
    }

    private static func perform(_ invocation: Invocation) throws(ProgramError) {
        switch invocation.request {
        case .help(let command):
            var output = Output()
            if let command {
                output.writer.write(helpOf: command)
            } else {
                output.writer.write(Command.overview)
            }
            try output.finish()
        case .version:
            var output = Output()
            output.writer.write("rarebit \(rarebitVersion)\n")
            try output.finish()
        case .perform(.run): try Run(invocation).perform()
        case .perform(.classify): try Classify(invocation.settings).perform()
        case .perform(.bench) where invocation.settings.bench.measuresCameraPath:
            try CameraPathBench(invocation.settings).perform()
        case .perform(.bench): try Bench(invocation.settings).perform()
        case .perform(.info): try Info(invocation.settings).perform()
        case .perform(.cameras): try Cameras(invocation.settings).perform()
        }
    }
}
