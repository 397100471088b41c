import Foundation
import ProgramRunner
import Quantization
import Testing

@testable import Evaluation

private func ppm(_ colour: UInt8, side: Int = 1) -> [UInt8] {
    Array("P6 \(side) \(side) 255\n".utf8) + [UInt8](repeating: colour, count: 3 * side * side)
}

extension TemporaryFolder {
    /// Files, with the folders they stand in.
    fileprivate func fill(_ files: [String: [UInt8]]) throws {
        for (name, bytes) in files {
            let path = URL(fileURLWithPath: self.path(name))
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            _ = try write(bytes, to: name)
        }
    }

    fileprivate func dataset(_ classNames: [String]? = nil, classCount: Int? = nil) throws -> Dataset {
        try Dataset(
            .imageFolders(folder: url.path), part: .test, classNames: classNames, classCount: classCount)
    }
}

@Suite struct ClassFoldersOfADataSet {
    private func labels(
        _ folders: [String], _ classNames: [String]? = nil, count: Int? = nil
    ) throws -> [String: Int] {
        let classes = try ClassFolders(folders, in: "d", classNames: classNames, classCount: count ?? classNames?.count)
        return Dictionary(uniqueKeysWithValues: zip(classes.folders, classes.labels))
    }

    @Test func areClassesByTheirNamesWhereThereAreAny() throws {
        let names = ["zebra", "apple", "mango"]
        #expect(try labels(["mango", "apple", "zebra"], names) == ["zebra": 0, "apple": 1, "mango": 2])
        #expect(try labels(["mango", ".git"], names) == ["mango": 2])
        #expect(try labels(["2", "9"], ["9", "5", "2"]) == ["2": 2, "9": 0], "numbers may be names")
        #expect(
            try ClassFolders(["b", "a"], in: "d", classNames: ["b", "a"], classCount: 2).text
                == "2 folders are classes by their names: a is 1, b 0")
    }

    @Test func areClassesByNumberWhereAllAreNumbers() throws {
        #expect(try labels(["10", "9", "0"], count: 11) == ["0": 0, "9": 9, "10": 10])
        #expect(try labels(["1", "0"], ["cat", "dog"]) == ["0": 0, "1": 1])
    }

    @Test func areElseClassesInTheOrderOfTheirNames() throws {
        #expect(try labels(["dog", "cat", "Ant"], count: 3) == ["Ant": 0, "cat": 1, "dog": 2])
        #expect(try labels(["dog", "7"], count: nil) == ["7": 0, "dog": 1])
    }

    @Test(
        arguments: [
            (["cat", "cow"], ["cat", "dog"], nil, "d/cow: is named like no class"),
            (["0", "cat"], ["cat", "dog"], nil, "d/0: is named like no class"),
            (["crane"], ["crane", "crane"], nil, "d/crane: is the name of classes 0 and 1"),
            (["0", "1", "2"], nil, 2, "d/2: is no class number from 0 to 1"),
            (["1", "01"], nil, 2, "d/1: is the same number as 01"),
            (["a", "b", "c"], nil, 2, "d/c: is one folder more than the 2 classes"),
            (["a"], nil, 2, "d: holds 1 folders for 2 classes"),
        ] as [([String], [String]?, Int?, String)])
    func areRefusedWhereOneFitsNoClass(folders: [String], names: [String]?, count: Int?, complaint: String) {
        let error = #expect(throws: DataError.self) { try labels(folders, names, count: count) }
        #expect(error?.description.hasPrefix(complaint) == true, "\(error?.description ?? "")")
    }
}

@Suite struct FilesInClassFolders {
    @Test func countForTheirClassAlsoFromFoldersInside() throws {
        let folder = try TemporaryFolder()
        try folder.fill([
            "cat/b.ppm": ppm(2), "cat/a/deep/x.PPM": ppm(1), "dog/c.ppm": ppm(3), ".git/d.ppm": ppm(4),
            "cat/.hidden/e.ppm": ppm(5), "readme.txt": [],
        ])
        let data = try folder.dataset(["dog", "cat"])
        #expect(data.labels == [1, 1, 0])
        #expect(try (0..<3).map { try data.picture($0).bytes[0] } == [1, 2, 3])
        #expect(data.notes == [])
    }

    @Test func thatAreNotNamedLikePicturesAreCountedByKind() throws {
        let folder = try TemporaryFolder()
        try folder.fill([
            "a/1.ppm": ppm(1), "a/2.heic": [], "a/3.HEIC": [], "b/notes.txt": [], "b/LICENSE": [], "b/._1.ppm": [],
        ])
        let notes = try folder.dataset().notes
        #expect(notes.count == 1)
        #expect(
            notes[0].hasPrefix("\(folder.url.path): 5 files are not named like pictures and passed over: 2 .heic, "))
        for kind in ["1 .txt", "1 without an ending", "1 hidden"] {
            #expect(notes[0].contains(kind))
        }
    }

    @Test func withoutAnyPictureAreRefused() throws {
        let folder = try TemporaryFolder()
        try folder.fill(["a/1.heic": []])
        #expect(throws: DataError.noImages(path: folder.url.path)) { try folder.dataset() }
    }
}

