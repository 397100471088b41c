import Platform
import Text

/// The texts given for the options of the table, by number, before anything is made of them. The last one given counts.
struct OptionTexts {
    // RB_MAXIMUM_OPTIONS
    private var texts = InlineArray<64, UnsafePointer<CChar>?>(repeating: nil)
    /// In the configuration file; 0: on the command line.
    private var lines = InlineArray<64, Int32>(repeating: 0)

    /// Reads the options of the command line; operands stand behind them afterwards.
    mutating func readCommandLine() throws(ProgramError) {
        var options = InlineArray<64, rb_option> { index in
            guard index < OptionTable.all.count else { return rb_option() }
            return rb_option(
                name: OptionTable.all[index].name.cString, takes_value: OptionTable.all[index].value != nil)
        }
        while true {
            var value: UnsafePointer<CChar>?
            let found = withUnsafeBytes(of: &options) {
                rb_next_option(
                    $0.baseAddress!.assumingMemoryBound(to: rb_option.self), Int32(OptionTable.all.count), &value)
            }
            switch found {
            case Int32(RB_OPTION_END): return
            case Int32(RB_OPTION_UNKNOWN): throw .unknownOption(value!)
            case Int32(RB_OPTION_NEEDS_VALUE): throw .missingValue(value!)
            case Int32(RB_OPTION_HELP): give(("" as StaticString).cString, to: "help", line: 0)
            default: give(value ?? ("" as StaticString).cString, to: OptionTable.all[Int(found)].name, line: 0)
            }
        }
    }

    /// Reads the keys of a configuration file's text; the command line's options stay.
    mutating func read(_ file: consuming ConfigurationText) throws(ProgramError) {
        // A source on the command line takes the place of any in the file.
        let hasSource = isGiven("camera") || isGiven("frames")
        while let entry = try file.next() {
            guard let number = Self.numberOfKey(entry.key) else {
                throw .unknownKey(file.path, line: entry.line, entry.key)
            }
            let name = OptionTable.all[number].name
            guard !(isSource(name) && hasSource) else { continue }
            if texts[number] == nil {
                give(entry.value, to: name, line: entry.line)
            } else if lines[number] > 0 {
                throw .keyTwice(file.path, line: entry.line, name, firstLine: Int(lines[number]))
            }
        }
    }

    func isGiven(_ name: StaticString) -> Bool {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].isNamed(name) {
            return texts[number] != nil
        }
        return false
    }

    /// What the texts say, for a command; `path` is the configuration file's.
    func settings(for command: Command, path: UnsafePointer<CChar>?) throws(ProgramError) -> Settings {
        var assignment = Assignment(texts: self, command: command, path: path)
        try Settings.describeOptions(to: &assignment)
        return assignment.settings
    }

    /// The text of an option, and where it stands; nil where none was given.
    private func value(of number: Int, path: UnsafePointer<CChar>?) -> OptionValue? {
        guard let text = texts[number] else { return nil }
        var place = OptionValue.Place.commandLine
        if let path, lines[number] > 0 {
            place = .file(path, line: Int(lines[number]))
        }
        return OptionValue(name: OptionTable.all[number].name, text: text, place: place)
    }

    /// Puts the texts into settings, one by one.
    private struct Assignment: OptionReader {
        let texts: OptionTexts
        let command: Command
        let path: UnsafePointer<CChar>?
        var settings = Settings()
        private var number = 0

        init(texts: OptionTexts, command: Command, path: UnsafePointer<CChar>?) {
            self.texts = texts
            self.command = command
            self.path = path
        }

        mutating func read(
            _ option: Option, _ set: (inout Settings, OptionValue) throws(ProgramError) -> Void
        ) throws(ProgramError) {
            let value = texts.value(of: number, path: path)
            number += 1
            guard let value else { return }
            guard option.commands.contains(command) else {
                guard OptionTexts.takes(command, option.name) else { throw .foreignOption(option.name, command) }
                return
            }
            try set(&settings, value)
        }
    }

    /// Whether another file's texts say the same of an option.
    func saysSame(as other: OptionTexts, of number: Int) -> Bool {
        guard let text = texts[number], let otherText = other.texts[number] else {
            return texts[number] == nil && other.texts[number] == nil
        }
        var index = 0
        while text[index] == otherText[index] && text[index] != 0 {
            index += 1
        }
        return text[index] == otherText[index]
    }

    /// To every option of that name: the command decides which of them counts.
    private mutating func give(_ text: UnsafePointer<CChar>, to name: StaticString, line: Int) {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].isNamed(name) {
            texts[number] = text
            lines[number] = Int32(line)
        }
    }

    private func isSource(_ name: StaticString) -> Bool {
        name == ("camera" as StaticString).cString || name == ("frames" as StaticString).cString
    }

    fileprivate static func takes(_ command: Command, _ name: StaticString) -> Bool {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].isNamed(name) {
            if OptionTable.all[number].commands.contains(command) { return true }
        }
        return false
    }

    private static func numberOfKey(_ key: UnsafePointer<CChar>) -> Int? {
        for number in 0..<OptionTable.all.count
        where OptionTable.all[number].isKey && OptionTable.all[number].name == key {
            return number
        }
        return nil
    }
}
