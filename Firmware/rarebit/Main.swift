import Outputs
import Platform
import Rarebit
import Reports
import Text

@main
struct Rarebit {
    /// Four times what any command was seen to take.
    private static let stackBytes = 512 << 10
    private static let smallStack: StaticString =
        "rarebit: needs 512 KB of stack, more than it is allowed; raise the limit with ulimit -s\n"

    static func main() {
        rb_open_standard_descriptors()
        rb_install_signal_handlers()
        // Before anything that takes much of it, such as the errors' texts.
        guard rb_allow_stack(stackBytes) == 0 else {
            _ = rb_write_all(2, smallStack.utf8Start, smallStack.utf8CodeUnitCount)
            rb_exit(1)
        }
        rb_exit(run())
    }

    /// The exit status. (A function of its own, so that the stack is looked at first.)
    @inline(never)
    private static func run() -> Int32 {
        do throws(ProgramError) {
            try perform(Invocation())
            return 0
        } catch {
            error.report()
            return error.exitStatus
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
