import Inference
import Platform
import Text

/// The threads to compute on, on the cores asked for: one thread unless told otherwise, on the fast cores of the machine.
///
/// Cores that were asked for get one thread each and keep it; otherwise Linux may move threads among the fast cores.
struct Team: ~Copyable {
    private let team: OpaquePointer?
    let threads: Threads

    init(_ settings: ComputingSettings) throws(ProgramError) {
        var cores = settings.cpus ?? Self.fastCores(for: settings.threads ?? 1)
        let asked = settings.threads ?? (settings.cpus == nil ? 1 : Int(rb_cpus_count(&cores)))
        let count = min(asked, Int(RB_MAXIMUM_THREADS))
        var status = rb_run_on(&cores)
        // A sandbox may forbid it. Nobody asked for the fast cores, so that is no reason to stop.
        guard status == 0 || settings.cpus == nil else { throw .failure(.cannotPin(status: status)) }
        guard count > 1 else {
            team = nil
            threads = .one
            return
        }
        var started: OpaquePointer?
        status =
            settings.cpus == nil
            ? rb_team_start(Int32(count), nil, &started) : rb_team_start(Int32(count), &cores, &started)
        guard status == 0 else { throw .failure(.cannotStartThreads(count, status: status)) }
        team = started
        threads = Threads(count: count, team: UnsafeMutableRawPointer(started), run: rb_team_run)
    }

    /// The fast cores, where they are enough for `count` threads, else all.
    private static func fastCores(for count: Int) -> rb_cpus {
        var all = rb_cpus()
        rb_cpus_allowed(&all)
        var fast = all
        rb_cpus_fastest(CText("/sys").start, &fast)
        return Int(rb_cpus_count(&fast)) >= count ? fast : all
    }

    deinit {
        if let team {
            rb_team_stop(team)
        }
    }
}
