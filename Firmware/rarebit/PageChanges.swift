import HTTP
import ModelFormat
import Text

/// Changes of the settings that clients of the page ask for: "alpha=0.7&classes=0,3,7", where every setting may be missing. Classes
/// are numbers.
///
/// What a setting's text says lies here as long as the setting is in use, and beside it there is room for the next one, so that a
/// change that is refused harms nothing.
struct PageChanges: ~Copyable {
    /// Settings whose text is kept.
    private enum Kept: Int {
        case classes, thresholds, exempted, headWeights, prior

        static var count: Int { 5 }
    }

    /// The change that is read; then for each kept setting two texts, one of them in use.
    private let memory: Memory
    /// Which of the two, by setting.
    private var used = InlineArray<5, Int>(repeating: 0)  // Kept.count
    /// The change that was read last has another.
    private var isNew = InlineArray<5, Bool>(repeating: false)

    init() throws(ProgramError) {
        memory = try Memory(count: (1 + 2 * Kept.count) * Int(RB_COMMAND_BYTES))
    }

    /// Reads a change into the settings. `explained`: the class whose evidence is shown, nil for the best; what it is now is given,
    /// and what it is to be comes back.
    mutating func read(
        _ command: CText, into judging: inout JudgingSettings, explained: Int?, of model: Model
    ) throws(ProgramError) -> Int? {
        isNew = InlineArray(repeating: false)
        var explained = explained
        let apart = part(0)
        let count = Self.copy(command, to: apart)
        for index in 0..<count where apart[index] == UInt8(ascii: "&") {
            apart[index] = 0
        }
        var start = 0
        while start < count {
            let entry = CText((apart.baseAddress! + start).assumingMemoryBound(to: CChar.self))
            start += entry.count + 1
            if let value = entry.suffix(after: "alpha=") {
                judging.alpha = Float(try Self.value("alpha", value).number(in: 0...1000))
            } else if let value = entry.suffix(after: "threshold=") {
                judging.threshold = Float(try Self.value("threshold", value).number(in: 0...1))
            } else if let value = entry.suffix(after: "classes=") {
                judging.classes = kept(.classes, "classes", value)
            } else if let value = entry.suffix(after: "thresholds=") {
                judging.thresholds = kept(.thresholds, "thresholds", value)
            } else if let value = entry.suffix(after: "exempt=") {
                judging.exempted = kept(.exempted, "exempt", value)
            } else if let value = entry.suffix(after: "head-weights=") {
                judging.headWeights = kept(.headWeights, "head-weights", value)
            } else if let value = entry.suffix(after: "prior=") {
                guard value == "none" || value == "estimate" else {
                    throw Self.value("prior", value).error(.notFromThePage)
                }
                judging.prior = kept(.prior, "prior", value)
            } else if let value = entry.suffix(after: "explains=") {
                let last = Int(model.head.classes) - 1
                let index = try Self.value("explains", value).integer(in: -1...last)
                explained = index < 0 ? nil : index
            } else {
                throw .usage(.notASetting)
            }
        }
        return explained
    }

    /// The change that was read last is made.
    mutating func keep() {
        for setting in 0..<Kept.count where isNew[setting] {
            used[setting] = 1 - used[setting]
        }
    }

    private static func value(_ name: CText, _ text: CText) -> OptionValue {
        OptionValue(name: name, text: text, place: .page)
    }

    /// A value whose text is copied to where it can stay.
    private mutating func kept(_ setting: Kept, _ name: CText, _ text: CText) -> OptionValue {
        let number = setting.rawValue
        isNew[number] = true
        let room = part(1 + 2 * number + (1 - used[number]))
        _ = Self.copy(text, to: room)
        return Self.value(name, CText(room.baseAddress!.assumingMemoryBound(to: CChar.self)))
    }

    private func part(_ number: Int) -> UnsafeMutableRawBufferPointer {
        let size = Int(RB_COMMAND_BYTES)
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[(number * size)..<((number + 1) * size)])
    }

    /// With the final zero; how many bytes stand in front of it.
    private static func copy(_ text: CText, to memory: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(text.count, memory.count - 1)
        memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: text.bytes[..<count]))
        memory[count] = 0
        return count
    }
}
