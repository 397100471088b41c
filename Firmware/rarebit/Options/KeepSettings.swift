import Inference
import Outputs
import Platform
import Text

/// Which frames are kept for labelling, and where.
struct KeepSettings {
    /// nil: none are.
    var folder: CText?
    /// nil: `usualRules`.
    var rules: OptionValue?
    var limit: FrameFolder.Limit?
    var spacing: FrameSelection.Spacing?

    private static var usualRules: KeepRules {
        var rules = KeepRules()
        (rules.unknown, rules.margin, rules.flipped) = (true, 0.1, true)
        return rules
    }

    var usedLimit: FrameFolder.Limit { limit ?? FrameFolder.Limit(bytes: 500 << 20, frames: 10_000) }

    /// `confirms`: whether classes are confirmed.
    func check(confirms: Bool) throws(ProgramError) {
        guard folder != nil || rules == nil && limit == nil && spacing == nil else { throw .usage(.needsKeep) }
        if let rules, try readRules().seen, !confirms { throw .value(rules, .seenNeedsConfirmation) }
    }

    func readRules() throws(ProgramError) -> KeepRules {
        guard let value = rules else { return Self.usualRules }
        var rules = KeepRules()
        var items = ListItems(value.text)
        while let item = items.next() {
            guard item.withCText({ rules.add($0) }) == true else { throw .value(value, .notAKeepRule(item)) }
        }
        return rules
    }
}

extension KeepRules {
    /// False where a text is no rule.
    fileprivate mutating func add(_ text: CText) -> Bool {
        if text == "unknown" {
            unknown = true
        } else if text == "flipped" {
            flipped = true
        } else if text == "rare" {
            rare = true
        } else if text == "seen" {
            seen = true
        } else if let number = text.suffix(after: "margin<") {
            var share = 0.0
            guard rb_parse_number(number.start, &share), share > 0, share <= 1 else { return false }
            margin = Float(share)
        } else if var rest = text.suffix(after: "every=") {
            guard let number = rest.removeNumber(digits: 6), number > 0 else { return false }
            let seconds = rest == "s" ? 1 : rest == "m" ? 60 : rest == "h" ? 3600 : 0
            guard seconds > 0 else { return false }
            interval = UInt64(number * seconds) * 1_000_000_000
        } else {
            return false
        }
        return true
    }
}

extension OptionValue {
    /// "500M,10000"
    func keepLimit() throws(ProgramError) -> FrameFolder.Limit {
        var rest = text
        guard let bytes = rest.removeByteCount(), rest.removePrefix(","), let frames = rest.removeNumber(digits: 7),
            rest.isEmpty, (1...FrameFolder.Limit.mostFrames).contains(frames)
        else { throw .value(self, .notAKeepLimit) }
        return FrameFolder.Limit(bytes: bytes, frames: frames)
    }

    /// "5,0.2": seconds, and how far apart the features of two scenes are.
    func keepSpacing() throws(ProgramError) -> FrameSelection.Spacing {
        var numbers = InlineArray<2, Double>(repeating: 0)
        guard text.readNumbers(2, into: &numbers), (0...86_400).contains(numbers[0]), (0...2).contains(numbers[1])
        else {
            throw .value(self, .notAKeepSpacing)
        }
        return FrameSelection.Spacing(time: UInt64(numbers[0] * 1e9), difference: Float(numbers[1]))
    }
}
