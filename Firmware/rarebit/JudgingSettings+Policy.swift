import Inference
import ModelFormat
import Platform
import Text

// What the settings say of single classes and heads, put into a policy.

extension JudgingSettings {
    /// The most bytes of a file of thresholds or shares.
    static var fileLimit: Int { 1 << 20 }
    /// Heads that can be weighed; no network of several experts has as many.
    private static var mostHeads: Int { 64 }

    var rules: Policy.Rules {
        Policy.Rules(threshold: threshold, smoothing: smoothing, confirmation: confirmation)
    }

    func alpha(of model: Model) -> Float { alpha ?? model.head.defaultAlpha }

    /// `files`: where named files are read, `fileLimit + 1` bytes.
    func describe(
        _ policy: inout Policy, of model: Model, files: UnsafeMutableRawBufferPointer
    ) throws(ProgramError) {
        try includeClasses(of: model, in: &policy)
        try exemptClasses(of: model, in: &policy)
        if let thresholds { try setThresholds(thresholds, of: model, in: &policy, files) }
        if let headWeights { try setWeights(headWeights, of: model, in: &policy) }
        if let prior { try setPrior(prior, of: model, in: &policy, files) }
    }

    // MARK: Classes

    private func includeClasses(of model: Model, in policy: inout Policy) throws(ProgramError) {
        guard let classes else { return policy.includeAll() }
        var items = ListItems(classes.text)
        while let item = items.next() {
            policy.include(try classes.index(of: item, in: model))
        }
    }

    private func exemptClasses(of model: Model, in policy: inout Policy) throws(ProgramError) {
        guard let exempted else {
            for place in 0..<model.exemptedCount { policy.exempt(model.exemptedClass(place)) }
            return
        }
        guard exempted.text != "-" else { return }
        var items = ListItems(exempted.text)
        while let item = items.next() {
            policy.exempt(try exempted.index(of: item, in: model))
        }
        for index in 0..<Int(model.head.classes) where !policy.isExempted(index) { return }
        throw exempted.error(.allExempted)
    }

    // MARK: Thresholds

    private func setThresholds(
        _ value: OptionValue, of model: Model, in policy: inout Policy, _ files: UnsafeMutableRawBufferPointer
    ) throws(ProgramError) {
        if let path = value.text.suffix(after: "file:"), value.place != .page {
            var file = try ConfigurationText(path: path, limit: Self.fileLimit, memory: files)
            while let entry = try file.next() {
                let line = OptionValue(name: value.name, text: entry.value, place: .file(path, line: entry.line))
                let index = try line.index(of: entry.key.bytes, in: model)
                policy.setThreshold(Float(try line.number(in: 0...1)), of: index)
            }
            return
        }
        guard value.text != "-" else { return }
        var items = ListItems(value.text)
        while let item = items.next() {
            guard let colon = item.lastIndex(of: UInt8(ascii: ":")),
                let threshold = Self.number(UnsafeRawBufferPointer(rebasing: item[(colon + 1)...])), threshold <= 1
            else { throw value.error(.notAThreshold(item)) }
            let name = UnsafeRawBufferPointer(rebasing: item[..<colon])
            policy.setThreshold(Float(threshold), of: try value.index(of: name, in: model))
        }
    }

    /// A number from 0 up in the midst of a text.
    private static func number(_ text: UnsafeRawBufferPointer) -> Double? {
        var number = 0.0
        return text.withCText({ rb_parse_number($0.start, &number) }) == true && number >= 0 ? number : nil
    }

    // MARK: Heads

    /// Weights are relative: their mean is made 1.
    private func setWeights(_ value: OptionValue, of model: Model, in policy: inout Policy) throws(ProgramError) {
        let heads = Int(model.head.heads)
        guard (2...Self.mostHeads).contains(heads) else { throw value.error(.notWeights(heads: 1)) }
        var numbers = InlineArray<64, Double>(repeating: 0)
        let isRead = value.text.readNumbers(heads, into: &numbers)
        var sum = 0.0
        for head in 0..<heads {
            guard isRead, numbers[head] >= 0, numbers[head] <= 1e6 else { throw value.error(.notWeights(heads: heads)) }
            sum += numbers[head]
        }
        guard sum > 0 else { throw value.error(.notWeights(heads: heads)) }
        for head in 0..<heads { policy.setWeight(Float(Double(heads) * numbers[head] / sum), ofHead: head) }
    }

