import Platform
import Text

/// The command line and the configuration file it names, checked: what to do, with which settings.
struct Invocation {
    enum Request {
        case perform(Command)
        case help(Command?)
        case version
    }

    let request: Request
    private(set) var settings = Settings()
    /// What the command line alone says; a configuration file is read on top of it.
    private let given: OptionTexts
    /// What the settings come from.
    private(set) var texts: OptionTexts

    init() throws(ProgramError) {
        var given = OptionTexts()
        try given.readCommandLine()
        self.given = given
        texts = given
        guard !given.isGiven("version") else {
            request = .version
            return
        }
        let operand = rb_first_operand()
        guard let name = argument(operand) else {
            guard given.isGiven("help") else { throw .usage(.noCommand) }
            request = .help(nil)
            return
        }
        guard let command = Command.named(name) else { throw .usage(.unknownCommand(name)) }
        guard !given.isGiven("help") else {
            request = .help(command)
            return
        }
        request = .perform(command)
        settings = try given.settings(for: command, path: nil)
        if settings.run.configuration != nil {
            // Never given back: the settings' texts lie there.
            (settings, texts) = try readConfiguration(
                into: Memory.keeping(count: ConfigurationText.limit + 1), for: command)
        }
        try settings.check()
        try readOperands(of: command, from: operand + 1)
    }

    /// Reads the configuration file that the command line names into `memory`, where the texts then are: at least
    /// `ConfigurationText.limit + 1` bytes.
    func readConfiguration(
        into memory: UnsafeMutableRawBufferPointer, for command: Command = .run
    ) throws(ProgramError) -> (Settings, OptionTexts) {
        let path = settings.run.configuration!
        var texts = given
        try texts.read(ConfigurationText(path: path, memory: memory))
        let settings = try texts.settings(for: command, path: path)
        try settings.check()
        return (settings, texts)
    }

    private mutating func readOperands(of command: Command, from first: Int32) throws(ProgramError) {
        var next = first
        if command.takesModel {
            if let path = argument(next) {
                settings.model = path
                next += 1
            }
            guard settings.model != nil else { throw .usage(.missingModel(command)) }
        }
        settings.classify.firstImage = next
        if command == .classify {
            guard argument(next) != nil else { throw .usage(.missingImages) }
        } else if let extra = argument(next) {
            throw .usage(.extraOperand(extra, command))
        }
    }
}

/// An argument of the program; nil past the last.
func argument(_ index: Int32) -> CText? { rb_argument(index).map { CText($0) } }
