import Camera
import HTTP
import Inference
import Outputs
import Platform
import Text

/// The text given for an option, and where it was given. The text lives as long as the program.
struct OptionValue: Sendable {
    enum Place: Equatable, Sendable {
        case commandLine
        case file(CText, line: Int)
        /// A change that a client of the page asks for.
        case page
    }

    let name: CText
    /// Of a flag, the empty text or what a file says.
    let text: CText
    let place: Place

    func error(_ fault: OptionFault) -> ProgramError { .value(self, fault) }

    // MARK: Numbers

    func number(in range: ClosedRange<Double>) throws(ProgramError) -> Double {
        var number = 0.0
        guard rb_parse_number(text.start, &number) else { throw error(.notANumber) }
        guard range.contains(number) else {
            throw error(.outOfRange(from: range.lowerBound, to: range.upperBound))
        }
        return number
    }

    func integer(in range: ClosedRange<Int>) throws(ProgramError) -> Int {
        let number = try self.number(in: Double(range.lowerBound)...Double(range.upperBound))
        guard number == number.rounded() else { throw error(.notWhole) }
        return Int(number)
    }

    // MARK: Words

    /// Whether a flag is on.
    func isOn() throws(ProgramError) -> Bool {
        if case .commandLine = place { return true }
        if text == "yes" { return true }
        guard text == "no" else { throw error(.notYesOrNo) }
        return false
    }

    func executionPath() throws(ProgramError) -> ExecutionPath {
        guard let path = ExecutionPath(named: text) else { throw error(.unknownISA) }
        return path
    }

    func pixelFormat() throws(ProgramError) -> UInt32 {
        guard let fourcc = Camera.pixelFormat(named: text) else { throw error(.notAFormat) }
        return fourcc
    }

    func pressure() throws(ProgramError) -> OutputPressure {
        if text == "drop" { return .drops }
        guard text == "wait" else { throw error(.notAPressure) }
        return .waits
    }

    // MARK: Compound values

    /// A list of processors that this program may use.
    func processors() throws(ProgramError) -> rb_cpus {
        var wanted = rb_cpus()
        guard rb_cpus_parse(text.start, &wanted) else { throw error(.notAList) }
        var allowed = rb_cpus()
        rb_cpus_allowed(&allowed)
        var cpu = rb_cpus_next(&wanted, 0)
        while cpu >= 0 {
            guard rb_cpus_contains(&allowed, cpu) else { throw error(.noSuchCore(cpu)) }
            cpu = rb_cpus_next(&wanted, cpu + 1)
        }
        return wanted
    }

    /// "640x480"
    func frameSize() throws(ProgramError) -> FrameSize {
        var rest = text
        guard let width = rest.removeNumber(digits: 5), rest.removePrefix("x"),
            let height = rest.removeNumber(digits: 5), rest.isEmpty, width > 0, height > 0
        else { throw error(.notASize) }
        return FrameSize(width: UInt32(width), height: UInt32(height))
    }

    /// "3/5", with 1 <= 3 <= 5 <= the longest window.
    func confirmation() throws(ProgramError) -> Policy.Rules.Confirmation {
        var rest = text
        guard let needed = rest.removeNumber(digits: 6), rest.removePrefix("/"),
            let window = rest.removeNumber(digits: 6), rest.isEmpty, needed >= 1, needed <= window,
            window <= Policy.longestWindow
        else { throw error(.notAConfirmation) }
        return Policy.Rules.Confirmation(needed: needed, window: window)
    }

    /// "500K", "10M", "1G" or plain bytes, at least 1,024.
    func byteCount() throws(ProgramError) -> UInt64 {
        var rest = text
        guard let bytes = rest.removeByteCount(), rest.isEmpty else { throw error(.notAFileSize) }
        return bytes
    }

    func outputPlace() throws(ProgramError) -> OutputPlace {
        if text == "-" { return .standardOutput }
        if let path = text.suffix(after: "file:"), !path.isEmpty { return .file(path) }
        if let path = text.suffix(after: "unix:"), !path.isEmpty { return .socket(path) }
        throw error(.notAnOutput)
    }