private let input = ModelInput(height: 4, width: 4, resizeSide: 4, mean: .zero, standardDeviation: .one)

@Suite struct PicturesThatCannotBeRead {
    @Test func areNamedAndPassedOver() throws {
        let folder = try TemporaryFolder()
        try folder.fill([
            "a/1.ppm": ppm(1, side: 8), "a/2.jpg": Array("<html>".utf8), "a/3.png": [], "b/4.ppm": ppm(2, side: 8),
        ])
        let readable = try folder.dataset().readable(for: input, "images:x")
        #expect(readable.dataset.labels == [0, 1])
        #expect(try readable.dataset.picture(1).bytes[0] == 2)
        let notes = try #require(readable.notes.first)
        #expect(notes.hasPrefix("2 of 4 pictures cannot be used and are passed over: "))
        #expect(notes.contains("a/2.jpg (an HTML page, not a picture: a download that failed)"))
        #expect(notes.contains("a/3.png (an empty file)"))
    }

    @Test func endTheRunWhereTheyAreManyOrAll() throws {
        let folder = try TemporaryFolder()
        try folder.fill(["a/good.ppm": ppm(1, side: 8)])
        for number in 0..<10 {
            try folder.fill(["a/bad\(number).png": []])
        }
        #expect(try folder.dataset().readable(for: input, "x").dataset.count == 1, "ten may always be bad")
        try folder.fill(["a/bad.png": []])
        let error = #expect(throws: DataError.self) { try folder.dataset().readable(for: input, "x") }
        #expect(error?.description.hasPrefix("x: 11 of 12 pictures cannot be used, the first is ") == true)
        let other = try TemporaryFolder()
        try other.fill(["a/bad.png": []])
        #expect(throws: DataError.self) { try other.dataset().readable(for: input, "x") }
    }

    @Test func areNotAMatterOfPicturesInMemory() throws {
        let data = Dataset(labels: [0]) { _ in Picture(width: 8, height: 8, bytes: [UInt8](repeating: 0, count: 192)) }
        let readable = try data.readable(for: input, "x")
        #expect(readable.dataset.count == 1)
        #expect(readable.notes == [])
    }
}

/// A TIFF file without compression: one strip of RGB pixels, and an orientation.
private func tiff(_ rgb: [UInt8], width: Int, height: Int, orientation: Int = 1) -> [UInt8] {
    func little(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let entries: [(tag: Int, type: Int, count: Int, value: Int)] = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14),
        (274, 3, 1, orientation), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, rgb.count),
    ]
    var bytes = Array("II*\0".utf8)
    // Three numbers of bits stand behind the header, then the pixels, then the directory.
    bytes += little(14 + rgb.count + rgb.count % 2, 4)
    for _ in 0..<3 { bytes += little(8, 2) }
    bytes += rgb + [UInt8](repeating: 0, count: rgb.count % 2)
    bytes += little(entries.count, 2)
    for entry in entries {
        bytes += little(entry.tag, 2) + little(entry.type, 2)
        bytes += little(entry.count, 4) + little(entry.value, 4)
    }
    return bytes + little(0, 4)
}

@Suite struct ATIFFFile {
    private let rgb = (0..<18).map { UInt8(10 * $0) }

    private func picture(_ bytes: [UInt8], ignoresEXIF: Bool = false) throws -> Picture {
        let folder = try TemporaryFolder()
        return try decodePicture(folder.write(bytes, to: "a.jpg"), ignoresEXIF: ignoresEXIF)
    }

    @Test func comesBackExactlyWhateverItsName() throws {
        #expect(try picture(tiff(rgb, width: 3, height: 2)) == Picture(width: 3, height: 2, bytes: rgb))
    }

    @Test func isTurnedUpright() throws {
        let file = tiff(rgb, width: 3, height: 2, orientation: 6)
        let upright = try picture(file)
        #expect((upright.width, upright.height) == (2, 3))
        // The last row becomes the first column.
        #expect(Array(upright.bytes[..<6]) == [90, 100, 110, 0, 10, 20])
        #expect(try picture(file, ignoresEXIF: true) == Picture(width: 3, height: 2, bytes: rgb))
    }

    @Test func thatIsDamagedIsRefused() throws {
        let file = tiff(rgb, width: 3, height: 2)
        for length in [4, 8, 20, file.count - 20] {
            #expect(throws: DataError.self) { try picture(Array(file[..<length])) }
        }
        #expect(throws: DataError.self) { try picture(tiff(rgb, width: 16000, height: 16000)) }
    }
}

@Suite struct LinesOfAText {
    @Test(arguments: ["a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "\u{FEFF}a\nb\r\n\rc"])
    func endAsAnySystemEndsThem(text: String) {
        #expect(textLines(text) == ["a", "b", "", "c"])
    }
}
