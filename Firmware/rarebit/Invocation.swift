import Inference
import Platform
import Telemetry

/// The long options, in the order in which the C library's parser numbers them.
enum Option: Int32 {
    case camera, frames, alpha, top, json, count, threads, cpus, isa, runs, seconds, fps, layers, ceiling
    case compare, threshold, memory, help, version

    static var total: Int32 { 19 }

    var name: StaticString {
        switch self {
        case .camera: "camera"
        case .frames: "frames"
        case .alpha: "alpha"
        case .top: "top"
        case .json: "json"
        case .count: "count"
        case .threads: "threads"
        case .cpus: "cpus"
        case .isa: "isa"
        case .runs: "runs"
        case .seconds: "seconds"
        case .fps: "fps"
        case .layers: "layers"
        case .ceiling: "ceiling"
        case .compare: "compare"
        case .threshold: "threshold"
        case .memory: "memory"
        case .help: "help"
        case .version: "version"
        }
    }

    var takesValue: Bool {
        switch self {
        case .json, .layers, .ceiling, .memory, .help, .version: false
        default: true
        }
    }
}

/// The command line, checked: what to do, with which values. Text is the C library's, which lives as long as the program.
struct Invocation {
    enum Request {
        case perform(Command)
        case help(Command?)
        case version
    }

    private static var longestSeconds: Double { 86_400 }

    private(set) var request = Request.help(nil)
    /// The model file; set for every command that takes one.
    private(set) var model: UnsafePointer<CChar>! = nil
    /// Operands behind the model are the arguments from here on.
    private(set) var firstImage: Int32 = 0
    private(set) var camera: UnsafePointer<CChar> = ("/dev/video0" as StaticString).cString
    private(set) var frames: UnsafePointer<CChar>?
    /// nil: the model's own.
    private(set) var alpha: Float?
    private(set) var top = 3
    private(set) var isJSON = false
    private(set) var count = Int.max
    /// nil: the program's choice.
    private(set) var executionPath: ExecutionPath?
    /// nil: the program's choice.
    private(set) var threads: Int?
    /// Where to run; nil: the program's choice.
    private(set) var cpus: rb_cpus?
    private(set) var runs = 1000
    private(set) var seconds = 5.0
    /// Frames a second; nil: back to back.
    private(set) var frameRate: Double?
    private(set) var showsLayers = false
    private(set) var showsCeiling = false
    private(set) var showsMemory = false
    /// The record of an earlier benchmark.
    private(set) var comparison: UnsafePointer<CChar>?
    private(set) var threshold = 1.05
    private var given: UInt32 = 0

    init() throws(ProgramError) {
        try readOptions()
        if wasGiven(.version) {
            request = .version
            return
        }
        let operand = rb_first_operand()
        guard let name = rb_argument(operand) else {
            guard wasGiven(.help) else { throw .noCommand }
            return
        }
        guard let command = Command.named(name) else { throw .unknownCommand(name) }
        request = wasGiven(.help) ? .help(command) : .perform(command)
        if !wasGiven(.help) {
            try checkOptions(for: command)
            settleDuration()
            try readOperands(of: command, from: operand + 1)
        }
    }

    private func wasGiven(_ option: Option) -> Bool { given & 1 << UInt32(option.rawValue) != 0 }

    private mutating func readOptions() throws(ProgramError) {
        var table = InlineArray<19, rb_option> { index in
            let option = Option(rawValue: Int32(index))!
            return rb_option(name: option.name.cString, takes_value: option.takesValue)
        }
        while true {
            var value: UnsafePointer<CChar>?
            let found = withUnsafeBytes(of: &table) {
                rb_next_option($0.baseAddress!.assumingMemoryBound(to: rb_option.self), Option.total, &value)
            }
            switch found {
            case Int32(RB_OPTION_END): return
            case Int32(RB_OPTION_UNKNOWN): throw .unknownOption(value!)
            case Int32(RB_OPTION_NEEDS_VALUE): throw .missingValue(value!)
            case Int32(RB_OPTION_HELP): given |= 1 << UInt32(Option.help.rawValue)
            default:
                let option = Option(rawValue: found)!
                given |= 1 << UInt32(option.rawValue)
                try set(option, to: value)
            }
        }
    }

