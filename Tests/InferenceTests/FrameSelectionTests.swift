import Inference
import ModelFormat
import Testing
import TinyModel

/// The tiny model, and a selection among its pictures.
private final class Setting {
    private let file = TinyModel.file
    private let arena = AlignedBytes(zeros: 65536)
    private let policyMemory = AlignedBytes(zeros: Policy.byteCount(classes: 4, heads: 2))
    private let memory: AlignedBytes
    private let engine: Engine
    private var policy: Policy
    private var selection: FrameSelection

    init(_ rules: KeepRules, _ spacing: FrameSelection.Spacing) throws {
        let model = try Model(verifying: file.readOnly)
        engine = try Engine(model: model, path: .reference, arena: arena.bytes)
        policy = Policy(.init(threshold: 1), classes: 4, heads: 2, memory: policyMemory.bytes)
        policy.includeAll()
        memory = AlignedBytes(zeros: FrameSelection.byteCount(of: model))
        selection = FrameSelection(rules, spacing, of: model, memory: memory.bytes)
    }

    /// Whether a picture of a pattern, seen at a time, is kept; nothing is kept of those that are not `taken`.
    func keeps(_ pattern: Int, at seconds: Double, isAsked: Bool = false, taken: Bool = true) -> KeepReasons {
        for index in 0..<6 * 6 * 4 {
            engine.input[index] = index % 4 == 3 ? 0 : UInt8(truncatingIfNeeded: pattern &* (index + 1) &* 37)
        }
        let time = UInt64(seconds * 1e9)
        let answer = Answer(running: engine, alpha: 1, policy: &policy, top: 1, at: time, checksInput: false)
        let reasons = selection.reasons(for: answer, by: policy, at: time, isAsked: isAsked)
        if !reasons.isEmpty && taken { selection.remember(answer, for: reasons, at: time) }
        return reasons
    }
}

private var everything: KeepRules {
    var rules = KeepRules()
    rules.unknown = true
    return rules
}

@Suite struct ChoosingFrames {
    @Test func spacesThemInTime() throws {
        let setting = try Setting(everything, .init(time: 2_000_000_000, difference: 0))
        let times = [0, 1, 1.9, 2, 3.5, 4, 9]
        let kept = times.enumerated().filter { !setting.keeps(1 + $0.offset, at: $0.element).isEmpty }.map(\.element)
        #expect(kept == [0, 2, 4, 9])
    }

    @Test func keepsASceneOnce() throws {
        let setting = try Setting(everything, .init(time: 0, difference: 0.01))
        let scenes = [1, 1, 2, 1, 2, 3, 3, 1]
        let kept = scenes.indices.filter { !setting.keeps(scenes[$0], at: Double($0)).isEmpty }
        #expect(kept == [0, 2, 5])
    }

    @Test func remembersNoSceneForEver() throws {
        let setting = try Setting(everything, .init(time: 0, difference: 1e-6))
        #expect(!setting.keeps(1, at: 0).isEmpty)
        for scene in 2..<(2 + FrameSelection.remembered) { #expect(!setting.keeps(scene, at: Double(scene)).isEmpty) }
        #expect(!setting.keeps(1, at: 99).isEmpty)
    }

    @Test func remembersWhatWasKeptAlone() throws {
        let setting = try Setting(everything, .init(time: 5_000_000_000, difference: 0.01))
        #expect(!setting.keeps(1, at: 0, taken: false).isEmpty)
        #expect(!setting.keeps(1, at: 1).isEmpty)
        #expect(setting.keeps(2, at: 2).isEmpty)
    }

    @Test func takesOneFromTimeToTimeWhateverItShows() throws {
        var rules = KeepRules()
        rules.interval = 10_000_000_000
        let setting = try Setting(rules, .init(time: 60_000_000_000, difference: 2))
        let kept = [3, 4, 12.9, 13, 14, 40, 49, 50].filter { setting.keeps(1, at: $0).contains(.every) }
        #expect(kept == [3, 13, 40, 50])
    }

    @Test func takesWhatSomebodyAsksFor() throws {
        let setting = try Setting(everything, .init(time: 60_000_000_000, difference: 2))
        #expect(setting.keeps(1, at: 0).contains(.unknown))
        let asked = setting.keeps(1, at: 1, isAsked: true)
        #expect(asked.contains(.asked) && !asked.contains(.unknown))
        #expect(setting.keeps(1, at: 2).isEmpty)
    }

    @Test func saysEveryReason() throws {
        var rules = everything
        rules.margin = 1
        rules.interval = 1
        let reasons = try Setting(rules, .init(time: 0, difference: 0)).keeps(1, at: 0, isAsked: true)
        for reason in [KeepReasons.Reason.unknown, .margin, .every, .asked] { #expect(reasons.contains(reason)) }
        for reason in [KeepReasons.Reason.flipped, .rare, .seen] { #expect(!reasons.contains(reason)) }
    }
}
