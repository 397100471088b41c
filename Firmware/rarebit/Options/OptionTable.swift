import Platform
import Text

/// The options by number, without what they set.
struct OptionTable: OptionReader {
    static let all = OptionTable()

    /// Options 0..<count.
    private(set) var count = 0
    // RB_MAXIMUM_OPTIONS
    private var options: InlineArray<64, Option>

    private init() {
        let none = Option(name: "", value: nil, commands: .none, isLive: false, help: "")
        options = InlineArray(repeating: none)
        do throws(ProgramError) {
            try Settings.describeOptions(to: &self)
        } catch {
            preconditionFailure("describing the options sets nothing")
        }
    }

    subscript(number: Int) -> Option {
        precondition(number >= 0 && number < count)
        return options[number]
    }

    mutating func read(_ option: Option, _ set: (inout Settings, OptionValue) throws(ProgramError) -> Void) {
        options[count] = option
        count += 1
    }
}
