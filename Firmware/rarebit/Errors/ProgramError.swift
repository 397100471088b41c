import Outputs
import Text

/// Everything that ends the program early. Its text is one line: what, where, what to do.
///
/// Texts by address are the program's arguments and what else lives as long as it does.
enum ProgramError: Error, @unchecked Sendable {
    /// The command line does not say what to do.
    case usage(UsageError)
    /// An option's value is none that it takes.
    case value(OptionValue, OptionFault)
    /// The work failed.
    case failure(Failure)

    var exitStatus: Int32 {
        switch self {
        case .usage, .value: 2
        case .failure: 1
        }
    }

    /// Writes the error's line to standard error.
    func report() {
        var writer = TextWriter(DescriptorSink.standardError)
        writer.write("rarebit: \(self)\n")
        _ = writer.finish()
    }
}

extension ProgramError: TextConvertible {
    var text: Message {
        switch self {
        case .usage(let error): error.text
        case .value(let value, let fault): "\(value.place, of: value.name)\(fault.text(of: value.text))"
        case .failure(let failure): failure.text
        }
    }
}

extension Message.StringInterpolation {
    /// "--alpha: ", or "rarebit.conf:3: alpha: "
    mutating func appendInterpolation(_ place: OptionValue.Place, of name: CText) {
        switch place {
        case .commandLine: self.appendInterpolation("--\(name): " as Message)
        case .file(let path, let line): self.appendInterpolation("\(path):\(line): \(name): " as Message)
        case .page: self.appendInterpolation("\(name): " as Message)
        }
    }
}