    private mutating func set(_ option: Option, to value: UnsafePointer<CChar>?) throws(ProgramError) {
        switch option {
        case .camera: camera = value!
        case .frames: frames = value
        case .alpha: alpha = Float(try number(option, value!, in: 0...1000))
        case .top: top = try integer(option, value!, in: 1...Ranking.maximumCount)
        case .json: isJSON = true
        case .count: count = try integer(option, value!, in: 1...1_000_000_000)
        case .threads: threads = try integer(option, value!, in: 1...Int(RB_MAXIMUM_THREADS))
        case .cpus: cpus = try processors(value!)
        case .isa:
            guard let path = ExecutionPath(named: value!) else { throw .unknownISA(value!) }
            executionPath = path
        case .fps: frameRate = try number(option, value!, in: 0.1...10_000)
        case .ceiling: showsCeiling = true
        case .memory: showsMemory = true
        case .compare: comparison = value
        case .threshold: threshold = try number(option, value!, in: 0.01...100)
        case .runs: runs = try integer(option, value!, in: 1...LatencySamples.maximumCount)
        case .seconds: seconds = try number(option, value!, in: 0.001...Self.longestSeconds)
        case .layers: showsLayers = true
        case .help, .version: break
        }
    }

    private func number(
        _ option: Option, _ text: UnsafePointer<CChar>, in range: ClosedRange<Double>
    ) throws(ProgramError) -> Double {
        var number = 0.0
        guard rb_parse_number(text, &number) else { throw .notANumber(option, text) }
        guard range.contains(number) else {
            throw .outOfRange(option, text, from: range.lowerBound, to: range.upperBound)
        }
        return number
    }

    private func integer(
        _ option: Option, _ text: UnsafePointer<CChar>, in range: ClosedRange<Int>
    ) throws(ProgramError) -> Int {
        let number = try self.number(option, text, in: Double(range.lowerBound)...Double(range.upperBound))
        guard number == number.rounded() else { throw .notWhole(option, text) }
        return Int(number)
    }

    /// A list of processors that this program may use.
    private func processors(_ text: UnsafePointer<CChar>) throws(ProgramError) -> rb_cpus {
        var wanted = rb_cpus()
        guard rb_cpus_parse(text, &wanted) else { throw .notAList(text) }
        var allowed = rb_cpus()
        rb_cpus_allowed(&allowed)
        var cpu = rb_cpus_next(&wanted, 0)
        while cpu >= 0 {
            guard rb_cpus_contains(&allowed, cpu) else { throw .noSuchCore(cpu) }
            cpu = rb_cpus_next(&wanted, cpu + 1)
        }
        return wanted
    }

    /// Runs and seconds each end a benchmark; where only one is given, the other does not.
    private mutating func settleDuration() {
        if wasGiven(.seconds) && !wasGiven(.runs) {
            runs = LatencySamples.maximumCount
        } else if wasGiven(.runs) && !wasGiven(.seconds) {
            seconds = Self.longestSeconds
        }
    }

    private func checkOptions(for command: Command) throws(ProgramError) {
        var raw: Int32 = 0
        while let option = Option(rawValue: raw) {
            guard !wasGiven(option) || command.takes(option) else { throw .foreignOption(option, command) }
            raw += 1
        }
        guard !(wasGiven(.camera) && wasGiven(.frames)) else { throw .twoSources }
        guard !wasGiven(.threshold) || wasGiven(.compare) else { throw .nothingToCompare }
    }

    private mutating func readOperands(of command: Command, from first: Int32) throws(ProgramError) {
        var next = first
        if command.takesModel {
            guard let path = rb_argument(next) else { throw .missingModel(command) }
            model = path
            next += 1
        }
        firstImage = next
        if command == .classify {
            guard rb_argument(next) != nil else { throw .missingImages }
        } else if let extra = rb_argument(next) {
            throw .extraOperand(extra, command)
        }
    }
}
