import Inference
import ModelFormat
import Platform
import RarebitHeader
import Text

/// What a `rarebit_engine` holds.
struct StartedEngine {
    let engine: Engine
    var judging: Judging
    /// nil: the thread that calls, alone.
    let team: OpaquePointer?
}

/// A setup, checked.
private struct Setup {
    var threads: Int32 = 1
    /// nil: the best.
    var path: ExecutionPath?
    var isOnlyEngine = false

    init(_ setup: UnsafePointer<rarebit_setup>?) throws(CallError) {
        guard let setup = setup?.pointee else { return }
        guard (0...Int32(RB_MAXIMUM_THREADS)).contains(setup.threads) else {
            throw .argument(.outOfRange("threads"))
        }
        threads = max(setup.threads, 1)
        isOnlyEngine = setup.is_only_engine != 0
        if let name = setup.instructions.map({ CText($0) }) {
            path = ExecutionPath(named: name)
            guard path != nil else { throw .argument(.unknownInstructions(name)) }
        }
    }

    /// The execution path, the engine's part of the arena, and where the judging's begins behind it.
    func arena(for model: Model) throws(CallError) -> (path: ExecutionPath, engineBytes: Int, judgingStart: Int) {
        do throws(OpeningError) {
            let (path, bytes) = try model.arena(on: path, threads: Int(threads))
            return (path, bytes, (bytes + Layout.alignment - 1) / Layout.alignment * Layout.alignment)
        } catch {
            throw .opening(nil, error)
        }
    }
}

@_cdecl("rarebit_arena_bytes")
public func arenaBytes(
    _ model: UnsafePointer<rarebit_model>?, _ setup: UnsafePointer<rarebit_setup>?, _ bytes: UnsafeMutablePointer<Int>?,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let model = try Place(model).filled().pointee.model
        guard let bytes else { throw .argument(.missing("bytes")) }
        bytes.pointee = try Setup(setup).arena(for: model).judgingStart + judgingBytes(of: model)
    }
}

private func judgingBytes(of model: Model) -> Int { Judging.byteCount(of: model) }

@_cdecl("rarebit_start")
public func start(
    _ engine: UnsafeMutablePointer<rarebit_engine>?, _ model: UnsafeMutablePointer<rarebit_model>?,
    _ setup: UnsafePointer<rarebit_setup>?, _ arena: UnsafeMutableRawPointer?, _ bytes: Int,
    _ error: UnsafeMutablePointer<rarebit_error>?
) -> Int32 {
    call(error) { () throws(CallError) in
        let place = try Place<StartedEngine>(engine)
        let model = try Place(model).filled()
        guard !model.pointee.hasGivenWeights else { throw .argument(.weightsGone) }
        let setup = try Setup(setup)
        guard !setup.isOnlyEngine || model.pointee.file != nil else { throw .argument(.bytesAreYours) }
        guard let arena else { throw .argument(.missing("arena")) }
        place.fill(
            with: try started(
                model, setup, in: UnsafeMutableRawBufferPointer(start: arena, count: max(bytes, 0))))
    }
}

private func started(
    _ open: UnsafeMutablePointer<OpenModel>, _ setup: Setup, in arena: UnsafeMutableRawBufferPointer
) throws(CallError) -> StartedEngine {
    let model = open.pointee.model
    let (path, engineBytes, judgingStart) = try setup.arena(for: model)
    let needed = judgingStart + judgingBytes(of: model)
    guard arena.count >= needed else {
        throw .opening(nil, .cannotRun(.arenaTooSmall(needed: needed, given: arena.count)))
    }
    guard Int(bitPattern: arena.baseAddress!) % Layout.alignment == 0 else {
        throw .opening(nil, .cannotRun(.arenaMisaligned))
    }
    arena.baseAddress!.initializeMemory(as: UInt8.self, repeating: 0, count: needed)
    var team: OpaquePointer?
    if setup.threads > 1 {
        let status = rb_team_start(setup.threads, nil, &team)
        guard status == 0 else { throw .threads(setup.threads, status: status) }
    }
    let threads =
        team.map { Threads(count: Int(setup.threads), team: UnsafeMutableRawPointer($0), run: rb_team_run) } ?? .one
    let engineArena = UnsafeMutableRawBufferPointer(rebasing: arena[..<engineBytes])
    do throws(OpeningError) {
        let engine: Engine
        if setup.isOnlyEngine {
            engine = try open.pointee.file!.onlyEngine(on: path, threads: threads, arena: engineArena)
            open.pointee.hasGivenWeights = true
        } else {
            engine = try model.engine(on: path, threads: threads, arena: engineArena)
        }
        let judging = Judging(
            alpha: model.head.defaultAlpha, Policy.Rules(), of: model,
            memory: UnsafeMutableRawBufferPointer(rebasing: arena[judgingStart..<needed])
        ) { $0.includeAll() }
        return StartedEngine(engine: engine, judging: judging, team: team)
    } catch {
        if let team {
            rb_team_stop(team)
        }
        throw .opening(nil, error)
    }
}

@_cdecl("rarebit_stop")
public func stop(_ engine: UnsafeMutablePointer<rarebit_engine>?) {
    _ = call(nil) { () throws(CallError) in
        let place = try Place<StartedEngine>(engine)
        guard place.isFilled else { return }
        if let team = place.value.pointee.team {
            rb_team_stop(team)
        }
        place.clear()
    }
}

@_cdecl("rarebit_instructions")
public func instructions(_ engine: UnsafePointer<rarebit_engine>?) -> UnsafePointer<CChar>? {
    var name: UnsafePointer<CChar>?
    _ = call(nil) { () throws(CallError) in
        name = try Place(engine).filled().pointee.engine.path.name.start
    }
    return name
}
