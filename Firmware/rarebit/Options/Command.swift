import Text

/// What the program can be asked to do.
enum Command: UInt8 {
    case run, classify, bench, info, cameras

    static func named(_ name: CText) -> Command? {
        var number: UInt8 = 0
        while let command = Command(rawValue: number) {
            if name == CText(command.name) {
                return command
            }
            number += 1
        }
        return nil
    }

    var name: StaticString {
        switch self {
        case .run: "run"
        case .classify: "classify"
        case .bench: "bench"
        case .info: "info"
        case .cameras: "cameras"
        }
    }

    /// Whether a model file is the first operand.
    var takesModel: Bool { self != .cameras }

    static var overview: StaticString {
        """
        rarebit: long-tailed image classification on a camera device

        usage: rarebit run MODEL.rbit [--camera DEV | --frames FILE]   say what a camera sees
               rarebit classify MODEL.rbit IMAGE...                    JPEG, PNG or PPM files
               rarebit bench MODEL.rbit                                how fast a model runs here
               rarebit info MODEL.rbit                                 what a model holds
               rarebit cameras                                         devices and what each offers
               rarebit COMMAND --help                                  a command's options
               rarebit --version

        Models are made by rarebit-convert. Exit status: 0 done, 1 the work failed, 2 wrong usage.

        """
    }

    /// What the options' help stands under.
    var usage: StaticString {
        switch self {
        case .run:
            """
            usage: rarebit run MODEL.rbit [options]

            Classifies frames until stopped (Ctrl-C) or the source ends. On a terminal: a live view, whose keys are q to
            end, + and - for alpha, and space to hold what is shown.
            """
        case .classify:
            """
            usage: rarebit classify MODEL.rbit IMAGE... [options]

            Classifies JPEG, PNG and PPM files, one line each.
            """
        case .bench:
            """
            usage: rarebit bench MODEL.rbit [options]

            Times the network on a fixed input, after a warm-up, and says how close that is to what the processor can do.
            """
        case .info:
            """
            usage: rarebit info MODEL.rbit [--memory]

            Prints a model's classes, input, operations, file and arena.
            """
        case .cameras:
            """
            usage: rarebit cameras [--json]

            Lists the video nodes, what each offers, and the mode that rarebit run would choose.
            """
        }
    }
}

/// Some of the commands: `.run | .bench`. (An `OptionSet` takes its members from an array, which device code cannot have.)
struct CommandSet: Sendable {
    private let bits: UInt8

    static let none = CommandSet(bits: 0)
    static let run = CommandSet(.run)
    static let classify = CommandSet(.classify)
    static let bench = CommandSet(.bench)
    static let info = CommandSet(.info)
    static let cameras = CommandSet(.cameras)
    static let all = CommandSet(bits: .max)

    private init(bits: UInt8) {
        self.bits = bits
    }

    private init(_ command: Command) {
        bits = 1 << command.rawValue
    }

    static func | (one: CommandSet, other: CommandSet) -> CommandSet { CommandSet(bits: one.bits | other.bits) }

    func contains(_ command: Command) -> Bool { bits & CommandSet(command).bits != 0 }
}
