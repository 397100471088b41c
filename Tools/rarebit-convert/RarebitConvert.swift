import ArgumentParser
import Foundation
import Platform
import Rarebit

@main
struct RarebitConvert: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rarebit-convert",
        abstract: "Turns a trained checkpoint into one int8 model file for the rarebit device program.",
        version: "\(rarebitVersion)",
        subcommands: [Convert.self, Evaluate.self, Inspect.self, Kept.self, Keygen.self, Sign.self])

    /// Exit codes: 0 done, 1 the work failed, 2 wrong usage. An error is one line on standard error.
    static func main() {
        rb_open_standard_descriptors()
        // A file size limit, or a pipe whose reader left, then fails the write, which cleans up, instead of killing the program.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            fail(failure.message, code: 1)
        } catch let failure as UsageFailure {
            fail(failure.message, code: 2)
        } catch {
            // The parser's own: a request for help or the version, or wrong usage.
            guard exitCode(for: error) != .success else {
                print(fullMessage(for: error))
                Foundation.exit(0)
            }
            fail("\(message(for: error)); see rarebit-convert --help", code: 2)
        }
    }

    private static func fail(_ message: String, code: Int32) {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        say("rarebit-convert: \(line)\n")
        Foundation.exit(code)
    }
}
