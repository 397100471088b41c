import Camera
import Inference
import Outputs
import Platform
import Text

/// An option of the command line. Those of `run` are also keys of a configuration file, under the same names.
struct Option: Sendable {
    /// Without dashes.
    let name: StaticString
    /// What stands for the value in the help; nil: a flag, with no value on the command line and "yes" or "no" in a file.
    let value: StaticString?
    let commands: CommandSet
    /// Whether re-reading the configuration file can change it while the program runs.
    let isLive: Bool
    /// Lines that start under one another.
    let help: StaticString

    /// Whether a configuration file can hold it.
    var isKey: Bool { commands.contains(.run) && !isNamed("help") && !isNamed("config") }

    func isNamed(_ name: StaticString) -> Bool { self.name == name.cString }
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
        _ name: StaticString, _ commands: CommandSet, _ help: StaticString, _ set: (inout Settings) -> Void
    ) throws(ProgramError) {
        try read(Option(name: name, value: nil, commands: commands, isLive: false, help: help)) {
            settings, value throws(ProgramError) in
            if try value.isOn() {
                set(&settings)
            }
        }
    }

    mutating func text(
        _ name: StaticString, _ value: StaticString, _ commands: CommandSet, _ help: StaticString,
        _ set: (inout Settings, UnsafePointer<CChar>) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, help) { set(&$0, $1.text) }
    }

    mutating func number(
        _ name: StaticString, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, in range: ClosedRange<Double>, _ set: (inout Settings, Double) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, isLive: isLive, help) { settings, value throws(ProgramError) in
            set(&settings, try value.number(in: range))
        }
    }

    mutating func integer(
        _ name: StaticString, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, in range: ClosedRange<Int>, _ set: (inout Settings, Int) -> Void
    ) throws(ProgramError) {
        try self.value(name, value, commands, isLive: isLive, help) { settings, value throws(ProgramError) in
            set(&settings, try value.integer(in: range))
        }
    }

    /// Any other kind of value: `set` throws what is wrong with it.
    mutating func value(
        _ name: StaticString, _ value: StaticString, _ commands: CommandSet, isLive: Bool = false,
        _ help: StaticString, _ set: (inout Settings, OptionValue) throws(ProgramError) -> Void
    ) throws(ProgramError) {
        try read(Option(name: name, value: value, commands: commands, isLive: isLive, help: help), set)
    }
}

/// The text given for an option, and where it was given. The text lives as long as the program.
struct OptionValue {
    enum Place {
        case commandLine
        case file(UnsafePointer<CChar>, line: Int)
    }

    let name: StaticString
    /// Of a flag, the empty text or what a file says.
    let text: UnsafePointer<CChar>
    let place: Place

    func number(in range: ClosedRange<Double>) throws(ProgramError) -> Double {
        var number = 0.0
        guard rb_parse_number(text, &number) else { throw .notANumber(self) }
        guard range.contains(number) else {
            throw .outOfRange(self, from: range.lowerBound, to: range.upperBound)
        }
        return number
    }

    func integer(in range: ClosedRange<Int>) throws(ProgramError) -> Int {
        let number = try self.number(in: Double(range.lowerBound)...Double(range.upperBound))
        guard number == number.rounded() else { throw .notWhole(self) }
        return Int(number)
    }

    /// A list of processors that this program may use.
    func processors() throws(ProgramError) -> rb_cpus {
        var wanted = rb_cpus()
        guard rb_cpus_parse(text, &wanted) else { throw .notAList(self) }
        var allowed = rb_cpus()
        rb_cpus_allowed(&allowed)
        var cpu = rb_cpus_next(&wanted, 0)
        while cpu >= 0 {
            guard rb_cpus_contains(&allowed, cpu) else { throw .noSuchCore(self, cpu) }
            cpu = rb_cpus_next(&wanted, cpu + 1)
        }
        return wanted
    }

    func executionPath() throws(ProgramError) -> ExecutionPath {
        guard let path = ExecutionPath(named: text) else { throw .unknownISA(self) }
        return path
    }

