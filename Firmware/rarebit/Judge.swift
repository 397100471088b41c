import Inference
import ModelFormat
import Reports
import Text

/// How the program's settings have answers judged, which can change while it runs.
struct Judge: ~Copyable {
    private var judging: Judging
    private let model: Model
    private let memory: Memory
    /// Where files that the settings name are read; errors point there, so it lasts as long as the program.
    private let files: UnsafeMutableRawBufferPointer
    private(set) var estimate: PriorEstimate?
    private(set) var prior: Prior
    private var usesEstimate: Bool { prior == .estimate }
    /// Of the estimate, and not told yet.
    private var hasNewEstimate = false

    init(_ settings: JudgingSettings, of model: Model) throws(ProgramError) {
        let memory = try Memory(count: Judging.byteCount(of: model))
        let files = try Memory.keeping(count: JudgingSettings.fileLimit + 1)
        let estimate = try Self.estimate(for: settings, of: model)
        judging = try Judging(
            alpha: settings.alpha(of: model), settings.rules, of: model, memory: memory.bytes
        ) { policy throws(ProgramError) in try settings.describe(&policy, of: model, files: files) }
        self.model = model
        self.memory = memory
        self.files = files
        self.estimate = estimate
        prior = Prior(settings)
    }

    var alpha: Float { judging.alpha }

    /// What is to be said of settings that go together badly; nil: nothing.
    var doubt: StaticString? {
        guard prior != .training, alpha != 0, model.head.hasDirections == 1 else { return nil }
        return
            "a prior takes the mix of training out, and so does alpha: both together do it twice; give --alpha 0 with --prior"
    }

    var policy: Policy { judging.policy }

    /// Takes other settings; evidence gathered under the old ones counts no more, where they differ. Where the settings
    /// do not fit the model it throws, and the old ones stay.
    mutating func change(to settings: JudgingSettings) throws(ProgramError) {
        try settings.check()
        if estimate == nil { estimate = try Self.estimate(for: settings, of: model) }
        let (model, files) = (model, files)
        let shares = settings.estimatesPrior && usesEstimate ? estimate?.usableShares : nil
        try judging.change(alpha: settings.alpha(of: model), settings.rules) { policy throws(ProgramError) in
            try settings.describe(&policy, of: model, files: files)
            if let shares { policy.setPrior(shares: shares, of: model) }
        }
        prior = Prior(settings)
        useEstimate()
    }

    /// Answers the picture in the engine's input, taken at `time`.
    mutating func answer(
        from engine: Engine, top limit: Int, at time: UInt64, checksInput: Bool,
        keeping evidence: UnsafeMutablePointer<Evidence>? = nil
    ) -> Answer {
        let answer = judging.answer(from: engine, top: limit, at: time, checksInput: checksInput, keeping: evidence)
        if answer.verdict.newlyConfirmed != nil { noteSighting(from: engine) }
        return answer
    }

    /// Pictures were missed: evidence gathered so far counts no more.
    mutating func restart() { judging.restart() }

    // MARK: The estimated prior

    /// Whether answers are for the estimated mix of classes.
    var isEstimateInUse: Bool { usesEstimate && estimate?.usableShares != nil }

    /// Sightings are gathered wherever there are some and the model has what an estimate needs, so that it can be looked at before
    /// it is used.
    private static func estimate(
        for settings: JudgingSettings, of model: Model
    ) throws(ProgramError) -> PriorEstimate? {
        guard settings.confirmation != nil, model.priorFault == nil else { return nil }
        let count = PriorEstimate.byteCount(classes: Int(model.head.classes))
        return PriorEstimate(of: model, memory: try Memory.keeping(count: count))
    }

    private mutating func noteSighting(from engine: Engine) {
        let policy = policy
        guard estimate?.add({ policy.writeTrainingPosterior(adjusted: engine.logits, to: $0) }) == true else { return }
        estimate?.update()
        hasNewEstimate = true
    }

    /// Whether there is another estimate than before, which its caller tells; from then on it is used, where it is to be.
    mutating func takeNewEstimate() -> Bool {
        guard hasNewEstimate else { return false }
        hasNewEstimate = false
        useEstimate()
        return true
    }

    /// The newest estimate; nil where there is none.
    var priorReport: PriorReport? {
        guard let estimate, estimate.sightingsInEstimate > 0 else { return nil }
        return PriorReport(estimate, of: model, isUsed: isEstimateInUse)
    }

    private mutating func useEstimate() {
        if usesEstimate, let shares = estimate?.usableShares { judging.setPrior(shares: shares) }
    }
}

/// The mix of classes that answers are for.
enum Prior {
    case training, file, estimate

    init(_ settings: JudgingSettings) {
        guard let prior = settings.prior, prior.text != "none" else {
            self = .training
            return
        }
        self = settings.estimatesPrior ? .estimate : .file
    }

    var name: StaticString {
        switch self {
        case .training: "none"
        case .file: "file"
        case .estimate: "estimate"
        }
    }
}
