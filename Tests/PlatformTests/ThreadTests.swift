import Foundation
import Platform
import Synchronization
import Testing

/// Counts what a team does with the parts of one job.
private final class Tally {
    let runs: [Atomic<Int>.Box]
    let busy: [Atomic<Int>.Box]
    let faults = Atomic(0)

    init(parts: Int, threads: Int) {
        runs = (0..<parts).map { _ in .init() }
        busy = (0..<threads).map { _ in .init() }
    }

    func run(part: Int, parts: Int, thread: Int) {
        guard part < runs.count, parts == runs.count, thread < busy.count else {
            faults.add(1, ordering: .relaxed)
            return
        }
        if busy[thread].value.add(1, ordering: .relaxed).newValue != 1 {
            faults.add(1, ordering: .relaxed)
        }
        runs[part].value.add(1, ordering: .relaxed)
        busy[thread].value.subtract(1, ordering: .relaxed)
    }
}

extension Atomic where Value == Int {
    /// An atomic that an array can hold.
    fileprivate final class Box {
        let value = Atomic<Int>(0)
    }
}

/// How many threads are inside a job just now, and the most there have been.
private final class Meeting {
    let expected: Int
    let present = Atomic(0)
    init(expected: Int) { self.expected = expected }

    /// Waits for everybody, up to ten seconds.
    func attend() {
        present.add(1, ordering: .sequentiallyConsistent)
        let deadline = rb_clock_ns() + 10_000_000_000
        while present.load(ordering: .sequentiallyConsistent) < expected && rb_clock_ns() < deadline {}
    }
}

private func pointer(to object: AnyObject) -> UnsafeMutableRawPointer { Unmanaged.passUnretained(object).toOpaque() }

private func withTeam(_ threads: Int32, pinnedTo list: String? = nil, _ body: (OpaquePointer) throws -> Void) throws {
    var team: OpaquePointer?
    var cpus = rb_cpus()
    if let list {
        #expect(rb_cpus_parse(list, &cpus))
        #expect(rb_team_start(threads, &cpus, &team) == 0)
    } else {
        #expect(rb_team_start(threads, nil, &team) == 0)
    }
    let started = try #require(team)
    defer { rb_team_stop(started) }
    try body(started)
}

@Suite struct ATeam {
    @Test(arguments: [1, 2, 3, 8] as [Int32])
    func runsEveryPartOnceAndNoThreadTwiceAtATime(threads: Int32) throws {
        try withTeam(threads) { team in
            #expect(rb_team_threads(team) == threads)
            for parts in (0..<300).map({ $0 % 23 }) + [5000] {
                let tally = Tally(parts: parts, threads: Int(threads))
                rb_team_run(
                    UnsafeMutableRawPointer(team), Int32(parts),
                    { work, part, parts, thread in
                        Unmanaged<Tally>.fromOpaque(work!).takeUnretainedValue()
                            .run(part: Int(part), parts: Int(parts), thread: Int(thread))
                    }, pointer(to: tally))
                #expect(tally.faults.load(ordering: .relaxed) == 0)
                #expect(tally.runs.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
            }
        }
    }

    /// A member that is late for a small job must not take a part of the larger one that follows, before that begins.
    @Test func takesNoPartTwiceWhereTheNextJobIsLarger() throws {
        try withTeam(8) { team in
            let taken = Atomic<Int>.Box()
            var expected = 0
            for job in 0..<50_000 {
                let parts = job % 2 == 0 ? 2 : 40
                expected += parts
                rb_team_run(
                    UnsafeMutableRawPointer(team), Int32(parts),
                    { work, _, _, _ in
                        Unmanaged<Atomic<Int>.Box>.fromOpaque(work!).takeUnretainedValue()
                            .value.add(1, ordering: .relaxed)
                    }, pointer(to: taken))
            }
            #expect(taken.value.load(ordering: .relaxed) == expected)
        }
    }

    /// Parts that wait for each other end only where as many threads run them at the same time, whether those were still
    /// spinning or had gone to sleep.
    @Test func runsPartsAtTheSameTime() throws {
        try withTeam(3) { team in
            for pause in [0, 300_000] as [UInt64] {
                rb_sleep_until(rb_clock_ns() + pause)
                let meeting = Meeting(expected: 3)
                rb_team_run(
                    UnsafeMutableRawPointer(team), 3,
                    { work, _, _, _ in Unmanaged<Meeting>.fromOpaque(work!).takeUnretainedValue().attend() },
                    pointer(to: meeting))
                #expect(meeting.present.load(ordering: .relaxed) == 3)
            }
        }
    }

    /// The caller sleeps when the others take long.
    @Test func waitsForTheLastPart() throws {
        try withTeam(2) { team in
            let tally = Tally(parts: 2, threads: 2)
            rb_team_run(
                UnsafeMutableRawPointer(team), 2,
                { work, part, parts, thread in
                    if part == 1 {
                        let end = rb_clock_ns() + 1_000_000
                        while rb_clock_ns() < end {}
                    }
                    Unmanaged<Tally>.fromOpaque(work!).takeUnretainedValue()
                        .run(part: Int(part), parts: Int(parts), thread: Int(thread))
                }, pointer(to: tally))
            #expect(tally.runs.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
    }

    @Test func staysOnTheProcessorsItIsPinnedTo() throws {
        var allowed = rb_cpus()
        rb_cpus_allowed(&allowed)
        defer { #expect(rb_run_on(&allowed) == 0) }  // the team pins this thread, too
        var cpu = rb_cpus_next(&allowed, 0)
        while cpu >= 0 {
            let place = Atomic<Int>.Box()
            place.value.store(Int(cpu), ordering: .relaxed)
            try withTeam(2, pinnedTo: "\(cpu)") { team in
                rb_team_run(
                    UnsafeMutableRawPointer(team), 50,
                    { work, _, _, _ in
                        let box = Unmanaged<Atomic<Int>.Box>.fromOpaque(work!).takeUnretainedValue()
                        if box.value.load(ordering: .relaxed) != Int(rb_current_cpu()) {
                            box.value.store(-1, ordering: .relaxed)
                        }
                    }, pointer(to: place))
            }
            #expect(place.value.load(ordering: .relaxed) == Int(cpu))
            cpu = rb_cpus_next(&allowed, cpu + 1)
        }
    }

    @Test func refusesWhatItCannotBe() {
        var team: OpaquePointer?
        var none = rb_cpus()
        #expect(rb_team_start(0, nil, &team) == -RB_EINVAL)
        #expect(rb_team_start(Int32(RB_MAXIMUM_THREADS) + 1, nil, &team) == -RB_EINVAL)
        #expect(rb_team_start(2, &none, &team) == -RB_EINVAL)
        #expect(rb_cpus_parse("1023", &none))
        #expect(rb_team_start(2, &none, &team) == -RB_EINVAL)  // no such processor
        #expect(team == nil)
    }
}
