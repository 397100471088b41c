import Foundation
import Platform
import Testing

/// A folder laid out as /sys, with some of its files.
private func withSysfs(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("rarebit-sys-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
        let file = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    try body(root.path)
}

private func cpus(_ list: String) throws -> rb_cpus {
    var cpus = rb_cpus()
    try #require(rb_cpus_parse(list, &cpus))
    return cpus
}

private func members(_ cpus: rb_cpus) -> [Int32] {
    var cpus = cpus
    return (0..<Int32(RB_MAXIMUM_CPUS)).filter { rb_cpus_contains(&cpus, $0) }
}

@Suite struct ASetOfProcessors {
    @Test(arguments: [("0", [0]), ("0,2", [0, 2]), ("4-7", [4, 5, 6, 7]), ("1023,1-2", [1, 2, 1023])])
    func isReadFromAList(list: String, expected: [Int32]) throws {
        var read = try cpus(list)
        #expect(members(read) == expected)
        #expect(rb_cpus_count(&read) == Int32(expected.count))
        #expect(rb_cpus_next(&read, 0) == expected[0])
        #expect(rb_cpus_next(&read, expected.last! + 1) == -1)
    }

    @Test(arguments: ["", "a", "1,", ",1", "2-1", "1-", "-1", "1 2", "1024", "99999999999", "0-1024"])
    func isNotReadFromAnythingElse(list: String) {
        var set = rb_cpus()
        #expect(!rb_cpus_parse(list, &set))
        #expect(members(set) == [])
    }

    private func fastest(of list: String, _ files: [String: String]) throws -> [Int32] {
        var set = try cpus(list)
        try withSysfs(files) { rb_cpus_fastest($0, &set) }
        return members(set)
    }

    @Test func keepsTheLargeCoresOfAChip() throws {
        let capacities = [0: 404, 1: 404, 2: 980, 3: 1024]
        let files = Dictionary(
            uniqueKeysWithValues: capacities.map { ("devices/system/cpu/cpu\($0)/cpu_capacity", "\($1)\n") })
        #expect(try fastest(of: "0-3", files) == [2, 3])
        #expect(try fastest(of: "0-2", files) == [2])
        #expect(try fastest(of: "0-1", files) == [0, 1])
    }

    @Test func goesByTheClockWhereNoCapacityIsTold() throws {
        let files = Dictionary(
            uniqueKeysWithValues: [1_800_000, 1_800_000, 2_400_000].enumerated().map {
                ("devices/system/cpu/cpu\($0)/cpufreq/cpuinfo_max_freq", "\($1)\n")
            })
        #expect(try fastest(of: "0-2", files) == [2])
    }

    @Test func keepsAllWhereNothingIsTold() throws {
        #expect(try fastest(of: "0-3", [:]) == [0, 1, 2, 3])
    }
}

@Suite struct ConditionsOfTheMachine {
    private func conditions(_ files: [String: String], cpu: Int32 = 1) throws -> rb_conditions {
        var conditions = rb_conditions()
        try withSysfs(files) { rb_read_conditions($0, cpu, &conditions) }
        return conditions
    }

    private func governor(_ conditions: rb_conditions) -> String {
        withUnsafeBytes(of: conditions.governor) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    @Test func areReadWhereTheSystemTells() throws {
        let read = try conditions([
            "devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
            "devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
            "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
            "devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "7\n",
            "class/thermal/thermal_zone0/temp": "48312\n", "class/thermal/thermal_zone1/temp": "61000\n",
            "class/thermal/thermal_zone2/temp": "-274000\n",
            "devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        ])
        #expect(governor(read) == "ondemand")
        #expect(read.frequency_khz == 1_500_000)
        #expect(read.throttles == 7)
        #expect(read.millidegrees == 61_000)
        #expect(read.pi_throttling == 0x50005)
    }

    @Test func areSaidToBeUntoldWhereItDoesNot() throws {
        let read = try conditions(["class/thermal/thermal_zone0/temp": "hot\n"])
        #expect(governor(read) == "")
        #expect(read.frequency_khz == RB_NOT_TOLD && read.throttles == RB_NOT_TOLD)
        #expect(read.millidegrees == RB_NOT_TOLD && read.pi_throttling == RB_NOT_TOLD)
    }

    @Test func countEveryByteThatWasEverResident() {
        let before = rb_peak_resident_bytes()
        #expect(before > 1 << 20)
        var memory = rb_memory()
        let count = Int(before) + 64 << 20
        #expect(rb_map_memory(count, &memory) == 0)
        memset(memory.bytes, 1, count)
        rb_unmap(&memory)
        #expect(rb_peak_resident_bytes() >= UInt64(count))
    }
}
