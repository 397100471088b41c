import Inference
import ModelFormat
import Text

/// How the program's settings have answers judged, which can change while it runs.
struct Judge: ~Copyable {
    private var judging: Judging
    private let memory: Memory

    init(_ settings: JudgingSettings, of model: Model) throws(ProgramError) {
        let classes = Int(model.head.classes)
        let memory = try Memory(count: Judging.byteCount(classes: classes))
        judging = try Judging(
            alpha: settings.alpha(of: model), settings.rules, classes: classes, memory: memory.bytes
        ) { policy throws(ProgramError) in try settings.includeClasses(of: model, in: &policy) }
        self.memory = memory
    }

    var alpha: Float { judging.alpha }
    var policy: Policy { judging.policy }

    /// Takes other settings; evidence gathered under the old ones counts no more, where they differ. Where the settings
    /// do not fit the model it throws, and the old ones stay.
    mutating func change(to settings: JudgingSettings, of model: Model) throws(ProgramError) {
        try judging.change(alpha: settings.alpha(of: model), settings.rules) { policy throws(ProgramError) in
            try settings.includeClasses(of: model, in: &policy)
        }
    }

    /// Answers the picture in the engine's input, taken at `time`.
    mutating func answer(
        from engine: Engine, top limit: Int, at time: UInt64, checksInput: Bool,
        keeping evidence: UnsafeMutablePointer<Evidence>? = nil
    ) -> Answer {
        judging.answer(from: engine, top: limit, at: time, checksInput: checksInput, keeping: evidence)
    }

    /// Pictures were missed: evidence gathered so far counts no more.
    mutating func restart() { judging.restart() }
}

extension JudgingSettings {
    fileprivate var rules: Policy.Rules {
        Policy.Rules(threshold: threshold, smoothing: smoothing, confirmation: confirmation)
    }

    fileprivate func alpha(of model: Model) -> Float { alpha ?? model.head.defaultAlpha }

    fileprivate func includeClasses(of model: Model, in policy: inout Policy) throws(ProgramError) {
        if let numbers = classNumbers { return policy.include(numbers, of: model) }
        guard let value = classes else { return policy.includeAll() }
        var items = ListItems(value.text)
        while let item = items.next() {
            guard let index = model.classIndex(of: item) else { throw .value(value, .unknownClass(item)) }
            policy.include(index)
        }
    }
}

extension Policy {
    /// Includes the classes of a list "0,3,7" of numbers; what is no class's is passed over.
    fileprivate mutating func include(_ numbers: CText, of model: Model) {
        var rest = numbers
        while let number = rest.removeNumber(digits: 6) {
            if number < Int(model.head.classes) { include(number) }
            guard rest.removePrefix(",") else { return }
        }
    }
}

/// The items of a list "a,b,c", without the space around them.
struct ListItems {
    private var rest: UnsafeRawBufferPointer?

    init(_ text: CText) {
        rest = text.bytes
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        guard let text = rest else { return nil }
        let comma = text.firstIndex(of: UInt8(ascii: ","))
        rest = comma.map { UnsafeRawBufferPointer(rebasing: text[($0 + 1)...]) }
        var (start, end) = (0, comma ?? text.count)
        while start < end && text[start] == UInt8(ascii: " ") {
            start += 1
        }
        while start < end && text[end - 1] == UInt8(ascii: " ") {
            end -= 1
        }
        return UnsafeRawBufferPointer(rebasing: text[start..<end])
    }
}

extension Model {
    /// The class with a name, else with a number; nil where there is none.
    fileprivate func classIndex(of text: UnsafeRawBufferPointer) -> Int? {
        for index in 0..<Int(head.classes) where className(index).isEqual(to: text) {
            return index
        }
        var number = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), number < Int(head.classes) else { return nil }
            number = 10 * number + Int(byte - UInt8(ascii: "0"))
        }
        return text.count > 0 && number < Int(head.classes) ? number : nil
    }
}
