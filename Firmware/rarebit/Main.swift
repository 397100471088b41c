import Platform
import Telemetry

@main
struct Rarebit {
    static let version: StaticString = "rarebit 0.1.0\n"

    static func main() {
        rb_install_signal_handlers()
        do throws(ProgramError) {
            try perform(Invocation())
            rb_exit(0)
        } catch {
            error.report()
            rb_exit(error.isUsage ? 2 : 1)
        }
    }

    private static func perform(_ invocation: Invocation) throws(ProgramError) {
        switch invocation.request {
        case .help(let command): try printText(command?.help ?? Command.overview)
        case .version: try printText(version)
        case .perform(.run): try Run(invocation).perform()
        case .perform(.classify): try Classify(invocation).perform()
        case .perform(.bench): try Bench(invocation).perform()
        case .perform(.info): try Info(invocation).perform()
        case .perform(.cameras): try Cameras(invocation).perform()
        }
    }

    private static func printText(_ text: StaticString) throws(ProgramError) {
        var output = Output()
        output.writer.append(text)
        try output.finish()
    }
}
