import Reports
import Text

extension TextWriter where Sink: ~Copyable {
    /// A command's usage and its options.
    mutating func append(helpOf command: Command) {
        append(command.usage)
        append("\n\n")
        var columns = 0
        forEachOption(of: command) { _, option in columns = max(columns, option.columns) }
        forEachOption(of: command) { writer, option in writer.append(option, columns: columns) }
    }

    private mutating func forEachOption(of command: Command, _ body: (inout Self, Option) -> Void) {
        for number in 0..<OptionTable.all.count {
            let option = OptionTable.all[number]
            if option.commands.contains(command) && !option.isNamed("help") {
                body(&self, option)
            }
        }
    }

    private mutating func append(_ option: Option, columns: Int) {
        append("  --")
        append(option.name)
        if let value = option.value {
            append(" ")
            append(value)
        }
        append(spaces: columns - option.columns + 2)
        for index in 0..<option.help.utf8CodeUnitCount {
            let byte = option.help.utf8Start[index]
            append(byte: byte)
            if byte == UInt8(ascii: "\n") {
                append(spaces: 4 + columns + 2)
            }
        }
        append("\n")
    }

    private mutating func append(spaces count: Int) {
        for _ in 0..<count {
            append(" ")
        }
    }
}

extension Option {
    /// Of its name and value in the help.
    fileprivate var columns: Int {
        name.utf8CodeUnitCount + (value.map { 1 + $0.utf8CodeUnitCount } ?? 0)
    }
}
