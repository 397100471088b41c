import Text

/// An option of the command line. Those of `run` are also keys of a configuration file, under the same names.
struct Option: Sendable {
    /// Without dashes.
    let name: CText
    /// What stands for the value in the help; nil: a flag, with no value on the command line and "yes" or "no" in a file.
    let value: StaticString?
    let commands: CommandSet
    /// Whether re-reading the configuration file can change it while the program runs.
    let isLive: Bool
    /// Lines that start under one another.
    let help: StaticString

    /// Whether a configuration file can hold it.
    var isKey: Bool { commands.contains(.run) && name != "help" && name != "config" }
}

/// Sees every option, in order, each with what puts a value into settings.
protocol OptionReader {
    mutating func read(
        _ option: Option, _ set: (inout Settings, OptionValue) throws(ProgramError) -> Void
    ) throws(ProgramError)
}

extension OptionReader {
    /// `set` is called where the flag is on.
    mutating func flag(
        _ name: CText, _ commands: CommandSet, _ help: StaticString, _ set: (inout Settings) -> Void
    ) throws(ProgramError) {
        try read(Option(name: name, value: nil, commands: commands, isLive: false, help: help)) {
            settings, value throws(ProgramError) in
            if try value.isOn() {
                set(&settings)
            }
        }
    }

    mutating func text(
        _ name: CText, _ value: StaticString, _ commands: CommandSet, _ help: StaticString,
        _ set: (inout Settings, CText) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, help) { set(&$0, $1.text) }
    }

    mutating func number(
        _ name: CText, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, in range: ClosedRange<Double>, _ set: (inout Settings, Double) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, isLive: isLive, help) { settings, value throws(ProgramError) in
            set(&settings, try value.number(in: range))
        }
    }

    mutating func integer(
        _ name: CText, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, in range: ClosedRange<Int>, _ set: (inout Settings, Int) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, isLive: isLive, help) { settings, value throws(ProgramError) in
            set(&settings, try value.integer(in: range))
        }
    }

    /// Any other kind of value: `set` throws what is wrong with it.
    mutating func value(
        _ name: CText, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, _ set: (inout Settings, OptionValue) throws(ProgramError) -> Void
    ) throws(ProgramError) {
        try read(Option(name: name, value: value, commands: commands, isLive: isLive, help: help), set)
    }
}
