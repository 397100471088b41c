import Foundation
import ProgramRunner
import Testing
import TinyModel

/// The tiny model in a folder of its own, and benchmarks of it: a few runs, which half a second suffices for on a busy
/// machine too.
private struct Setting {
    let folder: TemporaryFolder
    let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try folder.write(TinyModel.contents.serialized(), to: "model.rbit")
    }

    func bench(_ arguments: [String], runs: Int = 20) throws -> ProgramResult {
        try runProgram("rarebit", ["bench", model, "--runs", "\(runs)", "--seconds", "0.5"] + arguments)
    }

    /// The JSON records of a benchmark that succeeded.
    func records(_ arguments: [String] = [], runs: Int = 20) throws -> [[String: Any]] {
        let result = try bench(["--json"] + arguments, runs: runs)
        #expect(result.status == 0 && result.errors == "")
        return try parse(result.output)
    }
}

private func parse(_ lines: String) throws -> [[String: Any]] {
    try lines.split(separator: "\n").map {
        try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
}

@Suite struct ABenchmark {
    private let setting: Setting
    init() throws { setting = try Setting() }

    @Test func givesItsStatisticsInOrder() throws {
        let record = try #require(try setting.records(runs: 50).first)
        #expect(record["runs"] as? Int == 50)
        let times = ["min_ms", "median_ms", "p90_ms", "p99_ms", "p99_9_ms", "max_ms"].compactMap {
            record[$0] as? Double
        }
        #expect(times.count == 6 && times == times.sorted() && times[0] > 0)
        let load = try #require(record["load_ms"] as? Double)
        let first = try #require(record["first_inference_ms"] as? Double)
        #expect(try #require(record["first_answer_ms"] as? Double) == ((load + first) * 1e6).rounded() / 1e6)
        #expect(try #require(record["resident_bytes"] as? Int) > 100_000)
        #expect(record["macs"] as? Int == 6 * 6 * 9 * (3 * 8 + 8 * 8))
        #expect(record["threads"] as? Int == 1)
    }

    @Test func saysTheSameToPeople() throws {
        let result = try setting.bench(["--ceiling"])
        #expect(result.status == 0 && result.errors == "")
        let lines = result.output.split(separator: "\n")
        let names = lines.map { $0.prefix { $0 != " " } }
        #expect(
            names == ["model", "machine", "kernels", "latency", "throughput", "first", "memory", "checksums"])
        #expect(lines[2].contains("1 thread, 20 runs back to back"))
        #expect(lines[4].contains(" % of the ceiling of "))
    }

    @Test func endsAtTheFirstOfRunsAndSeconds() throws {
        let short = try parse(
            runProgram("rarebit", ["bench", setting.model, "--seconds", "0.001", "--json"]).output)
        #expect(try #require(short[0]["runs"] as? Int) > 0)
        let counted = try parse(runProgram("rarebit", ["bench", setting.model, "--runs", "3", "--json"]).output)
        #expect(counted[0]["runs"] as? Int == 3)
    }

    @Test func keepsThePaceOfACamera() throws {
        let record = try setting.records(["--fps", "2000"], runs: 10)[0]
        #expect(record["fps"] as? Double == 2000)
        #expect(record["late_runs"] as? Int != nil)
        // Ten runs take nine intervals at least.
        #expect(try #require(record["frames_per_s"] as? Double) < 2000 * 10 / 8.9)
        #expect(try setting.records()[0]["fps"] is NSNull)
    }

    @Test func forcesALesserInstructionSet() throws {
        let best = try setting.records()[0]
        let reference = try setting.records(["--isa", "reference"])[0]
        #expect(reference["kernels"] as? String == "reference")
        for member in ["input_crc", "logits_crc"] {
            #expect(reference[member] as? String == best[member] as? String)
        }
    }

    @Test func tellsTheTimeOfEachOperation() throws {
        let records = try setting.records(["--layers"])
        #expect(records.count == 1 + 3 + 2)
        #expect(
            records.dropFirst().compactMap { $0["operation"] as? String } == [
                "stem", "second", "pool", "head, alpha 0", "head",
            ])
        for record in records.dropFirst() {
            #expect(try #require(record["best_us"] as? Double) <= #require(record["mean_us"] as? Double))
        }
        #expect(try #require(records[0]["ceiling_gmac_per_s"] as? Double) > 0)
        #expect(try #require(records[1]["of_ceiling"] as? Double) > 0)
        #expect(try #require(records[1]["kernel"] as? String).hasPrefix("conv_"))
        #expect(records[3]["kernel"] == nil)
        let table = try setting.bench(["--layers"]).output
        #expect(table.contains("\n  second ") && table.contains("\n  head, alpha 0 "))
        #expect(table.contains("The adjustment costs "))
    }

    @Test func measuresNoCeilingUnasked() throws {
        #expect(try setting.records()[0]["ceiling_gmac_per_s"] is NSNull)
    }

    @Test func runsOnTheCoreItIsGiven() throws {
        for core in [0, 1] where ProcessInfo.processInfo.activeProcessorCount > core {
            #expect(try setting.records(["--cpus", "\(core)"])[0]["core"] as? Int == core)
        }
    }

    @Test func givesTheSameBitsOnAnyNumberOfThreads() throws {
        // Large enough to be shared.
        let large = try setting.folder.write(TinyModel.contents(side: 96).serialized(), to: "large.rbit")
        let records = try [1, 2, 5].map { threads in
            let result = try runProgram(
                "rarebit",
                ["bench", large, "--threads", "\(threads)", "--runs", "20", "--seconds", "0.05", "--json"])
            return try parse(result.output)[0]
        }
        #expect(records.map { $0["threads"] as? Int } == [1, 2, 5])
        #expect(Set(records.compactMap { $0["logits_crc"] as? String }).count == 1)
        // A scratch area more for each thread.
        let arenas = records.compactMap { $0["arena_bytes"] as? Int }
        #expect(arenas[1] > arenas[0] && arenas[2] - arenas[0] == 4 * (arenas[1] - arenas[0]))
    }

    @Test func takesAThreadForEachCoreItIsGiven() throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let record = try setting.records(["--cpus", "0-\(cores - 1)"])[0]
        #expect(record["threads"] as? Int == cores)
    }

    @Test(
        arguments: [
            (
                ["--cpus", "1-"], 2,
                "rarebit: --cpus: '1-' is no list of cores; give numbers and ranges, such as 0,2 or 4-7"
            ),
            (
                ["--cpus", "1000"], 2,
                "rarebit: --cpus: this program may not run on core 1000; the command nproc says how many there are"
            ),
            (["--fps", "0"], 2, "rarebit: --fps: '0' is out of range; give 0.100...10000"),
            (["--threshold", "1.1"], 2, "rarebit: --threshold needs --compare; see rarebit bench --help"),
            (["--compare", "/none.json"], 1, "rarebit: /none.json: cannot be read: No such file or directory"),
        ] as [([String], Int32, String)])
    func refusesInOneLine(arguments: [String], status: Int32, line: String) throws {
        let result = try setting.bench(arguments)
        #expect(result.status == status)
        #expect(result.errorLine == line)
        #expect(result.output == "")
    }

    @Test func listsTheInstructionSetsWhereItKnowsNotTheNamedOne() throws {
        let result = try setting.bench(["--isa", "sse"])
        #expect(result.status == 2)
        let line = try #require(result.errorLine)
        #expect(line.hasPrefix("rarebit: --isa: 'sse' is no instruction set; give one of reference, "))
        #expect(line.contains("avx2") && line.contains("neon"))
    }

    @Test func refusesAnInstructionSetThatTheProcessorLacks() throws {
        #if arch(x86_64)
            let other = "neon"
        #else
            let other = "avx2"
        #endif
        let result = try setting.bench(["--isa", other])
        #expect(result.status == 1)
        let line = try #require(result.errorLine)
        #expect(line.contains("this processor cannot execute the \(other) kernels"))
        #expect(result.output == "")
    }
}

