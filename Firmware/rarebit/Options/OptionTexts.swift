import Platform
import Text

/// The texts given for the options of the table, by number, before anything is made of them. The last one given counts.
struct OptionTexts {
    // RB_MAXIMUM_OPTIONS
    private var texts = InlineArray<64, CText?>(repeating: nil)
    /// In the configuration file; 0: on the command line.
    private var lines = InlineArray<64, Int32>(repeating: 0)

    /// Reads the options of the command line; operands stand behind them afterwards.
    mutating func readCommandLine() throws(ProgramError) {
        var options = InlineArray<64, rb_option> { index in
            guard index < OptionTable.all.count else { return rb_option() }
            let option = OptionTable.all[index]
            return rb_option(name: option.name.start, takes_value: option.value != nil)
        }
        while true {
            var value: UnsafePointer<CChar>?
            let found = withUnsafeBytes(of: &options) {
                rb_next_option(
                    $0.baseAddress!.assumingMemoryBound(to: rb_option.self), Int32(OptionTable.all.count), &value)
            }
            let text = value.map { CText($0) } ?? ""
            switch found {
            case Int32(RB_OPTION_END): return
            case Int32(RB_OPTION_UNKNOWN): throw .usage(.unknownOption(text))
            case Int32(RB_OPTION_NEEDS_VALUE): throw .usage(.missingValue(text))
            case Int32(RB_OPTION_HELP): give("", to: "help", line: 0)
            default: give(text, to: OptionTable.all[Int(found)].name, line: 0)
            }
        }
    }

    /// Reads the keys of a configuration file's text; the command line's options stay.
    mutating func read(_ file: consuming ConfigurationText) throws(ProgramError) {
        // A source on the command line takes the place of any in the file.
        let hasSource = isGiven("camera") || isGiven("frames") || isGiven("source")
        while let entry = try file.next() {
            guard let number = Self.numberOfKey(entry.key) else {
                throw .usage(.unknownKey(file.path, line: entry.line, entry.key))
            }
            let name = OptionTable.all[number].name
            guard !(isSource(name) && hasSource) else { continue }
            if texts[number] == nil {
                give(entry.value, to: name, line: entry.line)
            } else if lines[number] > 0 {
                throw .usage(.keyTwice(file.path, line: entry.line, name, firstLine: Int(lines[number])))
            }
        }
    }

    func isGiven(_ name: CText) -> Bool {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].name == name {
            return texts[number] != nil
        }
        return false
    }

    /// What the texts say, for a command; `path` is the configuration file's.
    func settings(for command: Command, path: CText?) throws(ProgramError) -> Settings {
        var assignment = Assignment(texts: self, command: command, path: path)
        try Settings.describeOptions(to: &assignment)
        return assignment.settings
    }

    /// The text of an option, and where it stands; nil where none was given.
    private func value(of number: Int, path: CText?) -> OptionValue? {
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
        let path: CText?
        var settings = Settings()
        private var number = 0

        init(texts: OptionTexts, command: Command, path: CText?) {
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
                guard OptionTexts.takes(command, option.name) else {
                    throw .usage(.foreignOption(option.name, command))
                }
                return
            }
            try set(&settings, value)
        }
    }

    /// Whether another file's texts say the same of an option.
    func saysSame(as other: OptionTexts, of number: Int) -> Bool {
        texts[number] == other.texts[number]
    }

    /// To every option of that name: the command decides which of them counts.
    private mutating func give(_ text: CText, to name: CText, line: Int) {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].name == name {
            texts[number] = text
            lines[number] = Int32(line)
        }
    }

    private func isSource(_ name: CText) -> Bool {
        name == "camera" || name == "frames" || name == "source"
    }

    fileprivate static func takes(_ command: Command, _ name: CText) -> Bool {
        for number in 0..<OptionTable.all.count where OptionTable.all[number].name == name {
            if OptionTable.all[number].commands.contains(command) { return true }
        }
        return false
    }

    private static func numberOfKey(_ key: CText) -> Int? {
        for number in 0..<OptionTable.all.count
        where OptionTable.all[number].isKey && OptionTable.all[number].name == key {
            return number
        }
        return nil
    }
}
