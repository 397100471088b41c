import Foundation
import Platform
import ProgramRunner
import Testing
import Text
import TinyModel

@testable import Outputs

/// A folder for frames on the disk.
private final class Setting {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("kept")
    }

    /// Opens it, keeps frames with pictures of so many bytes and 100 of record, and closes it again; the errors.
    func keep(_ sizes: [Int], _ limit: FrameFolder.Limit) throws -> [Int32] {
        let memory = AlignedBytes(zeros: FrameFolder.byteCount(limit))
        return try path.withCString { path in
            var folder = try FrameFolder(path: CText(path), limit, memory: memory.bytes)
            return sizes.map { size in
                let (picture, record) = ([UInt8](repeating: 1, count: size), [UInt8](repeating: 2, count: 100))
                do throws(OutputError) {
                    try folder.keep(
                        picture: picture.withUnsafeBytes { $0 }, record: record.withUnsafeBytes { $0 },
                        timeOfDay: 1_796_083_199)
                    return 0
                } catch {
                    return error.status
                }
            }
        }
    }

    func add(_ name: String) throws { try Data([7]).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    /// Numbers of the frames that are whole.
    var numbers: [Int] {
        get throws {
            let names = try names
            return names.filter { $0.hasSuffix(".json") && names.contains($0.dropLast(5) + ".jpg") }
                .compactMap { Int($0.prefix(10)) }
        }
    }
}

private let large = FrameFolder.Limit(bytes: 1 << 30, frames: 1000)

@Suite struct AFolderOfFrames {
    @Test func holdsAPictureAndARecordOfEach() throws {
        let setting = try Setting()
        #expect(try setting.keep([1000, 2000], large) == [0, 0])
        #expect(
            try setting.names == [
                "0000000000-20261130T235959Z.jpg", "0000000000-20261130T235959Z.json",
                "0000000001-20261130T235959Z.jpg", "0000000001-20261130T235959Z.json",
            ])
        let picture = try Data(contentsOf: URL(fileURLWithPath: "\(setting.path)/\(setting.names[2])"))
        #expect(picture == Data(repeating: 1, count: 2000))
    }

    @Test func numbersThemOnWhereItIsOpenedAgain() throws {
        let setting = try Setting()
        _ = try setting.keep([10, 10], large)
        _ = try setting.keep([10], large)
        #expect(try setting.numbers == [0, 1, 2])
    }

    @Test func letsTheOldestGoWhereThereAreTooMany() throws {
        let setting = try Setting()
        let limit = FrameFolder.Limit(bytes: 1 << 20, frames: 3)
        _ = try setting.keep([Int](repeating: 10, count: 5), limit)
        #expect(try setting.numbers == [2, 3, 4] && setting.names.count == 6)
        _ = try setting.keep([10], limit)
        #expect(try setting.numbers == [3, 4, 5])
    }

    @Test func letsTheOldestGoWhereTheyAreTooLarge() throws {
        let setting = try Setting()
        let limit = FrameFolder.Limit(bytes: 3000, frames: 100)
        // With their records 1000, 1000, 1000, then 2500.
        _ = try setting.keep([900, 900, 900], limit)
        #expect(try setting.numbers == [0, 1, 2])
        _ = try setting.keep([900], limit)
        #expect(try setting.numbers == [1, 2, 3])
        _ = try setting.keep([2400], limit)
        #expect(try setting.numbers == [4])
        // One that never fits takes nothing away.
        #expect(try setting.keep([2901], limit) == [-RB_EFBIG])
        #expect(try setting.numbers == [4])
    }

    @Test func shrinksToALowerLimitWhereverItsFilesStand() throws {
        let setting = try Setting()
        _ = try setting.keep([Int](repeating: 10, count: 40), large)
        _ = try setting.keep([], FrameFolder.Limit(bytes: 1 << 20, frames: 7))
        #expect(try setting.numbers == Array(33..<40) && setting.names.count == 14)
        _ = try setting.keep([], FrameFolder.Limit(bytes: 1024, frames: 1000))
        #expect(try setting.numbers == Array(33..<40))  // 7 of 110 bytes
    }

    @Test func removesHalvesAndNothingElse() throws {
        let setting = try Setting()
        _ = try setting.keep([10], large)
        for half in [
            "0000000007-20261130T235959Z.jpg", "0000000008-20261130T235959Z.json",
            "0000000009-20261130T235959Z.jpg.part", "0000000010-20261130T235959Z.json.part",
        ] { try setting.add(half) }
        let foreign = [
            "0000000007-20261130T235959Z.jpg.bak", "00000000007-20261130T235959Z.jpg", "7-20261130T235959Z.jpg",
            "9999999999-20261130T235959Z.jpg", "holiday.jpg", "notes.json",
        ]
        for name in foreign { try setting.add(name) }
        _ = try setting.keep([10], large)
        let names = try setting.names
        #expect(Set(foreign).isSubset(of: names) && names.count == foreign.count + 4)
        #expect(try setting.numbers == [0, 11])
    }

    @Test func isForOneProgramAtATime() throws {
        let setting = try Setting()
        let (memory, other) = (AlignedBytes(zeros: 65_536), AlignedBytes(zeros: 65_536))
        try setting.path.withCString { path in
            let folder = try FrameFolder(path: CText(path), large, memory: memory.bytes)
            #expect(folder.count == 0)
            #expect(throws: OutputError(status: -RB_EBUSY)) {
                _ = try FrameFolder(path: CText(path), large, memory: other.bytes)
            }
            withExtendedLifetime(folder.count) {}
        }
    }
}