@Suite struct AComparison {
    private let setting: Setting
    init() throws { setting = try Setting() }

    /// The record of a benchmark, with some of its text replaced.
    private func record(_ replacements: [(String, String)] = []) throws -> String {
        var text = try setting.bench(["--json"]).output
        for (pattern, replacement) in replacements {
            let range = try #require(text.range(of: pattern, options: .regularExpression), "\(pattern)")
            text.replaceSubrange(range, with: replacement)
        }
        return try setting.folder.write(Array(text.utf8), to: "old.json")
    }

    @Test func passesWhereTheOldOneWasSlower() throws {
        let old = try record([("\"median_ms\":[0-9.]+", "\"median_ms\":1000000")])
        let result = try setting.bench(["--compare", old])
        #expect(result.status == 0 && result.errors == "")
        #expect(result.output.contains("\ncompared    with "))
        #expect(result.output.contains(" median 0.000 "))
    }

    /// An editor may have laid it out anew, with carriage returns.
    @Test func readsARecordOfSeveralLines() throws {
        let old = try record([("\"median_ms\":[0-9.]+", "\"median_ms\":1000000")])
        let text = try String(contentsOfFile: old, encoding: .utf8)
        let lines = text.replacingOccurrences(of: ",\"", with: ",\r\n  \"").replacingOccurrences(of: "\n", with: "\r\n")
        _ = try setting.folder.write(Array(lines.utf8), to: "old.json")
        let result = try setting.bench(["--compare", old])
        #expect(result.status == 0 && result.errors == "" && result.output.contains(" median 0.000 "))
    }

