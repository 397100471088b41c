import Text

/// Why a command line, or the configuration file it names, does not say what to do.
enum UsageError {
    case noCommand
    case unknownCommand(CText)
    case unknownOption(CText)
    case missingValue(CText)
    case foreignOption(CText, Command)
    case missingModel(Command)
    case missingImages
    case extraOperand(CText, Command)

    // Options that do not go together.
    case twoSources
    case nothingToLoop
    case needsFile(CText)
    case needsRotation
    case needsPage
    case needsKeep
    case onlyCameraPath
    case framesWithoutCameraPath
    case nothingToCompare

    /// In a change that a client of the page asks for.
    case notASetting

    // Lines of a configuration file.
    case notAnEntry(CText, line: Int)
    case unknownKey(CText, line: Int, CText)
    case keyTwice(CText, line: Int, CText, firstLine: Int)
}

extension UsageError: TextConvertible {
    var text: Message {
        switch self {
        case .noCommand: "no command given; see rarebit --help"
        case .unknownCommand(let name): "no command '\(name)'; see rarebit --help"
        case .unknownOption(let argument): "no option '\(argument)'; see rarebit --help"
        case .missingValue(let argument): "option '\(argument)' needs a value; see rarebit --help"
        case .foreignOption(let option, let command):
            "\(command.name) takes no option --\(option); see rarebit \(command.name) --help"
        case .missingModel(let command):
            "\(command.name) needs a model file; see rarebit \(command.name) --help"
        case .missingImages: "classify needs at least one image file; see rarebit classify --help"
        case .extraOperand(let argument, let command):
            "'\(argument)' is one argument too many for \(command.name); see rarebit \(command.name) --help"

        case .twoSources: "--camera, --frames and --source exclude each other; give one"
        case .nothingToLoop: "--loop needs --frames or --source; see rarebit run --help"
        case .needsFile(let option): "--\(option) needs an output file; see --output in rarebit run --help"
        case .needsPage: "--page-token needs --page; see rarebit run --help"
        case .needsKeep: "--keep-when, --keep-limit and --keep-spacing need --keep; see rarebit run --help"
        case .needsRotation: "--rotate-keep needs --rotate-size; see rarebit run --help"
        case .onlyCameraPath:
            "--camera-path excludes --fps, --layers, --ceiling and --compare; see rarebit bench --help"
        case .framesWithoutCameraPath: "--frames needs --camera-path; see rarebit bench --help"
        case .nothingToCompare: "--threshold needs --compare; see rarebit bench --help"

        case .notASetting:
            "give alpha=, threshold=, thresholds=, classes=, exempt=, prior=, head-weights= and explains=, joined by &"

        case .notAnEntry(let path, let line): "\(path):\(line): is not 'name = value'; # starts a comment"
        case .unknownKey(let path, let line, let key):
            "\(path):\(line): no option '\(key)'; rarebit run --help lists them"
        case .keyTwice(let path, let line, let name, let firstLine):
            "\(path):\(line): \(name) stands in line \(firstLine) already; keep one of them"
        }
    }
}
