import Foundation
import ProgramRunner
import Testing

@testable import Evaluation

@Test(
    "Data sets are named as on the command line",
    arguments: [
        ("fashion-mnist", .fashionMNIST(folder: "/usr/share/datasets/fashion-mnist")),
        ("fashion-mnist:/d", .fashionMNIST(folder: "/d")), ("cifar10:/d", .cifar10(folder: "/d")),
        ("cifar100:/d", .cifar100(folder: "/d")), ("images:/d:e", .imageFolders(folder: "/d:e")),
        ("list:f.txt:/root", .list(file: "f.txt", root: "/root")),
    ] as [(String, DataSpecification)])
func specificationsAreParsed(text: String, expected: DataSpecification) throws {
    #expect(try DataSpecification(text) == expected)
}

@Test(arguments: ["", "mnist", "fashion-mnist:", "cifar10", "cifar10:", "images", "list:f", "list::r", "list:a:b:c"])
func anUnknownSpecificationIsRefused(text: String) {
    #expect(throws: DataError.unknownSpecification(text)) { try DataSpecification(text) }
}

/// A CIFAR record: the labels, then planes whose values say channel and pixel.
private func record(_ labels: [UInt8], seed: Int) -> [UInt8] {
    labels + (0..<3 * 1024).map { UInt8(truncatingIfNeeded: $0 / 1024 * 50 + $0 % 1024 + seed) }
}

@Test func cifarRecordsBecomePixels() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(record([3], seed: 0) + record([9], seed: 7), to: "data_batch_1.bin")
    _ = try folder.write(record([1], seed: 1), to: "data_batch_2.bin")
    _ = try folder.write(record([5], seed: 2), to: "test_batch.bin")
    let training = try Dataset(.cifar10(folder: folder.url.path), part: .training, classNames: nil)
    #expect(training.labels == [3, 9, 1])
    let picture = try training.picture(1)
    #expect((picture.width, picture.height) == (32, 32))
    #expect(Array(picture.bytes[..<6]) == [7, 57, 107, 8, 58, 108])
    #expect(try Dataset(.cifar10(folder: folder.url.path), part: .test, classNames: nil).labels == [5])
}

@Test func theFineLabelOfCIFAR100Counts() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(record([4, 87], seed: 0), to: "train.bin")
    let data = try Dataset(.cifar100(folder: folder.url.path), part: .training, classNames: nil)
    #expect(data.labels == [87])
    #expect(Array(try data.picture(0).bytes[..<3]) == [0, 50, 100])
}

@Test func aCutCIFARFileIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(record([3], seed: 0).dropLast(), to: "test_batch.bin")
    let specification = DataSpecification.cifar10(folder: folder.url.path)
    #expect(throws: DataError.wrongSize(path: path)) { try Dataset(specification, part: .test, classNames: nil) }
    let missing = folder.path("data_batch_1.bin")
    #expect(throws: DataError.missing(path: missing)) { try Dataset(specification, part: .training, classNames: nil) }
}

@Test func fashionMNISTOfDebianIsPaddedTo32() throws {
    let data = try Dataset(DataSpecification("fashion-mnist"), part: .test, classNames: nil)
    #expect(data.count == 10_000)
    #expect(Array(data.labels[..<10]) == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7])
    let picture = try data.picture(0)
    #expect((picture.width, picture.height) == (32, 32))
    for pixel in 0..<1024 {
        let bytes = picture.bytes[3 * pixel..<3 * pixel + 3]
        #expect(Set(bytes).count == 1)
        if !(2..<30).contains(pixel % 32) || !(2..<30).contains(pixel / 32) {
            #expect(bytes.first == 0)
        }
    }
    #expect(picture.bytes.contains { $0 > 200 })
}

@Test func aFolderThatIsNotFashionMNISTIsRefused() throws {
    let folder = try TemporaryFolder()
    let images = folder.path("t10k-images-idx3-ubyte.gz")
    let specification = DataSpecification.fashionMNIST(folder: folder.url.path)
    #expect(throws: DataError.missing(path: images)) { try Dataset(specification, part: .test, classNames: nil) }
    // gzread passes plain bytes through.
    _ = try folder.write([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 27, 0, 0, 0, 28], to: "t10k-images-idx3-ubyte.gz")
    #expect(throws: DataError.notIDX(path: images)) { try Dataset(specification, part: .test, classNames: nil) }
    _ = try folder.write([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28, 1], to: "t10k-images-idx3-ubyte.gz")
    #expect(throws: DataError.wrongSize(path: images)) { try Dataset(specification, part: .test, classNames: nil) }
}

private func ppm(_ colour: [UInt8]) -> [UInt8] { Array("P6 1 1 255\n".utf8) + colour }

@Test func listsNamePicturesAndClasses() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(ppm([9, 8, 7]), to: "with space.ppm")
    let good = try folder.write(Array("with space.ppm 4\n\nabsent.ppm 2\n".utf8), to: "good.txt")
    let data = try Dataset(.list(file: good, root: folder.url.path), part: .test, classNames: nil)
    #expect(data.labels == [4, 2])
    #expect(try data.picture(0).bytes == [9, 8, 7])
    #expect(throws: DataError.missing(path: folder.path("absent.ppm"))) { try data.picture(1) }
    // As Windows writes it: a byte-order mark and carriage returns.
    let windows = try folder.write(
        [0xEF, 0xBB, 0xBF] + Array("with space.ppm 4\r\n\r\nabsent.ppm\t2\r\n".utf8), to: "windows.txt")
    let same = try Dataset(.list(file: windows, root: folder.url.path), part: .test, classNames: nil)
    #expect(same.labels == [4, 2])
    #expect(same.paths == data.paths)
    let bad = try folder.write(Array("a.ppm 1\nb.ppm\n".utf8), to: "bad.txt")
    #expect(throws: DataError.badLine(path: bad, line: 2)) {
        try Dataset(.list(file: bad, root: folder.url.path), part: .test, classNames: nil)
    }
}

private func numbered(_ labels: [Int]) -> Dataset {
    Dataset(labels: labels) { Picture(width: 1, height: 1, bytes: [UInt8($0), 0, 0]) }
}

@Test func thinningKeepsTheFirstOfEachClass() throws {
    let thinned = numbered([0, 1, 0, 2, 1, 0, 5]).thinned(to: [2, 1, 0])
    #expect(thinned.labels == [0, 1, 0])
    #expect(try (0..<3).map { try thinned.picture($0).bytes[0] } == [0, 1, 2])
}

@Test func aBalancedPickGivesEveryClassItsShare() throws {
    let data = numbered([0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 7])
    let picked = data.balanced(over: 7)
    #expect(picked.labels == [0, 0, 0, 3, 3, 3, 7])
    #expect(try (0..<3).map { try picked.picture($0).bytes[0] } == [0, 2, 5])
    #expect(data.balanced(over: 20).count == 12)
    #expect(data.balanced(over: 2).labels == [0, 3])
}
