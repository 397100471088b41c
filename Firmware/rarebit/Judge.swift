import Inference
import ModelFormat
import Text

/// What can change while the program runs: the adjustment's strength and what is made of the logits.
struct Judge: ~Copyable {
    private(set) var alpha: Float
    private(set) var policy: Policy
    /// Room for two policies: a new one is made beside the one in use, so that a bad one changes nothing.
    private let memory: Memory
    private var half = 0

    init(_ settings: JudgingSettings, of model: Model) throws(ProgramError) {
        let memory = try Memory(count: 2 * Policy.byteCount(classes: Int(model.head.classes)))
        policy = try Self.policy(settings, of: model, in: memory.bytes)
        alpha = settings.alpha ?? model.head.defaultAlpha
        self.memory = memory
    }

    /// Takes other settings; evidence gathered under the old ones counts no more, where they differ. Where the settings
    /// do not fit the model it throws, and the old ones stay.
    mutating func change(to settings: JudgingSettings, of model: Model) throws(ProgramError) {
        let bytes = memory.bytes
        let size = bytes.count / 2
        let start = (1 - half) * size
        let other = try Self.policy(
            settings, of: model, in: UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + size)]))
        let otherAlpha = settings.alpha ?? model.head.defaultAlpha
        guard other.rules != policy.rules || !other.includesSame(as: policy) || otherAlpha != alpha else { return }
        half = 1 - half
        policy = other
        alpha = otherAlpha
    }

    /// Answers the picture in the engine's input, taken at `time`.
    mutating func answer(
        from engine: Engine, top limit: Int, at time: UInt64, checksInput: Bool
    ) -> Answer {
        Answer(
            running: engine, alpha: alpha, policy: &policy, top: limit, at: time, checksInput: checksInput)
    }

    /// Pictures were missed: evidence gathered so far counts no more.
    mutating func restart() { policy.restart() }

    private static func policy(
        _ settings: JudgingSettings, of model: Model, in memory: UnsafeMutableRawBufferPointer
    ) throws(ProgramError) -> Policy {
        let rules = Policy.Rules(
            threshold: settings.threshold, smoothing: settings.smoothing, confirmation: settings.confirmation)
        var policy = Policy(rules, classes: Int(model.head.classes), memory: memory)
        guard let value = settings.classes else {
            policy.includeAll()
            return policy
        }
        var items = ListItems(value.text)
        while let item = items.next() {
            guard let index = model.classIndex(of: item) else { throw .value(value, .unknownClass(item)) }
            policy.include(index)
        }
        return policy
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
