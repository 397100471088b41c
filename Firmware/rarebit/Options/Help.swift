import Text

extension TextWriter where Sink: ~Copyable {
    /// A command's usage and its options.
    mutating func write(helpOf command: Command) {
        write("\(command.usage)\n\n")
        var columns = 0
        forEachOption(of: command) { _, option in columns = max(columns, option.columns) }
        forEachOption(of: command) { writer, option in writer.write(option, columns: columns) }
    }

    private mutating func forEachOption(of command: Command, _ body: (inout Self, Option) -> Void) {
        for number in 0..<OptionTable.all.count {
            let option = OptionTable.all[number]
            if option.commands.contains(command) && option.name != "help" {
                body(&self, option)
            }
        }
    }

    private mutating func write(_ option: Option, columns: Int) {
        write("  --\(option.name)")
        if let value = option.value {
            write(" \(value)")
        }
        write("\(spaces: columns - option.columns + 2)")
        for byte in CText(option.help).bytes {
            write(byte: byte)
            if byte == UInt8(ascii: "\n") {
                write("\(spaces: 4 + columns + 2)")
            }
        }
        write("\n")
    }
}

extension Option {
    /// Of its name and value in the help.
    fileprivate var columns: Int {
        name.count + (value.map { 1 + CText($0).count } ?? 0)
    }
}
