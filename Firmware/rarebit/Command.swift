/// What the program can be asked to do.
enum Command: UInt8 {
    case run, classify, bench, info, cameras

    static func named(_ name: UnsafePointer<CChar>) -> Command? {
        var number: UInt8 = 0
        while let command = Command(rawValue: number) {
            if command.name == name {
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

    func takes(_ option: Option) -> Bool {
        switch option {
        case .help: true
        case .version: false
        case .camera, .frames, .count: self == .run
        case .alpha: self == .run || self == .classify || self == .bench
        case .top: self == .run || self == .classify
        case .json: self != .info
        case .threads, .cpus: self == .run || self == .bench
        case .memory: self == .info
        case .isa, .runs, .seconds, .fps, .layers, .ceiling, .compare, .threshold: self == .bench
        }
    }

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

    var help: StaticString {
        switch self {
        case .run:
            """
            usage: rarebit run MODEL.rbit [options]

            Classifies frames until stopped (Ctrl-C) or the source ends. On a terminal: a live view.

              --camera DEV   the V4L2 node to capture from; default /dev/video0
              --frames FILE  recorded frames instead of a camera
              --alpha A      strength of the TDE adjustment, 0 (the plain classifier) or more; default: the model's
              --top N        how many classes to show, 1...32; default 3
              --json         one JSON record a frame, on standard output
              --count N      stop after N frames
              --threads N    threads to compute on, 1...64; default: 1, or as many as cores are listed
              --cpus LIST    the cores to run on, such as 2 or 4-7, a thread on each; default: the fast ones

            """
        case .classify:
            """
            usage: rarebit classify MODEL.rbit IMAGE... [options]

            Classifies JPEG, PNG and PPM files, one line each.

              --alpha A      strength of the TDE adjustment, 0 (the plain classifier) or more; default: the model's
              --top N        how many classes to show, 1...32; default 3
              --json         one JSON record a picture

            """
        case .bench:
            """
            usage: rarebit bench MODEL.rbit [options]

            Times the network on a fixed input, after a warm-up, and says how close that is to what the processor can do.

              --runs N       how many runs, 1...65536
              --seconds S    for how long; both given: until the first of them; neither: 1000 runs or 5 seconds
              --fps F        start runs F times a second, as a camera would; default: back to back
              --alpha A      strength of the TDE adjustment, 0 (the plain classifier) or more; default: the model's
              --threads N    threads to compute on, 1...64; default: 1, or as many as cores are listed
              --cpus LIST    the cores to run on, such as 2 or 4-7, a thread on each; default: the fast ones
              --isa NAME     kernels of a lesser instruction set; a name that is none lists them
              --layers       a table of where the time goes, with the head's time with and without the adjustment
              --ceiling      also measure the most the core can do: the best instruction, on registers alone
              --json         JSON records: one of the whole, with --layers one of each operation
              --compare OLD  the record of an earlier bench --json: print the ratios; exit status 1 where the median is
                             above the threshold, or the same model and input give other logits
              --threshold R  ratio of medians, new to old, that still passes; default 1.05

            """
        case .info:
            """
            usage: rarebit info MODEL.rbit [--memory]

            Prints a model's classes, input, operations, file and arena.

              --memory       instead, what lies in the arena, operation by operation

            """
        case .cameras:
            """
            usage: rarebit cameras [--json]

            Lists the video nodes, what each offers, and the mode that rarebit run would choose.

              --json         one JSON record a node

            """
        }
    }
}