    @Test func failsWhereTheOldOneWasFaster() throws {
        let old = try record([("\"median_ms\":[0-9.]+", "\"median_ms\":0.000001")])
        let result = try setting.bench(["--compare", old, "--threshold", "1.5", "--json"])
        #expect(result.status == 1)
        let line = try #require(result.errorLine)
        #expect(
            line.hasPrefix("rarebit: the median time is ") && line.hasSuffix(" times that of \(old); 1.500 would pass"))
        let records = try parse(result.output)
        #expect(records.count == 2)
        #expect(try #require(records[1]["median_ms"] as? Double) > 1.5)
        #expect(try #require(records[1]["first_answer_ms"] as? Double) > 0)
    }

    @Test func failsWhereTheSameModelGaveOtherLogits() throws {
        let old = try record([
            ("\"median_ms\":[0-9.]+", "\"median_ms\":1000000"),
            ("\"logits_crc\":\"[0-9a-f]+", "\"logits_crc\":\"00000000"),
        ])
        let result = try setting.bench(["--compare", old])
        #expect(result.status == 1)
        #expect(
            result.errorLine == "rarebit: \(old): the same model and input gave other logits there; "
                + "one of the two programs computes wrongly")
        // With another alpha, other logits are right.
        #expect(try setting.bench(["--compare", old, "--alpha", "0"]).status == 0)
    }

    @Test func refusesAnotherNetwork() throws {
        let old = try record([("\"macs\":[0-9]+", "\"macs\":77")])
        let result = try setting.bench(["--compare", old])
        #expect(result.status == 1)
        #expect(result.errorLine == "rarebit: \(old): is of another network; compare runs of one model")
    }

    @Test(arguments: [
        "", "{", "{\"macs\"", "{\"macs\":1,\"median_ms\":\"fast\"}", "[1]", "{\"a\":{\"macs\":1,\"median_ms\":2}}",
        "{\"text\":\"\\", "no JSON at all", "{\"median_ms\":1,\"macs\":" + String(repeating: "1", count: 100) + "}",
    ])
    func refusesWhatIsNoRecord(text: String) throws {
        let old = try setting.folder.write(Array(text.utf8), to: "old.json")
        let result = try setting.bench(["--compare", old])
        #expect(result.status == 1)
        #expect(
            result.errorLine == "rarebit: \(old): holds no record of a benchmark; make one with rarebit bench --json")
    }
}