    // MARK: Prior

    private func setPrior(
        _ value: OptionValue, of model: Model, in policy: inout Policy, _ files: UnsafeMutableRawBufferPointer
    ) throws(ProgramError) {
        guard value.text != "none" else { return }
        if let fault = model.priorFault { throw value.error(fault) }
        guard !estimatesPrior else { return }
        let count = rb_read_file(value.text.start, files.baseAddress, Self.fileLimit)
        guard count >= 0 else { throw .failure(.unreadableFile(value.text, status: Int32(count))) }
        files[count] = 0
        let classes = Int(model.head.classes)
        let memory = try Memory(count: 4 * classes)
        let shares = UnsafeMutableBufferPointer(rebasing: memory.bytes.bindMemory(to: Float.self)[..<classes])
        try readShares(value, count: count, of: files, into: shares)
        policy.setPrior(shares: UnsafePointer(shares.baseAddress!), of: model)
    }

    /// One a line, without empty lines but at the end: the file that the converter's --target-prior takes.
    private func readShares(
        _ value: OptionValue, count: Int, of text: UnsafeMutableRawBufferPointer,
        into shares: UnsafeMutableBufferPointer<Float>
    ) throws(ProgramError) {
        var (start, line, found) = (0, 0, 0)
        var end = count
        while end > 0 && text[end - 1] <= UInt8(ascii: " ") { end -= 1 }
        while start < end {
            var stop = start
            while stop < end && text[stop] != UInt8(ascii: "\n") { stop += 1 }
            line += 1
            guard let share = Self.number(UnsafeRawBufferPointer(rebasing: text[start..<stop]).trimmed), share > 0,
                share <= 1e30
            else { throw value.error(.notAShare(line: line)) }
            if found < shares.count { shares[found] = Float(share) }
            found += 1
            start = stop + 1
        }
        guard found == shares.count else { throw value.error(.wrongShareCount(found: found, classes: shares.count)) }
    }
}

extension OptionValue {
    /// The class that an item of the value is about.
    fileprivate func index(of item: UnsafeRawBufferPointer, in model: Model) throws(ProgramError) -> Int {
        guard let index = model.classIndex(of: item, isNumber: place == .page) else { throw error(.unknownClass(item)) }
        return index
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
        return UnsafeRawBufferPointer(rebasing: text[..<(comma ?? text.count)]).trimmed
    }
}

extension Model {
    /// The class with a name, else with a number; nil where there is none. `isNumber`: names do not count.
    fileprivate func classIndex(of text: UnsafeRawBufferPointer, isNumber: Bool) -> Int? {
        if !isNumber {
            for index in 0..<Int(head.classes) where className(index).isEqual(to: text) {
                return index
            }
        }
        var number = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), number < Int(head.classes) else { return nil }
            number = 10 * number + Int(byte - UInt8(ascii: "0"))
        }
        return text.count > 0 && number < Int(head.classes) ? number : nil
    }

    /// Why answers cannot be for another mix of classes than that of training; nil: they can.
    var priorFault: OptionFault? {
        for index in 0..<Int(head.classes) {
            guard let count = classCount(index) else { return .noClassCounts }
            guard count > 0 else { return .classWithoutImages(index) }
        }
        return says("adjustment: logit-adjustment") ? .alreadyAdjusted : nil
    }

    /// Whether a line of the provenance begins so.
    private func says(_ beginning: CText) -> Bool {
        let (text, wanted) = (provenance, beginning.bytes)
        var isLineStart = true
        for start in 0..<text.count {
            if isLineStart, start + wanted.count <= text.count,
                UnsafeRawBufferPointer(rebasing: text[start..<(start + wanted.count)]).isEqual(to: wanted)
            {
                return true
            }
            isLineStart = text[start] == UInt8(ascii: "\n")
        }
        return false
    }
}