    /// Where frames come from; an address of the network is one that can be asked.
    func source() throws(ProgramError) -> CText {
        if text.suffix(after: "http://") != nil {
            guard rb_is_http_address(text.start) else { throw error(.notAnAddress) }
        } else if text.suffix(after: "https://") != nil || text.suffix(after: "rtsp://") != nil {
            throw error(.needsDecoder)
        } else if let command = text.suffix(after: "exec:"), command.isEmpty {
            throw error(.noCommand)
        }
        return text
    }

    /// A port, or a numeric address and a port.
    func tcpPlace() throws(ProgramError) -> OptionValue {
        guard rb_is_tcp_place(text.start) else { throw error(.notATCPPlace) }
        return self
    }

    // MARK: Views

    /// Left, top, width and height in pixels.
    func rectangle() throws(ProgramError) -> PixelRectangle {
        let numbers = try fourNumbers(or: .notARectangle)
        for index in numbers.indices {
            // The largest picture has 16384 pixels a side.
            guard numbers[index] == numbers[index].rounded(), (0...16384).contains(numbers[index]) else {
                throw error(.notARectangle)
            }
        }
        guard numbers[2] > 0, numbers[3] > 0 else { throw error(.notARectangle) }
        return PixelRectangle(
            left: Int(numbers[0]), top: Int(numbers[1]), width: Int(numbers[2]), height: Int(numbers[3]))
    }

    func fractions() throws(ProgramError) -> Fractions {
        let numbers = try fourNumbers(or: .notARegion)
        guard
            let fractions = Fractions(left: numbers[0], top: numbers[1], width: numbers[2], height: numbers[3])
        else { throw error(.notARegion) }
        return fractions
    }

    /// "auto", or "7600,8700" in 0...65535.
    func brightnessRange() throws(ProgramError) -> BrightnessRange {
        if text == "auto" { return .automatic }
        var rest = text
        guard let low = rest.removeNumber(digits: 5), rest.removePrefix(","), let high = rest.removeNumber(digits: 5),
            rest.isEmpty, low < high, let low = UInt16(exactly: low), let high = UInt16(exactly: high)
        else { throw error(.notABrightnessRange) }
        return .fixed(low: low, high: high)
    }

    func quarterTurns() throws(ProgramError) -> Int {
        if text == "0" { return 0 }
        if text == "90" { return 1 }
        if text == "180" { return 2 }
        guard text == "270" else { throw error(.notARotation) }
        return 3
    }

    func flips() throws(ProgramError) -> (horizontal: Bool, vertical: Bool) {
        if text == "horizontal" { return (true, false) }
        if text == "vertical" { return (false, true) }
        guard text == "both" else { throw error(.notAFlip) }
        return (true, true)
    }

    private func fourNumbers(or fault: OptionFault) throws(ProgramError) -> InlineArray<4, Double> {
        var numbers = InlineArray<4, Double>(repeating: 0)
        guard text.readNumbers(4, into: &numbers) else { throw error(fault) }
        return numbers
    }
}

extension CText {
    /// Reads it as exactly `count` finite numbers joined by commas, no more than there is room for. False, and nothing of use
    /// written, for anything else.
    func readNumbers<let room: Int>(_ count: Int, into numbers: inout InlineArray<room, Double>) -> Bool {
        precondition(count <= room)
        return withUnsafeMutableBytes(of: &numbers) {
            rb_parse_numbers(start, Int32(count), $0.baseAddress!.assumingMemoryBound(to: Double.self))
        }
    }

    /// Takes "500K", "10M", "1G" or plain bytes off the front; nil where there is none, or fewer than 1,024.
    mutating func removeByteCount() -> UInt64? {
        guard let number = removeNumber(digits: 6) else { return nil }
        var bytes = UInt64(number)
        if removePrefix("K") {
            bytes <<= 10
        } else if removePrefix("M") {
            bytes <<= 20
        } else if removePrefix("G") {
            bytes <<= 30
        }
        return bytes >= 1024 ? bytes : nil
    }
}