    /// "640x480"
    func frameSize() throws(ProgramError) -> FrameSize {
        var numbers = InlineArray<2, UInt32>(repeating: 0)
        var (count, digits, position) = (0, 0, text)
        while true {
            let character = UInt8(truncatingIfNeeded: position.pointee)
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character), digits < 5 {
                numbers[count] = 10 * numbers[count] + UInt32(character - UInt8(ascii: "0"))
                digits += 1
            } else if character == UInt8(ascii: "x"), count == 0, digits > 0 {
                (count, digits) = (1, 0)
            } else {
                guard character == 0, count == 1, digits > 0, numbers[0] > 0, numbers[1] > 0 else {
                    throw .notASize(self)
                }
                return FrameSize(width: numbers[0], height: numbers[1])
            }
            position += 1
        }
    }

    func pixelFormat() throws(ProgramError) -> UInt32 {
        guard let fourcc = Camera.pixelFormat(named: text) else { throw .notAFormat(self) }
        return fourcc
    }

    /// "3/5", with 1 <= 3 <= 5 <= the longest window.
    func confirmation() throws(ProgramError) -> Policy.Rules.Confirmation {
        var position = text
        guard let needed = Self.digits(&position), position.pointee == CChar(UInt8(ascii: "/")) else {
            throw .notAConfirmation(self)
        }
        position += 1
        guard let window = Self.digits(&position), position.pointee == 0, needed >= 1, needed <= window,
            window <= Policy.longestWindow
        else { throw .notAConfirmation(self) }
        return Policy.Rules.Confirmation(needed: needed, window: window)
    }

    /// "500K", "10M", "1G" or plain bytes, at least 1,024.
    func byteCount() throws(ProgramError) -> UInt64 {
        var position = text
        guard let number = Self.digits(&position) else { throw .notAFileSize(self) }
        var bytes = UInt64(number)
        switch UInt8(bitPattern: position.pointee) {
        case 0: break
        case UInt8(ascii: "K"): bytes <<= 10
        case UInt8(ascii: "M"): bytes <<= 20
        case UInt8(ascii: "G"): bytes <<= 30
        default: throw .notAFileSize(self)
        }
        guard position.pointee == 0 || position[1] == 0, bytes >= 1024 else { throw .notAFileSize(self) }
        return bytes
    }

    func outputPlace() throws(ProgramError) -> OutputPlace {
        if ("-" as StaticString) == text { return .standardOutput }
        if let path = text(after: "file:") { return .file(path) }
        if let path = text(after: "unix:") { return .socket(path) }
        throw .notAnOutput(self)
    }

    func pressure() throws(ProgramError) -> OutputPressure {
        if ("drop" as StaticString) == text { return .drops }
        guard ("wait" as StaticString) == text else { throw .notAPressure(self) }
        return .waits
    }

    /// A port, or a numeric address and a port.
    func tcpPlace() throws(ProgramError) -> OptionValue {
        guard rb_is_tcp_place(text) else { throw .notATCPPlace(self) }
        return self
    }

    /// Up to six decimal digits; nil where there are none or more.
    private static func digits(_ position: inout UnsafePointer<CChar>) -> Int? {
        let start = position
        var number = 0
        while (CChar(UInt8(ascii: "0"))...CChar(UInt8(ascii: "9"))).contains(position.pointee) {
            guard position - start < 6 else { return nil }
            number = 10 * number + Int(position.pointee) - Int(UInt8(ascii: "0"))
            position += 1
        }
        return position > start ? number : nil
    }

    /// What stands behind a prefix, where it is there and something behind it.
    private func text(after prefix: StaticString) -> UnsafePointer<CChar>? {
        for index in 0..<prefix.utf8CodeUnitCount where text[index] != CChar(bitPattern: prefix.utf8Start[index]) {
            return nil
        }
        let rest = text + prefix.utf8CodeUnitCount
        return rest.pointee == 0 ? nil : rest
    }

    /// Whether a flag is on.
    fileprivate func isOn() throws(ProgramError) -> Bool {
        if case .commandLine = place { return true }
        if ("yes" as StaticString) == text { return true }
        guard ("no" as StaticString) == text else { throw .notYesOrNo(self) }
        return false
    }
}
